/**
 * One pool of connections: how each of them is opened, encrypted and set up.
 *
 * Every session runs READ COMMITTED, in strict SQL mode, and waits at most two seconds for a locked row: the default of
 * fifty would outlive the request.
 *
 * Sequelize keeps the pool. The way that it opens a connection is replaced, because its hooks cannot open a second one
 * where the first is refused.
 */
import { Sequelize, type Options } from 'sequelize';
import { parseMysqlUrl, type MysqlAddress } from './mysql-address.js';
import { driverTls, type DriverTls } from './tls-options.js';

export interface PoolSettings {
  /** As parseMysqlUrl understands it. */
  readonly url: string;
  /**
   * A connection that was silent for so long is cut by this process and by the server, in milliseconds. Longer than
   * the pool keeps an idle one.
   */
  readonly silenceMaxMs?: number | undefined;
  /** Called with every statement, for tests that count them. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

const LOCK_WAIT_SECONDS = 2;
const CONNECT_TIMEOUT_MS = 2_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
const SILENCE_MAX_MS = 20_000;

/**
 * Opens a pool whose sessions are set up as described above.
 *
 * @param sessionSql further assignments of SET SESSION, each after a comma.
 * @throws MysqlAddressError
 */
export function openPool(
  settings: PoolSettings,
  connectionsMax: number,
  options: Options = {},
  sessionSql = '',
): Sequelize {
  const { onStatement, silenceMaxMs = SILENCE_MAX_MS } = settings;
  const address = parseMysqlUrl(settings.url);
  const [first] = address.hosts;
  const sequelize = new Sequelize(address.database, address.user, address.password, {
    ...first,
    dialect: 'mysql',
    logging: onStatement
      ? (sql) => {
          onStatement(sql);
        }
      : false,
    pool: { max: connectionsMax, min: 0, idle: 10_000, acquire: ACQUIRE_TIMEOUT_MS },
    dialectOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      charset: 'utf8mb4',
      // Sequelize has inserted the values. Without this the driver would search the text for placeholders again.
      queryFormat: (sql: string) => sql,
    },
    // A statement that is repeated alone would run outside of its transaction. Whole transactions are retried.
    retry: { max: 1 },
    ...options,
  });
  encrypt(sequelize, address);
  sequelize.addHook('afterConnect', (connection) =>
    setUpSession(connection as SessionConnection, silenceMaxMs, sessionSql),
  );
  return sequelize;
}

/** The used part of mysql2's connection, which Sequelize returns untyped. */
interface SessionConnection {
  readonly stream: { setTimeout(ms: number, then: () => void): void; destroy(): void };
  query(sql: string, then: (error: Error | null) => void): void;
}

interface ConnectConfig {
  readonly dialectOptions: object;
}

/** The used part of Sequelize's, which its types leave out. */
interface Connector {
  connect(config: ConnectConfig): Promise<SessionConnection>;
}

function encrypt(sequelize: Sequelize, { tls }: MysqlAddress): void {
  const connector = sequelize.connectionManager as unknown as Connector;
  const connect = connector.connect.bind(connector);
  const ssl = driverTls(tls);
  connector.connect = async (config) => {
    try {
      return await connect(withTls(config, ssl));
    } catch (error) {
      const isRefused = originalOf(error).code === 'HANDSHAKE_NO_SSL_SUPPORT';
      if (!isRefused || tls.mode !== 'PREFERRED') throw markClear(error, ssl);
    }
    return connect(withTls(config, null)).catch((error: unknown) => {
      throw markClear(error, null);
    });
  };
}

function withTls(config: ConnectConfig, ssl: DriverTls | null): ConnectConfig {
  return ssl ? { ...config, dialectOptions: { ...config.dialectOptions, ssl } } : config;
}

/** MySQL refuses a user of REQUIRE SSL in the words of a wrong password, so the error says how it was asked. */
function markClear(error: unknown, ssl: DriverTls | null): unknown {
  if (!ssl) originalOf(error).wasClear = true;
  return error;
}

/** The driver's error, which Sequelize wraps. */
function originalOf(error: unknown): { code?: string; wasClear?: boolean } {
  const { original } = error as { readonly original?: object };
  return original ?? (error as object);
}

async function setUpSession(
  connection: SessionConnection,
  silenceMaxMs: number,
  sessionSql: string,
): Promise<void> {
  // The server uses the same timeout: the session of a lost client would keep rows locked for hours.
  connection.stream.setTimeout(silenceMaxMs, () => {
    connection.stream.destroy();
  });
  await run(connection, 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await run(
    connection,
    `SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS},
       wait_timeout = ${Math.ceil(silenceMaxMs / 1_000)},
       sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'
     ${sessionSql}`,
  );
}

function run(connection: SessionConnection, sql: string): Promise<void> {
  return new Promise((resolve, reject) => {
    connection.query(sql, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
