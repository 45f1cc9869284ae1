/**
 * Runs a whole transaction until it has one certain outcome, or the caller's time is up.
 *
 * Retried are lost races, locked rows and lost connections, always the transaction as a whole and always from fresh
 * reads, with capped exponential backoff and full jitter. When the answer to COMMIT is lost the transaction may have
 * been applied: it is run again under the same operation ids, and its unique keys tell.
 */
import type { Sequelize, Transaction } from 'sequelize';
import {
  RowsLockedError,
  StorageUnavailableError,
  type ApplyOptions,
} from '../../inventory/stock-store.js';
import type { Deadline } from '../../time/deadline.js';
import { faultOf, isRolledBackForCertain, type TransactionFault } from '../errors.js';

export interface Attempt {
  readonly transaction: Transaction;
  /** From 1. From the second on, rows are locked before they are read. */
  readonly number: number;
  /** An earlier attempt may have been applied: look for its traces. */
  readonly settling: boolean;
}

export type TransactionOutcome<T> =
  | { readonly outcome: 'COMMITTED'; readonly value: T }
  /** Rows were locked by others for as long as there was time. Nothing was applied. */
  | { readonly outcome: 'ROWS_LOCKED'; readonly waitedMs: number }
  | { readonly outcome: 'UNAVAILABLE'; readonly mayHaveApplied: boolean; readonly cause: unknown };

export function isPerhapsApplied(outcome: TransactionOutcome<unknown>): boolean {
  return outcome.outcome === 'UNAVAILABLE' && outcome.mayHaveApplied;
}

/** For who has no answer but the value. @throws StorageUnavailableError where nothing, or perhaps nothing, was done. */
export function committedValue<T>(outcome: TransactionOutcome<T>): T {
  if (outcome.outcome === 'COMMITTED') return outcome.value;
  throw new StorageUnavailableError('cause' in outcome ? outcome.cause : outcome.outcome);
}

/** How often a transaction that surely was not applied is tried again, by what stopped it. */
const ATTEMPTS_MAX: Readonly<Record<TransactionFault, number>> = {
  // After the first loss rows are locked before they are read, so a third is already rare.
  LOST_RACE: 10,
  ROWS_LOCKED: 100,
  UNREACHABLE: 4,
  BUG: 1,
};
const BACKOFF_FIRST_MS = 10;
const BACKOFF_MAX_MS = 500;
/** What an attempt must at least have left to be worth beginning. */
const ATTEMPT_MIN_MS = 5;

/**
 * @param deadline what is still under way when it passes has its connection cut, and nothing is begun any more.
 * @throws RowsLockedError, where told to be impatient; else only for a mistake in our program.
 */
export async function runTransaction<T>(
  sequelize: Sequelize,
  deadline: Deadline,
  work: (attempt: Attempt) => Promise<T>,
  options: Partial<Pick<ApplyOptions, 'impatient' | 'rowsWereLocked'>> = {},
): Promise<TransactionOutcome<T>> {
  const startedMs = performance.now();
  let settling = false;
  let rowsWereLocked = options.rowsWereLocked ?? false;
  for (let number = 1; ; number += 1) {
    const progress = { committing: false };
    try {
      const value = await transactionUntil(deadline, sequelize, async (transaction) => {
        const result = await work({ transaction, number, settling });
        progress.committing = true;
        return result;
      });
      return { outcome: 'COMMITTED', value };
    } catch (error) {
      const fault = error instanceof DeadlineError ? 'UNREACHABLE' : faultOf(error);
      if (fault === 'BUG' && !progress.committing) throw error;
      if (progress.committing && !isRolledBackForCertain(error)) settling = true;
      if (options.impatient && fault === 'ROWS_LOCKED' && !settling)
        throw new RowsLockedError(error);
      // Who lost a race locks the rows first the next time, so there is nothing to wait for.
      const pauseMaxMs =
        fault === 'LOST_RACE' && number === 1
          ? 0
          : Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** number);
      const pauseMs = Math.random() * pauseMaxMs;
      const timeIsUp = pauseMs + ATTEMPT_MIN_MS > deadline.leftMs;
      // The last attempt was cut off while it waited for the same rows as the ones before.
      rowsWereLocked =
        fault === 'ROWS_LOCKED' || (rowsWereLocked && error instanceof DeadlineError);
      if (timeIsUp || (!settling && number >= ATTEMPTS_MAX[fault])) {
        return rowsWereLocked && !settling
          ? { outcome: 'ROWS_LOCKED', waitedMs: performance.now() - startedMs }
          : { outcome: 'UNAVAILABLE', mayHaveApplied: settling, cause: error };
      }
      if (pauseMs > 0) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** The caller's time was up before the transaction had an end. */
class DeadlineError extends Error {
  readonly code = 'DEADLINE' as const;
  constructor(options?: ErrorOptions) {
    super('The transaction did not end in time.', options);
    this.name = 'DeadlineError';
  }
}

/**
 * One transaction that ends by the deadline, whatever the server does: one that has stopped answering, or that keeps us
 * waiting for a connection, would hold the caller for ever.
 *
 * @throws DeadlineError; else whatever the work or the database throws.
 */
async function transactionUntil<T>(
  deadline: Deadline,
  sequelize: Sequelize,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const state: { begun?: Transaction; timeIsUp: boolean } = { timeIsUp: false };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      state.timeIsUp = true;
      // Cut, it rejects by itself, and is cleared up; before it has begun there is nothing to cut yet.
      if (state.begun) cut(state.begun);
      else reject(new DeadlineError());
    }, deadline.leftMs);
  });
  const transaction = sequelize.transaction(async (opened) => {
    if (state.timeIsUp) throw new DeadlineError();
    state.begun = opened;
    return work(opened);
  });
  try {
    return await Promise.race([transaction, late]);
  } catch (error) {
    throw state.timeIsUp && !(error instanceof DeadlineError)
      ? new DeadlineError({ cause: error })
      : error;
  } finally {
    clearTimeout(timer);
    transaction.catch(() => undefined);
  }
}

function cut(transaction: Transaction): void {
  const { connection } = transaction as unknown as {
    readonly connection?: { readonly stream: { destroy(): void } };
  };
  connection?.stream.destroy();
}
