/** What became of a line of a write, in one word: for counters and for the log. */
import type { ReservationFailure } from './reservation.js';
import type { StockFailure, StockWrite } from './stock.js';
import type { WriteResult } from './stock-store.js';

/** `replayed`: a stored answer, so it moved nothing this time. */
export type LineOutcome =
  | 'applied'
  | 'replayed'
  | 'IDEMPOTENCY_KEY_REUSED'
  | StockFailure['code']
  | ReservationFailure['code'];

/** Calls back for each line of the write. */
export function eachOutcome(
  write: StockWrite,
  result: WriteResult,
  callback: (outcome: LineOutcome, units: number) => void,
): void {
  write.lines.forEach(({ quantity }, i) => {
    callback(outcomeOf(result, i), quantity);
  });
}

export function outcomeOf(result: WriteResult, line: number): LineOutcome {
  if (result.outcome === 'KEY_REUSED') return 'IDEMPOTENCY_KEY_REUSED';
  const verdict = result.outcome === 'DECIDED' ? result.verdicts[line] : result;
  if (!verdict || verdict.replayed) return 'replayed';
  return verdict.outcome === 'APPLIED' ? 'applied' : verdict.failure.code;
}

/** How many lines of the write may have been applied, for all that its client was told. */
export function uncertainLinesOf(write: StockWrite, result: WriteResult): number {
  if (result.outcome === 'KEY_REUSED') return 0;
  if (result.outcome === 'REFUSED') return isUncertain(result.failure) ? write.lines.length : 0;
  return result.verdicts.filter(
    (verdict) => verdict.outcome === 'REFUSED' && isUncertain(verdict.failure),
  ).length;
}

function isUncertain(failure: StockFailure | ReservationFailure): boolean {
  return failure.code === 'UNAVAILABLE' && failure.mayHaveApplied;
}
