/**
 * Repeats a transaction until its outcome is certain or the deadline has passed.
 *
 * A transaction is repeated as a whole, from fresh reads, after a lost race, locked rows or a lost connection, with
 * capped exponential backoff and full jitter. When the answer to COMMIT is lost the transaction may have been applied:
 * the next attempt runs under the same operation ids and settles it (settling.ts).
 *
 *   fault         | what it means                               | repeated
 *   LOST_RACE     | rolled back: another transaction was faster | 10 attempts; the second one at once
 *   ROWS_LOCKED   | rows stayed locked by another transaction   | 100 attempts; not for an impatient caller
 *   UNREACHABLE   | connection, server or deadline              | 4 attempts
 *   BUG           | anything else                               | thrown
 *   after a COMMIT that was sent and failed                     | until the deadline
 *
 * While the database is away no further attempt begins: a transaction waits a moment, one to be settled until its
 * deadline. An attempt that has no answer meanwhile is given up, unless its COMMIT was sent.
 *
 * A member that leaves its group or cluster rolls back the transactions whose COMMIT it was to certify, with the error
 * of a lost race, although the others may have received and applied them. The next attempt may be at one of those. So
 * after a race that was lost at COMMIT every attempt looks for traces of the earlier ones, as after an unanswered
 * COMMIT, and a call that ends before one of them has succeeded may have been applied.
 */
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import {
  RowsLockedError,
  StorageUnavailableError,
  type ApplyOptions,
} from '../../inventory/stock-store.js';
import { WRITE_HEALTH, type WriteHealth } from '../../inventory/write-health.js';
import { Backoff } from '../../time/backoff.js';
import { systemRandom, type Random, type Timer } from '../../time/clock.js';
import { Deadline } from '../../time/deadline.js';
import { faultOf, isDuplicate, isRolledBackForCertain, type TransactionFault } from '../errors.js';
import type { TransactionCounts } from './transaction-counts.js';

/** One attempt, in a transaction that is open. */
export interface RunningTransaction {
  readonly transaction: Transaction;
  /** From 1. From the second on, rows are locked before they are read. */
  readonly number: number;
  /** As in Doubts. */
  readonly settling: boolean;
  /** As in Doubts: an earlier attempt may have been applied. */
  readonly commitFailed: boolean;
  /**
   * An earlier attempt may have left effects, which must be looked up: commitFailed, or a row was there already, which
   * another process may have written for the same operation.
   */
  readonly tracesAreSought: boolean;
}

export type TransactionOutcome<T> =
  | { readonly outcome: 'COMMITTED'; readonly value: T }
  /** Other transactions kept rows locked until the deadline. Nothing was applied. */
  | { readonly outcome: 'ROWS_LOCKED'; readonly waitedMs: number }
  | { readonly outcome: 'UNAVAILABLE'; readonly mayHaveApplied: boolean; readonly cause: unknown };

export function isPerhapsApplied(outcome: TransactionOutcome<unknown>): boolean {
  return outcome.outcome === 'UNAVAILABLE' && outcome.mayHaveApplied;
}

/** @throws StorageUnavailableError where nothing was committed, or it is not known whether anything was. */
export function committedValue<T>(outcome: TransactionOutcome<T>): T {
  if (outcome.outcome === 'COMMITTED') return outcome.value;
  throw new StorageUnavailableError('cause' in outcome ? outcome.cause : outcome.outcome);
}

/** The most attempts at a transaction that was certainly not applied, by fault. */
const ATTEMPTS_MAX: Readonly<Record<TransactionFault, number>> = {
  // From the second attempt on, rows are locked before they are read, so a third is rare.
  LOST_RACE: 10,
  ROWS_LOCKED: 100,
  UNREACHABLE: 4,
  BUG: 1,
};
const BACKOFF = { firstMs: 20, maxMs: 500 };
/** No attempt begins with less time left than this. */
const ATTEMPT_MIN_MS = 5;

