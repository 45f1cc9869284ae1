/**
 * The storage port for writes: lists of lines of several products, applied in one atomic transaction. No transaction
 * handle leaves the storage, and each line gets its own verdict.
 */
import type { Deadline } from '../time/deadline.js';
import type { Reservation, ReservationFailure } from './reservation.js';
import type { DecidedVerdict, Operation, StockFailure, StockWrite } from './stock.js';

export interface ApplyOptions {
  /** The transaction ends by then, with or without a result. */
  readonly deadline: Deadline;
  /**
   * Whether another process may change these levels at the same time. `false` reads them without a lock and lets the
   * conditional UPDATE detect a stale read; `true` begins with SELECT … FOR UPDATE. Both are correct.
   */
  readonly contended: boolean;
  /** Whether to reject with RowsLockedError when a row stays locked, instead of waiting for it until the deadline. */
  readonly impatient: boolean;
  /** An earlier attempt met a locked row: a timeout is then reported as LOCK_TIMEOUT. */
  readonly rowsWereLocked?: boolean | undefined;
  /** The fencing token to store with a product's ledger lines; null when no lock is held. */
  fencingTokenOf(productId: string): bigint | null;
  /** How long an operation has waited for the transaction, to be stored with its ledger lines; in milliseconds. */
  waitedMsOf?(operation: Operation): number | null;
}

/** For LOCK_TIMEOUT where rows stayed locked, in milliseconds: nothing tells when the other transaction will end. */
export const ROWS_LOCKED_RETRY_AFTER_MS = 1_000;

export type WriteResult =
  | {
      readonly outcome: 'DECIDED';
      /** One for each line of the write, in the same order. */
      readonly verdicts: readonly DecidedVerdict[];
      /** The present state of the reservation that the write created. */
      readonly reservation?: Reservation | undefined;
    }
  /** Nothing was applied: the reservation can't be closed, or there was no turn, no time or no database. */
  | {
      readonly outcome: 'REFUSED';
      readonly failure: StockFailure | ReservationFailure;
      readonly replayed: boolean;
    }
  /** The idempotency key belongs to another request, or its stored answer has expired. Nothing was applied. */
  | { readonly outcome: 'KEY_REUSED'; readonly answerExpired: boolean };

export interface StockStore {
  /**
   * Decides the writes in their order and carries out those that are granted, in one transaction: operation rows,
   * levels, ledger, stored answers. Stock that expired reservations still hold of these products is given back first.
   *
   * Resolves only after COMMIT has returned, or after a lost COMMIT has been settled. Does not reject for failures of a
   * line or of the database: a write without a lasting verdict is refused as LOCK_TIMEOUT (rows were locked until the
   * deadline) or UNAVAILABLE.
   *
   * @throws RowsLockedError if `impatient`; nothing was applied.
   */
  apply(writes: readonly StockWrite[], options: ApplyOptions): Promise<readonly WriteResult[]>;
}

/** Another transaction keeps a row locked that the writes need. Nothing was applied. */
export class RowsLockedError extends Error {
  readonly code = 'ROWS_LOCKED' as const;
  /** @param productIds the products with locked levels; empty when they are unknown. */
  constructor(
    cause: unknown,
    readonly productIds: ReadonlySet<string> = new Set(),
  ) {
    super('Another transaction keeps a row locked.', { cause });
    this.name = 'RowsLockedError';
  }
}

/** The storage could not be reached, or did not answer in time. */
export class StorageUnavailableError extends Error {
  readonly code = 'STORAGE_UNAVAILABLE' as const;
  constructor(cause: unknown) {
    super('The database could not be reached. Try again.', { cause });
    this.name = 'StorageUnavailableError';
  }
}

/** The caller has hung up, so its statement was ended. No answer reaches the caller. */
export class CallerGoneError extends StorageUnavailableError {
  constructor() {
    super('The caller has hung up.');
    this.name = 'CallerGoneError';
  }
}
