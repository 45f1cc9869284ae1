/**
 * One pool of connections: how each of them is opened, set up, and thrown away when its server is not the one that
 * takes writes (current-server.ts).
 *
 * Every session runs READ COMMITTED, in strict SQL mode, and waits at most two seconds for a locked row: the default of
 * fifty would outlive the request. In a cluster it reads what was committed at any member, unless its pool may be
 * behind.
 *
 * Sequelize keeps the pool. The way that it opens a connection is replaced, because its hooks cannot open a second one
 * where the first is refused.
 */
import { Sequelize, type Options } from 'sequelize';
import { CurrentServer, NoWritableServerError, type ServerLog } from './current-server.js';
import { connectorOf, encrypted, type Connect, type ConnectConfig } from './encrypted-connect.js';
import { isNotResolved, isNotWritable, isServerAway } from './errors.js';
import { parseMysqlUrl, type MysqlHost } from './mysql-address.js';
import { ask, identityOf, takesWrites, type Session } from './server-state.js';

export interface PoolSettings {
  /** As parseMysqlUrl understands it. */
  readonly url: string;
  /** Shared by the pools of one process; without it, the pool finds its own. */
  readonly server?: CurrentServer | undefined;
  /** Told of each change of the server. */
  readonly log?: ServerLog | undefined;
  /**
   * A connection that was silent for so long is cut by this process and by the server, in milliseconds. Longer than
   * the pool keeps an idle one.
   */
  readonly silenceMaxMs?: number | undefined;
  /** In a cluster: its sessions read what their own member has applied, which may be behind the others. */
  readonly mayBeBehind?: boolean | undefined;
  /** Called with every statement, for tests that count them. */
  readonly onStatement?: ((sql: string) => void) | undefined;
  /** Runs each statement, for traces. */
  readonly aroundStatement?: AroundStatement | undefined;
}

export type AroundStatement = <T>(sql: string, run: () => Promise<T>) => Promise<T>;

const LOCK_WAIT_SECONDS = 2;
const CONNECT_TIMEOUT_MS = 2_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
const SILENCE_MAX_MS = 20_000;
/** As above, once the server was left because it gave no answer. */
const SILENCE_AT_LEFT_SERVER_MAX_MS = 1_000;
/** The host of a new connection may turn out to be away; then another one is looked for once. */
const HOSTS_TRIED_MAX = 2;

/**
 * The time zone is set with everything else: Sequelize's own statement for it waits without a bound at a server that
 * hangs. Sequelize's types leave the option out.
 */
const WITHOUT_TIME_ZONE: object = { keepDefaultTimezone: true };

/** Where a connection is, from the moment it is set up. */
interface Place {
  readonly server: CurrentServer;
  readonly generation: number;
  readonly identity: string;
  /** A statement on it was refused because the server takes no writes. */
  isRefused: boolean;
}

const places = new WeakMap<object, Place>();

/** Whether both are at one server, so that a KILL of one session can name the other. */
export function areAtOneServer(one: object, other: object): boolean {
  const identity = places.get(one)?.identity ?? '';
  return identity !== '' && identity === places.get(other)?.identity;
}

/** Asks the server whether it takes writes, and leaves it if not. */
export async function leaveDemotedServer(session: Session): Promise<void> {
  const place = places.get(session);
  if (!place || (await takesWrites(session))) return;
  leaveRefusing(place);
}

function leaveRefusing(place: Place): void {
  place.isRefused = true;
  place.server.refusedWrite(place.generation, place.identity);
}

/**
 * Opens a pool whose sessions are set up as described above.
 *
 * @param sessionSql further assignments of SET SESSION, each after a comma.
 * @param groupSql an assignment of SET SESSION for members of a group only.
 * @throws MysqlAddressError
 */
export function openPool(
  settings: PoolSettings,
  connectionsMax: number,
  options: Options = {},
  sessionSql = '',
  groupSql = '',
): Sequelize {
  const { onStatement, silenceMaxMs = SILENCE_MAX_MS } = settings;
  const address = parseMysqlUrl(settings.url);
  const server = settings.server ?? new CurrentServer(address.hosts, settings.log);
  const usual = { max: connectionsMax, min: 0, idle: 10_000, acquire: ACQUIRE_TIMEOUT_MS };
  const sequelize = new Sequelize(address.database, address.user, address.password, {
    dialect: 'mysql',
    logging: onStatement
      ? (sql) => {
          onStatement(sql);
        }
      : false,
    dialectOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      charset: 'utf8mb4',
      // Sequelize has inserted the values. Without this the driver would search the text for placeholders again.
      queryFormat: (sql: string) => sql,
    },
    ...WITHOUT_TIME_ZONE,
    // A statement that is repeated alone would run outside of its transaction. Whole transactions are retried.
    retry: { max: 1 },
    ...options,
    pool: {
      ...usual,
      ...options.pool,
      validate: (connection) =>
        connector.validate(connection as Session) && isCurrent(connection as Session, server),
    },
  });
  const connector = connectorOf(sequelize);
  const open = encrypted(connector.connect.bind(connector), address.tls);
  const setUp = async (session: Session) => {
    await setUpSession(session, silenceMaxMs, sessionSql);
    if (!settings.mayBeBehind) await readWhatIsCommitted(session, groupSql);
  };
  connector.connect = (config) => connectToCurrent(server, config, { open, setUp, silenceMaxMs });
  noticeRefusals(sequelize, server);
  if (settings.aroundStatement) runAround(sequelize, settings.aroundStatement);
  return sequelize;
}