/** What is not known of the attempts at one call, over all its transactions. */
export interface Doubts {
  /** The COMMIT of an earlier attempt was not answered, or refused by a server that turned out to be away. */
  settling: boolean;
  /** The COMMIT of an earlier attempt was sent, and not answered or refused; see the head of this file. */
  commitFailed: boolean;
  /** An earlier attempt was to insert a row that is there already. */
  metDuplicate: boolean;
}

export function noDoubts(): Doubts {
  return { settling: false, commitFailed: false, metDuplicate: false };
}

export interface TransactionOptions extends Partial<
  Pick<ApplyOptions, 'impatient' | 'rowsWereLocked'>
> {
  /** Learns what becomes of each attempt; no attempt begins while it knows that none can succeed. */
  readonly health?: WriteHealth | undefined;
  /** Learns of each attempt after the first one. */
  readonly counts?: TransactionCounts | undefined;
  /** Changed by each attempt; to be given again where the same call is run in a further transaction. */
  readonly doubts?: Doubts;
}

/**
 * @param deadline when it passes, the connection of an attempt that is under way is cut.
 * @throws RowsLockedError for an impatient caller; any other error is a defect of this program.
 */
export async function runTransaction<T>(
  sequelize: Sequelize,
  deadline: Deadline,
  work: (running: RunningTransaction) => Promise<T>,
  options: TransactionOptions = {},
  random: Random = systemRandom,
): Promise<TransactionOutcome<T>> {
  const { clock } = deadline;
  const startedMs = clock.nowMs();
  const backoff = new Backoff(BACKOFF, random);
  const { doubts = noDoubts(), counts } = options;
  let rowsWereLocked = options.rowsWereLocked ?? false;
  /** Until then an outage of the database may be a hiccup. */
  let patienceEndMs: number | undefined;
  for (let number = 1; ; number += 1) {
    const progress: Progress = { committing: false };
    const watched = options.health?.begin(() => {
      // Nothing was committed. A COMMIT that was sent is waited for: its answer may still come.
      if (!progress.committing) progress.giveUp?.();
    });
    try {
      const value = await transactionUntil(deadline, sequelize, progress, async (transaction) => {
        const { settling, commitFailed, metDuplicate } = doubts;
        const tracesAreSought = commitFailed || metDuplicate;
        const how = { number, settling, commitFailed, tracesAreSought };
        const result = await work({ transaction, ...how });
        progress.committing = true;
        return result;
      });
      watched?.committed();
      return { outcome: 'COMMITTED', value };
    } catch (error) {
      const isLate = error instanceof DeadlineError;
      const fault = isLate || error instanceof GivenUpError ? 'UNREACHABLE' : faultOf(error);
      // A deadline may be short: that it has passed is no failure of the database.
      watched?.ended(fault === 'UNREACHABLE' && !isLate ? error : undefined);
      if (fault === 'BUG' && !progress.committing) throw error;
      if (progress.committing && !isRolledBackForCertain(error)) doubts.settling = true;
      if (doubts.commitFailed && fault === 'UNREACHABLE') doubts.settling = true;
      doubts.commitFailed ||= progress.committing;
      doubts.metDuplicate ||= isDuplicate(error);
      const mayHaveApplied = doubts.commitFailed;
      // Who divides the writes begins anew, and looks for no traces.
      if (options.impatient && fault === 'ROWS_LOCKED' && !mayHaveApplied)
        throw new RowsLockedError(error);
      // After a first lost race the next attempt locks the rows, so it need not back off.
      const pauseMs = fault === 'LOST_RACE' && number === 1 ? 0 : backoff.nextMs();
      const timeIsUp = deadline.leftMs < pauseMs + ATTEMPT_MIN_MS;
      // The deadline ended the last attempt while it waited for the same rows as the earlier ones.
      rowsWereLocked = fault === 'ROWS_LOCKED' || (rowsWereLocked && isLate);
      if (timeIsUp || (!mayHaveApplied && number >= ATTEMPTS_MAX[fault])) {
        return rowsWereLocked && !mayHaveApplied
          ? { outcome: 'ROWS_LOCKED', waitedMs: clock.nowMs() - startedMs }
          : { outcome: 'UNAVAILABLE', mayHaveApplied, cause: error };
      }
      counts?.repeats(fault, error);
      if (pauseMs > 0) await new Promise<void>((resolve) => clock.after(pauseMs, resolve));
      const { health } = options;
      if (!health || health.isWritable) continue;
      doubts.settling = mayHaveApplied;
      patienceEndMs ??= clock.nowMs() + WRITE_HEALTH.patienceMs;
      const endMs = mayHaveApplied ? deadline.endMs : Math.min(patienceEndMs, deadline.endMs);
      if (!(await health.whenWritable(new Deadline(clock, endMs)))) {
        return { outcome: 'UNAVAILABLE', mayHaveApplied, cause: error };
      }
    }
  }
}

