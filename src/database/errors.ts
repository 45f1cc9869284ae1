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

const DUPLICATE_ERRNO = 1062;
const LOST_RACE_ERRNOS = new Set([
  1213, // deadlock; InnoDB has rolled back. Galera: certification failed
  3101, // Group Replication: certification failed at COMMIT, rolled back
  DUPLICATE_ERRNO, // another transaction has inserted the row
  1020, // MariaDB: record has changed since last read (snapshot isolation)
  8002, // TiDB, from its documents, as the next two: a locking read met a newer version
  8022, // TiDB: the commit failed and was rolled back
  9007, // TiDB: write conflict
]);
const ROWS_LOCKED_ERRNOS = new Set([
  1205, // lock wait timeout; only the statement was rolled back, so this process rolls back the transaction
]);
/** The server is up, and not one that takes writes: read-only, demoted, or outside of its cluster's quorum. */
const NOT_WRITABLE_ERRNOS = new Set([
  1047, // Galera: the node is not in the primary component, or is not synced yet
  1290, // --read-only, --super-read-only
  1792, // the transaction is read-only: set for all sessions of a replica, or by a proxy
  1836, // read-only mode
  3100, // Group Replication: the plugin refused the transaction
  3796, // Group Replication: the member's state does not allow the session's consistency
]);
const UNREACHABLE_ERRNOS = new Set([
  ...NOT_WRITABLE_ERRNOS,
  1040, // too many connections
  1203, // too many connections of this user
  1226, // a limit of the account is reached: connections, statements or changes
  1041, // out of resources
  1135, // the server can create no thread
  1206, // no room for more locks; rolled back
  1637, // too many transactions at once
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
  1184, // aborted connection
  1114, // the table is full: no space left on the device
  1021, // disk full
  1026, // error writing file
  1030, // got error from storage engine
  1180, // error during COMMIT; see isAborted
  1598, // the binary log cannot be written, so the server ends
  1317, // query interrupted: KILL QUERY
  1927, // MariaDB: connection was killed
  3024,
  1969, // statement timed out
  3032, // the server is in offline mode
  3168,
  3169, // session was killed or is not to be used
  3797,
  3798, // Group Replication: the wait for the session's consistency failed
  4031, // disconnected for inactivity
  2002,
  2003,
  2005,
  2006,
  2012,
  2013,
  2055, // what a client sees of a lost server, handed on by proxies and routers
  9001,
  9002,
  9003,
  9004,
  9005,
  9006, // ProxySQL: it has no server to send this to. TiDB: a part of the store is away or busy
]);
const UNREACHABLE_CODES = new Set([
  'NO_WRITABLE_SERVER',
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
  if (isRolledBackForCertain(error)) return 'LOST_RACE';
  if (errno !== undefined && ROWS_LOCKED_ERRNOS.has(errno)) return 'ROWS_LOCKED';
  if (errno !== undefined && UNREACHABLE_ERRNOS.has(errno)) return 'UNREACHABLE';
  if (code !== undefined && UNREACHABLE_CODES.has(code)) return 'UNREACHABLE';
  // Sequelize's own errors: the pool gave no connection in time, or could not open one.
  if (name?.startsWith('SequelizeConnection') || name?.startsWith('SequelizeHost')) {
    return 'UNREACHABLE';
  }
  return fatal ? 'UNREACHABLE' : 'BUG';
}

/** Whether a row was to be inserted that is there already. */
export function isDuplicate(error: unknown): boolean {
  return driverError(error).errno === DUPLICATE_ERRNO;
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

/** Whether an error proves that the server takes no writes now, so that another server may be the one that does. */
export function isNotWritable(error: unknown): boolean {
  const { errno } = driverError(error);
  return errno !== undefined && NOT_WRITABLE_ERRNOS.has(errno);
}

/** Whether the name of a host could not be resolved, which may be the resolver's fault. */
export function isNotResolved(error: unknown): boolean {
  const { code } = driverError(error);
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN';
}

/**
 * Whether an error speaks against the server as a whole: there is no way to it, it stops, or it takes no writes. A full
 * server does not count, because leaving it would make all its connections be opened again.
 */
export function isServerAway(error: unknown): boolean {
  const { errno, code } = driverError(error);
  if (errno !== undefined) return errno === 1053 || NOT_WRITABLE_ERRNOS.has(errno);
  return code !== undefined && UNREACHABLE_CODES.has(code);
}

/** Whether an error of COMMIT proves that the transaction was rolled back. */
export function isRolledBackForCertain(error: unknown): boolean {
  const failure = driverError(error);
  return (failure.errno !== undefined && LOST_RACE_ERRNOS.has(failure.errno)) || isAborted(failure);
}

/**
 * "Got error 149 during COMMIT": InnoDB gave the transaction up for one that a replication applier has certified, and
 * rolled it back before anything was written to the binary log. Every other number leaves the outcome unknown: Galera
 * reports a connection that it lost while the write set was on its way (6), and the other members may have it.
 */
function isAborted({ errno, text = '' }: DriverError): boolean {
  return errno === 1180 && /\b149\b/.test(text);
}

interface DriverError {
  readonly errno?: number | undefined;
  readonly code?: string | undefined;
  readonly name?: string | undefined;
  readonly fatal?: boolean | undefined;
  /** The server's message. */
  readonly text?: string | undefined;
}

/** mysql2's own error, which Sequelize wraps; mysql2 gives system errors a negative errno. */
function driverError(error: unknown): DriverError {
  if (!(error instanceof Error)) return {};
  const outer = error as Error & { readonly original?: unknown };
  const inner: unknown = outer.original ?? outer;
  const { errno, code, fatal, sqlMessage } = inner as DriverError & { sqlMessage?: string };
  const isServerErrno = errno !== undefined && errno > 0;
  return {
    errno: isServerErrno ? errno : undefined,
    code,
    fatal,
    name: error.name,
    text: sqlMessage,
  };
}
