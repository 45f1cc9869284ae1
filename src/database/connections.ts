/**
 * The connections to MySQL, in three pools: for writing, with one connection for each commit that is allowed at once;
 * for control; and for reading, with the rest. Writes never take a connection from reads. Neither of them takes one
 * from the small statements that all requests depend on: API keys, the readiness check and KILL.
 *
 * Every session runs READ COMMITTED, in strict SQL mode, and waits at most two seconds for a locked row: the default of
 * fifty would outlive the request.
 */
import { Sequelize, type Options } from 'sequelize';
import type { ExclusiveTurns } from '../inventory/recurring-work.js';
import { connectionCounts } from './connection-counts.js';
import { NamedLocks } from './named-locks.js';
import { Reader } from './reader.js';

export interface DatabaseSettings {
  readonly url: string;
  /** All connections of the three pools. */
  readonly poolMax: number;
  /** The connections of the pool for writing. */
  readonly commitsMax: number;
  /**
   * A connection that was silent for so long is cut by this process and by the server, in milliseconds. Longer than
   * the pool keeps an idle one.
   */
  readonly silenceMaxMs?: number | undefined;
  /** The longest that a statement may read, in milliseconds, where its caller's end could not end it; 0: no limit. */
  readonly readMaxMs?: number | undefined;
  /** Called with every statement, for tests that count them. */
  readonly onStatement?: ((sql: string) => void) | undefined;
}

const LOCK_WAIT_SECONDS = 2;
const CONNECT_TIMEOUT_MS = 2_000;
const ACQUIRE_TIMEOUT_MS = 3_000;
const SILENCE_MAX_MS = 20_000;

export class Database implements ExclusiveTurns {
  readonly writer: Sequelize;
  readonly reader: Reader;
  /** For what no other read may delay, and for work that needs no caller. */
  readonly backgroundReader: Reader;
  /** For statements that take a few milliseconds and that no read may delay. */
  readonly control: Sequelize;
  private readonly readers: Sequelize;
  private readonly locks: NamedLocks;

  constructor(settings: DatabaseSettings) {
    const counts = connectionCounts(settings.poolMax, settings.commitsMax);
    this.writer = openPool(settings, counts.writing);
    this.control = openPool(settings, counts.control);
    const { readMaxMs = 0 } = settings;
    this.readers = openPool(settings, counts.reading, {}, readLimit(readMaxMs));
    this.reader = new Reader({ reader: this.readers, control: this.control }, counts.reading);
    this.backgroundReader = new Reader(
      { reader: this.control, control: this.control },
      counts.control,
    );
    this.locks = new NamedLocks(this.control);
  }

  /** Rejects where the database does not answer. */
  async ping(): Promise<void> {
    await this.control.query('SELECT 1');
  }

  exclusively(name: string, work: () => Promise<void>): Promise<void> {
    return this.locks.exclusively(name, work);
  }

  async close(): Promise<void> {
    await Promise.all([this.writer.close(), this.readers.close()]);
    await this.control.close();
  }
}

/**
 * Opens a pool whose sessions are set up as described above.
 *
 * @param sessionSql further assignments of SET SESSION, each after a comma.
 */
export function openPool(
  settings: Pick<DatabaseSettings, 'url' | 'onStatement' | 'silenceMaxMs'>,
  connectionsMax: number,
  options: Options = {},
  sessionSql = '',
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
    setUpSession(connection as SessionConnection, silenceMaxMs, sessionSql),
  );
  return sequelize;
}

/** The used part of mysql2's connection, which Sequelize returns untyped. */
interface SessionConnection {
  readonly stream: { setTimeout(ms: number, then: () => void): void; destroy(): void };
  query(sql: string, then: (error: Error | null) => void): void;
}

/** MySQL counts milliseconds and MariaDB seconds; each of them takes the other one's assignment for a comment. */
function readLimit(maxMs: number): string {
  return `/*!50708 , max_execution_time = ${maxMs} */ /*M!100101 , max_statement_time = ${maxMs / 1_000} */`;
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
