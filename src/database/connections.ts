/**
 * The connections to MySQL: a pool for writing with one connection for each commit that is allowed at once, and a pool
 * for reading with the rest. Writes never take a connection from reads.
 *
 * Every session runs READ COMMITTED, in strict SQL mode, and waits at most two seconds for a locked row: the default of
 * fifty would outlive the request.
 */
import { QueryTypes, Sequelize, type Options } from 'sequelize';
import type { ExclusiveTurns } from '../inventory/recurring-work.js';
import { available } from './errors.js';

export interface DatabaseSettings {
  readonly url: string;
  /** All connections of both pools. */
  readonly poolMax: number;
  /** The connections of the pool for writing. */
  readonly commitsMax: number;
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

/** SQL for the name of a lock of this database. MySQL allows 64 characters, as many as a database's name can have. */
export const NAMED_LOCK = 'CONCAT(?, LEFT(SHA2(DATABASE(), 256), 40))';

export class Database implements ExclusiveTurns {
  readonly writer: Sequelize;
  readonly reader: Sequelize;

  constructor(settings: DatabaseSettings) {
    this.writer = openPool(settings, settings.commitsMax);
    this.reader = openPool(settings, Math.max(1, settings.poolMax - settings.commitsMax));
  }

  /** Rejects where the database does not answer. */
  async ping(): Promise<void> {
    await this.reader.query('SELECT 1');
  }

  /**
   * Runs the work under MySQL's GET_LOCK, which ends with its session, so a crash releases it. It is per server:
   * with several primaries two processes may run the work at once, which the work must tolerate.
   */
  async exclusively(name: string, work: () => Promise<void>): Promise<void> {
    await available(() =>
      // The transaction reserves one connection, whose session owns the lock.
      this.reader.transaction(async (transaction) => {
        const call = async (sql: string) => {
          const [row] = await this.reader.query<{ taken: number | null }>(
            `SELECT ${sql} AS taken`,
            { replacements: [`stockade.${name}.`], transaction, type: QueryTypes.SELECT },
          );
          return row?.taken === 1;
        };
        if (!(await call(`GET_LOCK(${NAMED_LOCK}, 0)`))) return;
        try {
          await work();
        } finally {
          await call(`RELEASE_LOCK(${NAMED_LOCK})`);
        }
      }),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.writer.close(), this.reader.close()]);
  }
}

/** Opens a pool whose sessions are set up as described above. */
export function openPool(
  settings: Pick<DatabaseSettings, 'url' | 'onStatement' | 'silenceMaxMs'>,
  connectionsMax: number,
  options: Options = {},
): Sequelize {
  const { onStatement, silenceMaxMs = SILENCE_MAX_MS } = settings;
  const sequelize = new Sequelize(settings.url.replace(/^mariadb:/, 'mysql:'), {
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
  sequelize.addHook('afterConnect', (connection) =>
    setUpSession(connection as SessionConnection, silenceMaxMs),
  );
  return sequelize;
}

/** The used part of mysql2's connection, which Sequelize returns untyped. */
interface SessionConnection {
  readonly stream: { setTimeout(ms: number, then: () => void): void; destroy(): void };
  query(sql: string, then: (error: Error | null) => void): void;
}

async function setUpSession(connection: SessionConnection, silenceMaxMs: number): Promise<void> {
  // The server uses the same timeout: the session of a lost client would keep rows locked for hours.
  connection.stream.setTimeout(silenceMaxMs, () => {
    connection.stream.destroy();
  });
  await run(connection, 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
  await run(
    connection,
    `SET SESSION innodb_lock_wait_timeout = ${LOCK_WAIT_SECONDS},
       wait_timeout = ${Math.ceil(silenceMaxMs / 1_000)},
       sql_mode = 'STRICT_ALL_TABLES,ONLY_FULL_GROUP_BY,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO'`,
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