function isCurrent(session: Session, server: CurrentServer): boolean {
  const place = places.get(session);
  return place !== undefined && !place.isRefused && place.generation === server.generation;
}

async function connectToCurrent(
  server: CurrentServer,
  config: ConnectConfig,
  parts: {
    readonly open: Connect;
    readonly setUp: (session: Session) => Promise<void>;
    readonly silenceMaxMs: number;
  },
): Promise<Session> {
  const { open, setUp, silenceMaxMs } = parts;
  for (let tried = 1; ; tried += 1) {
    const began = server.generation;
    const host = await server.host((candidate) => probe({ ...config, ...candidate }, open));
    try {
      const session = await open({ ...config, ...host });
      return await orDestroyed(session, async () => {
        // One that hangs already would hold its place in the pool.
        cutAfterSilence(session, CONNECT_TIMEOUT_MS);
        await setUp(session);
        if (server.hasSeveral && !(await takesWrites(session)))
          throw new NoWritableServerError([host]);
        const identity = await identityOf(session);
        const generation = server.opened(began, identity);
        const unwatch = server.watch({
          bytesHeard: () => session.stream.bytesRead,
          cutIfSilent: () => {
            cutAfterSilence(session, SILENCE_AT_LEFT_SERVER_MAX_MS);
          },
        });
        session.stream.once('close', unwatch);
        // The server uses the same bound: the session of a lost client would keep rows locked for hours.
        cutAfterSilence(session, silenceMaxMs);
        places.set(session, { server, generation, identity, isRefused: false });
        return session;
      });
    } catch (error) {
      if (!isServerAway(error)) throw error;
      server.failed(host, howItFailed(error));
      if (!server.hasSeveral || tried === HOSTS_TRIED_MAX) throw error;
    }
  }
}

function howItFailed(error: unknown): Parameters<CurrentServer['failed']>[1] {
  if (isNotResolved(error)) return 'NOT_RESOLVED';
  return error instanceof NoWritableServerError || isNotWritable(error)
    ? 'NO_WRITES'
    : 'NOT_REACHED';
}

async function probe(config: ConnectConfig & MysqlHost, open: Connect): Promise<boolean> {
  const session = await open(config);
  // One that hangs would keep the search from ending.
  cutAfterSilence(session, CONNECT_TIMEOUT_MS);
  try {
    return await takesWrites(session);
  } finally {
    session.stream.destroy();
  }
}

async function orDestroyed<T>(session: Session, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    session.stream.destroy();
    throw error;
  }
}

/** Every statement passes here: of transactions, of the pool, and of connections that are taken out of it. */
function noticeRefusals(sequelize: Sequelize, server: CurrentServer): void {
  type Query = (sql: unknown, options?: { readonly transaction?: object }) => Promise<unknown>;
  const query = sequelize.query.bind(sequelize) as Query;
  const noticing: Query = async (sql, options) => {
    const began = server.generation;
    try {
      return await query(sql, options);
    } catch (error) {
      if (isNotWritable(error)) {
        const { connection } = (options?.transaction ?? {}) as { readonly connection?: object };
        const place = connection && places.get(connection);
        if (place) leaveRefusing(place);
        else server.refusedWrite(began);
      }
      throw error;
    }
  };
  sequelize.query = noticing as typeof sequelize.query;
}

function runAround(sequelize: Sequelize, around: AroundStatement): void {
  type Query = (sql: string, ...rest: unknown[]) => Promise<unknown>;
  const query = sequelize.query.bind(sequelize) as Query;
  const traced: Query = (sql, ...rest) => around(sql, () => query(sql, ...rest));
  sequelize.query = traced as typeof sequelize.query;
}

async function setUpSession(
  session: Session,
  silenceMaxMs: number,
  sessionSql: string,
): Promise<void> {
  await ask(session, 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await ask(
    session,
    `SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS},
       wait_timeout = ${Math.ceil(silenceMaxMs / 1_000)},
       time_zone = '+00:00',
       sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'
     ${sessionSql}`,
  );
}

/** In place of an earlier bound. It counts from now on, and anew with each byte. */
function cutAfterSilence({ stream }: Session, ms: number): void {
  stream.setTimeout(ms, () => {
    stream.destroy();
  });
}

/**
 * In a group or in Galera a member may be behind the others. It would refuse what another member has already made
 * possible, and store the refusal under its idempotency key. So a transaction begins when this member has applied
 * everything that was committed before it.
 */
async function readWhatIsCommitted(session: Session, groupSql: string): Promise<void> {
  const found = await ask<{ Variable_name: string; Value: string }>(
    session,
    "SHOW VARIABLES WHERE Variable_name IN ('group_replication_consistency', 'wsrep_on')",
  );
  for (const { Variable_name: name, Value: value } of found) {
    if (name === 'wsrep_on') {
      // Before reads (1), UPDATE and DELETE (2), INSERT and REPLACE (4). MariaDB has the variable without Galera, too.
      if (value === 'ON') await ask(session, 'SET SESSION wsrep_sync_wait = 7');
      continue;
    }
    await ask(session, `SET SESSION ${name} = 'BEFORE'`);
    if (groupSql) await ask(session, `SET SESSION ${groupSql}`);
  }
}
