/**
 * The connections to MySQL, in three pools: for writing, with one connection for each commit that is allowed at once;
 * for control; and for reading, with the rest. Writes never take a connection from reads. Neither of them takes one
 * from the small statements that all requests depend on: API keys, the readiness check and KILL.
 */
import type { Sequelize } from 'sequelize';
import type { ExclusiveTurns } from '../inventory/recurring-work.js';
import { connectionCounts } from './connection-counts.js';
import { CurrentServer } from './current-server.js';
import { parseMysqlUrl } from './mysql-address.js';
import { NamedLocks } from './named-locks.js';
import { openPool, type PoolSettings } from './pool.js';
import { Reader } from './reader.js';

export interface DatabaseSettings extends PoolSettings {
  /** All connections of the three pools. */
  readonly poolMax: number;
  /** The connections of the pool for writing. */
  readonly commitsMax: number;
  /**
   * The server ends a session for writing that is silent for so long, in milliseconds, and frees the rows that it has
   * locked: a process that is stopped, or has lost its way to the server, keeps them no longer than its lock. Three
   * seconds at least; the usual bound of silence where it is not given.
   */
  readonly silentTransactionMaxMs?: number | undefined;
  /** The longest that a statement may read, in milliseconds, where its caller's end could not end it; 0: no limit. */
  readonly readMaxMs?: number | undefined;
  /** In a cluster, what answers queries may be behind the other members. */
  readonly readsMayBeBehind?: boolean | undefined;
}

/** Of the connections for reading: they read what is committed, where the others need not. */
const DECIDERS = 2;
/** Below this, a process that is merely slow would lose its transactions. */
const SILENT_TRANSACTION_MIN_MS = 3_000;

export interface PoolStats {
  /** Connections that work. */
  readonly used: number;
  readonly free: number;
  /** Callers that wait for one. */
  readonly waiting: number;
}

export class Database implements ExclusiveTurns {
  readonly writer: Sequelize;
  readonly reader: Reader;
  /** For what decides on a write: it sees all that was committed before. */
  readonly decidingReader: Reader;
  /** For what no other read may delay, and for work that needs no caller. */
  readonly backgroundReader: Reader;
  /** For statements that take a few milliseconds and that no read may delay. */
  readonly control: Sequelize;
  readonly server: CurrentServer;
  private readonly readers: Sequelize;
  /** Where other reads may be behind. */
  private readonly deciders: Sequelize | null;
  private readonly locks: NamedLocks;

  /** @throws MysqlAddressError */
  constructor(given: DatabaseSettings) {
    this.server = new CurrentServer(parseMysqlUrl(given.url).hosts, given.log);
    const settings = { ...given, server: this.server };
    const counts = connectionCounts(settings.poolMax, settings.commitsMax);
    const { silentTransactionMaxMs } = settings;
    this.writer = openWriter(settings, counts.writing, silentTransactionMaxMs);
    this.control = openPool(settings, counts.control);
    const { readMaxMs = 0, readsMayBeBehind: mayBeBehind = false } = settings;
    const readingMax = Math.max(1, counts.reading - (mayBeBehind ? DECIDERS : 0));
    this.readers = openPool({ ...settings, mayBeBehind }, readingMax, {}, readLimit(readMaxMs));
    this.reader = new Reader({ reader: this.readers, control: this.control }, readingMax);
    this.backgroundReader = new Reader(
      { reader: this.control, control: this.control },
      counts.control,
    );
    this.deciders = mayBeBehind ? openPool(settings, DECIDERS, {}, readLimit(readMaxMs)) : null;
    this.decidingReader = this.deciders
      ? new Reader({ reader: this.deciders, control: this.control }, DECIDERS)
      : this.reader;
    this.locks = new NamedLocks(this.control);
  }

  /** Of this process, now. `deciding` is there where other reads may be behind. */
  pools(): Readonly<Record<string, PoolStats>> {
    return {
      writing: poolStats(this.writer),
      reading: poolStats(this.readers),
      ...(this.deciders && { deciding: poolStats(this.deciders) }),
      control: poolStats(this.control),
    };
  }

  exclusively(name: string, work: () => Promise<void>): Promise<void> {
    return this.locks.exclusively(name, work);
  }

  async close(): Promise<void> {
    await Promise.all([this.writer.close(), this.readers.close(), this.deciders?.close()]);
    await this.control.close();
  }
}

function poolStats({ connectionManager }: Sequelize): PoolStats {
  // Of the package sequelize-pool; the types of Sequelize leave it out.
  const { pool } = connectionManager as unknown as {
    readonly pool: {
      readonly using: number;
      readonly available: number;
      readonly waiting: number;
    };
  };
  const { using: used, available: free, waiting } = pool;
  return { used, free, waiting };
}

/**
 * A group compares the rows that transactions of different members write, and where foreign keys are checked, also the
 * rows that these refer to. So of any two transactions that change stock at one location at once, one would fail,
 * whatever their products. No row that another refers to is ever deleted, and each is looked up before.
 */
const NO_PARENTS_IN_WRITE_SETS = 'foreign_key_checks = 0';

function openWriter(
  settings: DatabaseSettings,
  connectionsMax: number,
  silentMs: number | undefined,
): Sequelize {
  if (silentMs === undefined) {
    return openPool(settings, connectionsMax, {}, '', NO_PARENTS_IN_WRITE_SETS);
  }
  const maxMs = Math.max(SILENT_TRANSACTION_MIN_MS, silentMs);
  const pool = { idle: maxMs / 2 };
  return openPool(
    settings,
    connectionsMax,
    { pool },
    `, wait_timeout = ${Math.ceil(maxMs / 1_000)}`,
    NO_PARENTS_IN_WRITE_SETS,
  );
}

/** MySQL counts milliseconds and MariaDB seconds; each of them takes the other one's assignment for a comment. */
function readLimit(maxMs: number): string {
  return `/*!50708 , max_execution_time = ${maxMs} */ /*M!100101 , max_statement_time = ${maxMs / 1_000} */`;
}
