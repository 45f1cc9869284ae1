/**
 * The connections to MySQL: a pool for writing that is as large as the number of commits allowed at once, and a pool
 * for reading with the rest. A flash sale can fill the first and never takes a connection from the second.
 *
 * Every session runs READ COMMITTED, in strict SQL mode, and waits at most two seconds for a row: the default of fifty
 * would outlive the request.
 */
import { Sequelize, type Options } from 'sequelize';

export interface DatabaseSettings {
  readonly url: string;
  /** Connections in all. */
  readonly poolMax: number;
  /** Of these, the ones that write. */
  readonly commitsMax: number;
  /**
   * A connection on which nothing moved for so long is cut, by us and by the server, in milliseconds; longer than an
   * idle one is kept.
   */
  readonly silenceMaxMs?: number | undefined;
  /** Told of every statement: for tests that count them. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

const LOCK_WAIT_SECONDS = 2;
const CONNECT_TIMEOUT_MS = 2_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
const SILENCE_MAX_MS = 20_000;

export class Database {
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

  async close(): Promise<void> {
    await Promise.all([this.writer.close(), this.reader.close()]);
  }
}

/** Opens a pool whose sessions are set up as all of ours are. */
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
      // Sequelize has put the values in; the driver would search the finished text for places to put them once more.
      queryFormat: (sql: string) => sql,
    },
    // A statement that is sent again on its own would run outside of its transaction; whole transactions are retried.
    retry: { max: 1 },
    ...options,
  });
  sequelize.addHook('afterConnect', (connection) =>
    setUpSession(connection as SessionConnection, silenceMaxMs),
  );
  return sequelize;
}

/** What is used here of mysql2's connection, which Sequelize passes on untyped. */
interface SessionConnection {
  readonly stream: { setTimeout(ms: number, then: () => void): void; destroy(): void };
  query(sql: string, then: (error: Error | null) => void): void;
}

async function setUpSession(connection: SessionConnection, silenceMaxMs: number): Promise<void> {
  // The server does the same: a session whose client has vanished would keep its rows locked for hours.
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
