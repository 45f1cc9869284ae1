/**
 * What an error of the database means for its transaction: the one table of errno.
 *
 * Errors are told apart by errno, because texts differ between MySQL and MariaDB. A duplicate (1062) is a lost race on
 * every index: the slower transaction is repeated and finds the row.
 */
import { StorageUnavailableError } from '../inventory/stock-store.js';

export type TransactionFault =
  /** Another transaction was faster. This one was rolled back, and decides again from locked reads. */
  | 'LOST_RACE'
  /** The wait for a locked row timed out. */
  | 'ROWS_LOCKED'
  /** The server cannot be reached, or refuses for now. */
  | 'UNREACHABLE'
  /** Anything else: a defect of this program. */
  | 'BUG';

const LOST_RACE_ERRNOS = new Set([
  1213, // deadlock; InnoDB has rolled back
  3101, // Group Replication: certification failed at COMMIT, rolled back
  1062, // duplicate key: another transaction has inserted the row
  1020, // MariaDB: record has changed since last read (snapshot isolation)
]);
const ROWS_LOCKED_ERRNOS = new Set([
  1205, // lock wait timeout; only the statement was rolled back, so this process rolls back the transaction
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

/** A statement changed fewer rows than planned, so rows have changed since they were read. */
export class UnexpectedRowCountError extends Error {
  readonly code = 'UNEXPECTED_ROW_COUNT' as const;
  constructor(expected: number, got: number) {
    super(`Expected to change ${expected} row(s); changed ${got}.`);
    this.name = 'UnexpectedRowCountError';
  }
}

/** A read without locks was incomplete and has to be repeated with locked rows. */
export class ReadAgainError extends Error {
  readonly code = 'READ_AGAIN' as const;
  constructor() {
    super('A level has reserved units whose reservations were not looked up.');
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
  // Sequelize's own errors: the pool gave no connection in time, or could not open one.
  if (name?.startsWith('SequelizeConnection') || name?.startsWith('SequelizeHost')) {
    return 'UNREACHABLE';
  }
  return fatal ? 'UNREACHABLE' : 'BUG';
}

/** Runs a read. @throws StorageUnavailableError where the database cannot be reached. */
export async function available<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (faultOf(error) === 'BUG') throw error;
    throw new StorageUnavailableError(error);
  }
}

/** Whether an error of COMMIT proves that the transaction was rolled back. */
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
