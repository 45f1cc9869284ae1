/**
 * What an error of the database means for the transaction that met it: the one table of errno.
 *
 * Only the errno tells errors apart; texts differ between MySQL and MariaDB. A duplicate (1062) is a lost race on every
 * index of ours: the operations' rows are claimed without one, and whoever comes second finds the row when run again.
 */
import { StorageUnavailableError } from '../inventory/stock-store.js';

export type TransactionFault =
  /** Somebody else was faster. The transaction was rolled back: decide again from a locking read. */
  | 'LOST_RACE'
  /** Rows stayed locked for as long as this session waits. */
  | 'ROWS_LOCKED'
  /** The server or the way to it is gone, or refuses for now. */
  | 'UNREACHABLE'
  /** Anything else: a mistake in our program. */
  | 'BUG';

const LOST_RACE_ERRNOS = new Set([
  1213, // deadlock; InnoDB has rolled back
  3101, // Group Replication: certification failed at COMMIT, rolled back
  1062, // duplicate: the row that was to be new is there
  1020, // MariaDB: record has changed since last read (snapshot isolation)
]);
const ROWS_LOCKED_ERRNOS = new Set([
  1205, // lock wait timeout; only the statement was rolled back, so the whole is rolled back by us
]);
const UNREACHABLE_ERRNOS = new Set([
  1040, // too many connections
  1041, // out of resources
  1043, // bad handshake, from a server that is going down
  1053, // server shutdown in progress
  1077, // normal shutdown
  1079, // shutdown complete
  1129, // host blocked after too many broken connections
  1152, // aborted connection
  1158,
  1159,
  1160,
  1161, // network errors as the server sees them
  1114, // the table is full: no space left on the device
  1021, // disk full
  1026, // error writing file
  1030, // got error from storage engine
  1180, // error during COMMIT
  1290, // --read-only: a member that must not be written to
  1836, // read-only mode
  1317, // query interrupted: KILL QUERY
  1927, // MariaDB: connection was killed
  3024,
  1969, // statement timed out
  3100, // Group Replication: the plugin refused the transaction
  3168,
  3169, // session was killed or is not to be used
  4031, // disconnected for inactivity
]);
const UNREACHABLE_CODES = new Set([
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

/** The statement changed another number of rows than planned: the levels are not what they were. */
export class UnexpectedRowCountError extends Error {
  readonly code = 'UNEXPECTED_ROW_COUNT' as const;
  constructor(expected: number, got: number) {
    super(`Expected to change ${expected} level(s), changed ${got}.`);
    this.name = 'UnexpectedRowCountError';
  }
}

/** What was read plainly is not the whole truth: it has to be read again, with its rows locked. */
export class ReadAgainError extends Error {
  readonly code = 'READ_AGAIN' as const;
  constructor() {
    super('Something was reserved that nobody had seen.');
    this.name = 'ReadAgainError';
  }
}

export function faultOf(error: unknown): TransactionFault {
  if (error instanceof UnexpectedRowCountError || error instanceof ReadAgainError) {
    return 'LOST_RACE';
  }
  const { errno, code, name, fatal } = driverError(error);
  if (errno !== undefined && LOST_RACE_ERRNOS.has(errno)) return 'LOST_RACE';
  if (errno !== undefined && ROWS_LOCKED_ERRNOS.has(errno)) return 'ROWS_LOCKED';
  if (errno !== undefined && UNREACHABLE_ERRNOS.has(errno)) return 'UNREACHABLE';
  if (code !== undefined && UNREACHABLE_CODES.has(code)) return 'UNREACHABLE';
  // Sequelize's own: no connection from the pool in time, or the pool could open none.
  if (name?.startsWith('SequelizeConnection') || name?.startsWith('SequelizeHost')) {
    return 'UNREACHABLE';
  }
  return fatal ? 'UNREACHABLE' : 'BUG';
}

/** Runs what reads. @throws StorageUnavailableError where the database is away. */
export async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (faultOf(error) === 'BUG') throw error;
    throw new StorageUnavailableError(error);
  }
}

/** Whether an error that COMMIT met says for certain that the transaction was rolled back. */
export function isRolledBackForCertain(error: unknown): boolean {
  const { errno } = driverError(error);
  return errno !== undefined && LOST_RACE_ERRNOS.has(errno);
}

interface DriverError {
  readonly errno?: number | undefined;
  readonly code?: string | undefined;
  readonly name?: string | undefined;
  readonly fatal?: boolean | undefined;
}

/** mysql2's own error, which Sequelize wraps; mysql2 gives system errors a negative errno. */
function driverError(error: unknown): DriverError {
  if (!(error instanceof Error)) return {};
  const outer = error as Error & { readonly original?: unknown };
  const inner: unknown = outer.original ?? outer;
  const { errno, code, fatal } = inner as DriverError;
  const isServerErrno = errno !== undefined && errno > 0;
  return { errno: isServerErrno ? errno : undefined, code, fatal, name: error.name };
}
