/** What became of the transactions that change stock, and how often one was begun again, since the start. */
import { ReadAgainError, UnexpectedRowCountError, type TransactionFault } from '../errors.js';

export type TransactionEnd =
  | 'committed'
  /** A COMMIT had no answer, or one that was untrue; a later attempt found out what became of it. */
  | 'settled'
  | 'rows_locked'
  | 'unavailable'
  /** A COMMIT had no answer, and none was found until the deadline. */
  | 'unknown';

export interface TransactionStats {
  readonly ends: Readonly<Record<TransactionEnd, number>>;
  /** Attempts after the first one, by the fault of the attempt before. */
  readonly retries: Readonly<Record<'lost_race' | 'rows_locked' | 'unreachable', number>>;
  readonly staleReads: number;
}

const CAUSES = {
  LOST_RACE: 'lost_race',
  ROWS_LOCKED: 'rows_locked',
  UNREACHABLE: 'unreachable',
  // Repeated only where its COMMIT was sent.
  BUG: 'unreachable',
} as const satisfies Record<TransactionFault, keyof TransactionStats['retries']>;

export class TransactionCounts {
  private readonly ends = { committed: 0, settled: 0, rows_locked: 0, unavailable: 0, unknown: 0 };
  private readonly retries = { lost_race: 0, rows_locked: 0, unreachable: 0 };
  private staleReads = 0;

  ended(end: TransactionEnd): void {
    this.ends[end] += 1;
  }

  /** @param error why the attempt before has failed. */
  repeats(fault: TransactionFault, error: unknown): void {
    this.retries[CAUSES[fault]] += 1;
    const isStale = error instanceof UnexpectedRowCountError || error instanceof ReadAgainError;
    if (isStale) this.staleReads += 1;
  }

  stats(): TransactionStats {
    return {
      ends: { ...this.ends },
      retries: { ...this.retries },
      staleReads: this.staleReads,
    };
  }
}