interface Progress {
  committing: boolean;
  /** Ends the attempt by cutting its connection. */
  giveUp?: () => void;
}

/** The database was away while the transaction had no answer. Nothing was applied. */
class GivenUpError extends Error {
  readonly code = 'GIVEN_UP' as const;
  constructor() {
    super('The transaction had no answer, and the database takes no writes.');
    this.name = 'GivenUpError';
  }
}

/** The deadline passed before the transaction had ended. */
class DeadlineError extends Error {
  readonly code = 'DEADLINE' as const;
  constructor(options?: ErrorOptions) {
    super('The transaction did not end before its deadline.', options);
    this.name = 'DeadlineError';
  }
}

/**
 * One transaction that ends by the deadline even where the server has stopped answering or no connection is free.
 *
 * @throws DeadlineError, and what the work or the database throws.
 */
async function transactionUntil<T>(
  deadline: Deadline,
  sequelize: Sequelize,
  progress: Progress,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T> {
  const state: { begun?: Transaction; timeIsUp: boolean; isGivenUp: boolean } = {
    timeIsUp: false,
    isGivenUp: false,
  };
  let timer: Timer | undefined;
  const late = new Promise<never>((_, reject) => {
    // A connection that is cut rejects the transaction, which clears up; before it has begun there is none.
    const end = (error: Error) => {
      if (state.begun) cut(state.begun);
      else reject(error);
    };
    timer = deadline.clock.after(deadline.leftMs, () => {
      state.timeIsUp = true;
      end(new DeadlineError());
    });
    progress.giveUp = () => {
      state.isGivenUp = true;
      end(new GivenUpError());
    };
  });
  const transaction = sequelize.transaction(async (opened) => {
    if (state.timeIsUp) throw new DeadlineError();
    if (state.isGivenUp) throw new GivenUpError();
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
    timer?.cancel();
    transaction.catch(() => undefined);
  }
}

function cut(transaction: Transaction): void {
  const { connection } = transaction as unknown as {
    readonly connection?: { readonly stream: { destroy(): void } };
  };
  connection?.stream.destroy();
}

/** Base of the classes that hold the statements of a transaction. */
export class Statements {
  constructor(
    private readonly sequelize: Sequelize,
    private readonly transaction: Transaction,
  ) {}

  read<Row extends object>(sql: string, replacements: unknown[]): Promise<Row[]> {
    return this.sequelize.query<Row>(sql, {
      replacements,
      transaction: this.transaction,
      type: QueryTypes.SELECT,
    });
  }

  /** @returns the number of rows that were inserted or really changed. */
  write(sql: string, replacements: unknown[]): Promise<number> {
    // Of Sequelize's query types only this one returns mysql2's plain affected-row count.
    return this.sequelize.query(sql, {
      replacements,
      transaction: this.transaction,
      type: QueryTypes.BULKUPDATE,
    });
  }
}
