/** One write in a lane: from its arrival until it gets its one answer. */
import type { Clock } from '../../time/clock.js';
import type { Deadline } from '../../time/deadline.js';
import { isReservationFailure, type ReservationFailure } from '../reservation.js';
import {
  UNAVAILABLE,
  isRetryable,
  type DecidedVerdict,
  type StockFailure,
  type StockWrite,
} from '../stock.js';
import type { WriteResult } from '../stock-store.js';

export class LaneEntry {
  readonly result: Promise<WriteResult>;
  /** Entries of the same request, sent again while this one was under way: they get this entry's answer. */
  readonly followers: LaneEntry[] = [];
  settled = false;
  private readonly arrivedMs: number;
  private resolve!: (result: WriteResult) => void;
  private reject!: (error: unknown) => void;

  /**
   * @param wait its commit must begin before this ends.
   * @param deadline its caller waits for an answer until then.
   */
  constructor(
    readonly write: StockWrite,
    readonly wait: Deadline,
    readonly deadline: Deadline,
    clock: Clock,
  ) {
    this.arrivedMs = clock.nowMs();
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /**
   * Whether its commit may still begin. An entry that has timed out, or whose caller has hung up, is answered here.
   *
   * @param retryAfterMs called for an entry that has timed out.
   */
  isWanted(nowMs: number, retryAfterMs: () => number): boolean {
    if (this.deadline.callerHasGone) this.refuse(UNAVAILABLE);
    else if (this.wait.endMs <= nowMs) {
      const waitedMs = Math.round(nowMs - this.arrivedMs);
      this.refuse({ code: 'LOCK_TIMEOUT', waitedMs, retryAfterMs: retryAfterMs() });
    }
    return !this.settled;
  }

  /** Answers this entry and its followers. */
  decide(result: WriteResult): void {
    this.settle(result);
    if (this.followers.length === 0) return;
    const again = repeated(result);
    for (const follower of this.followers) follower.settle(again);
  }

  /** For a defect of the program: the callers' promises reject. */
  fail(error: unknown): void {
    this.settled = true;
    this.reject(error);
    for (const follower of this.followers) follower.fail(error);
  }

  refuse(failure: StockFailure): void {
    this.settle(refusal(failure));
  }

  /** Only the first answer counts: an entry that was answered as timed out gets no second answer. */
  private settle(result: WriteResult): void {
    if (this.settled) return;
    this.settled = true;
    this.resolve(result);
  }
}

/** One failure for all lines of a write. */
export function refusal(failure: StockFailure): WriteResult {
  return { outcome: 'REFUSED', failure, replayed: false };
}

/** The answer for the same request sent again: stored outcomes count as replayed, retryable ones do not. */
function repeated(result: WriteResult): WriteResult {
  switch (result.outcome) {
    case 'KEY_REUSED':
      return result;
    case 'REFUSED':
      return { ...result, replayed: isFinal(result.failure) };
    case 'DECIDED': {
      const verdicts = result.verdicts.map((verdict): DecidedVerdict => {
        const isStored = verdict.outcome === 'APPLIED' || isFinal(verdict.failure);
        return { ...verdict, replayed: isStored };
      });
      return { ...result, verdicts };
    }
  }
}

function isFinal(failure: StockFailure | ReservationFailure): boolean {
  return isReservationFailure(failure) || !isRetryable(failure);
}
