/**
 * One write on its way through a lane: from its arrival to the one answer that it gets, whoever gives it first.
 */
import type { Deadline } from '../../time/deadline.js';
import { isReservationFailure, type ReservationFailure } from '../reservation.js';
import { isRetryable, type DecidedVerdict, type StockFailure, type StockWrite } from '../stock.js';
import type { WriteResult } from '../stock-store.js';

/** A write that waits in a lane. Times are on the monotonic clock (`performance.now()`), in milliseconds. */
export interface LaneTicket {
  readonly write: StockWrite;
  /** Until when it may wait for its commit to begin. */
  readonly expiresMs: number;
  /** Until when its caller wants an answer; it leaves when the caller has gone, unless its commit has begun. */
  readonly deadline: Deadline;
}

export class LaneEntry {
  readonly write: StockWrite;
  readonly deadline: Deadline;
  readonly result: Promise<WriteResult>;
  /** The same request, sent again while this one was under way: it gets this one's answer. */
  readonly followers: LaneEntry[] = [];
  settled = false;
  private readonly arrivedMs = performance.now();
  private resolve!: (result: WriteResult) => void;
  private reject!: (error: unknown) => void;

  constructor(private readonly ticket: LaneTicket) {
    this.write = ticket.write;
    this.deadline = ticket.deadline;
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  get expiresMs(): number {
    return this.ticket.expiresMs;
  }

  /** Whether there is still a point in beginning: an entry that has run out of time is answered here. */
  isWanted(nowMs: number): boolean {
    if (this.deadline.callerHasGone) this.refuse(LEFT_UNDONE);
    else if (this.ticket.expiresMs <= nowMs) this.refuseAsTimedOut(nowMs);
    return !this.settled;
  }

  /** What was decided, for this entry and for all who sent the same request meanwhile. */
  decide(result: WriteResult): void {
    this.settle(result);
    if (this.followers.length === 0) return;
    const again = repeated(result);
    for (const follower of this.followers) follower.settle(again);
  }

  fail(error: unknown): void {
    this.settled = true;
    this.reject(error);
    for (const follower of this.followers) follower.fail(error);
  }

  refuse(failure: StockFailure): void {
    this.settle(refusal(failure));
  }

  private refuseAsTimedOut(nowMs: number): void {
    this.refuse({ code: 'LOCK_TIMEOUT', waitedMs: Math.round(nowMs - this.arrivedMs) });
  }

  /** Once answered, it stays so: what is known later comes too late for this caller. */
  private settle(result: WriteResult): void {
    if (this.settled) return;
    this.settled = true;
    this.resolve(result);
  }
}

const LEFT_UNDONE = { code: 'UNAVAILABLE', mayHaveApplied: false, retryable: true } as const;

/** One failure for all of a write. */
export function refusal(failure: StockFailure): WriteResult {
  return { outcome: 'REFUSED', failure, replayed: false };
}

/** The answer for the same request sent again: what was decided for good is a replay, the rest is the same bad luck. */
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
