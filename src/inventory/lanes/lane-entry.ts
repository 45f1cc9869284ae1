/** One write in a lane: from its arrival until it gets its one answer. */
import type { Clock } from '../../time/clock.js';
import type { Deadline } from '../../time/deadline.js';
import { isDoubtful } from '../delegated-write.js';
import { isReservationFailure, type ReservationFailure } from '../reservation.js';
import {
  UNAVAILABLE,
  isRetryable,
  type DecidedVerdict,
  type Delegated,
  type StockFailure,
  type StockWrite,
} from '../stock.js';
import type { WriteResult } from '../stock-store.js';

/** Of an entry that another process has handed to this one. */
export interface Origin {
  /** The id of that process. */
  readonly process: string;
  /** Called where this process does not decide the entry: it gets no answer here. */
  readonly giveBack: () => void;
}

export class LaneEntry {
  readonly result: Promise<WriteResult>;
  /** Entries of the same request, sent again while this one was under way: they get this entry's answer. */
  readonly followers: LaneEntry[] = [];
  settled = false;
  private readonly arrivedMs: number;
  /** Its name among all calls of the fleet; null until it is first handed to another process. */
  private call: string | null = null;
  /** How often it was handed to another process, or decided here after that. */
  private attempts = 0;
  private inDoubt = false;
  private resolve!: (result: WriteResult) => void;
  private reject!: (error: unknown) => void;

  /**
   * @param wait its commit must begin before this ends.
   * @param deadline its caller waits for an answer until then.
   */
  constructor(
    public write: StockWrite,
    readonly wait: Deadline,
    readonly deadline: Deadline,
    private readonly clock: Clock,
    readonly origin: Origin | null = null,
  ) {
    this.arrivedMs = clock.nowMs();
    // Its own process, or another one, may have applied an earlier attempt.
    this.inDoubt = isDoubtful(write);
    this.result = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Since it arrived, in milliseconds. */
  get ageMs(): number {
    return this.clock.nowMs() - this.arrivedMs;
  }

  /** Since it was asked for, also where that was at another process, in milliseconds. */
  waitedMs(nowMs: number): number {
    return this.origin ? (this.write.delegated?.ageMs ?? 0) : nowMs - this.arrivedMs;
  }

  /** Whether it may have been applied by another process, or may be from now on. */
  get isInDoubt(): boolean {
    return this.inDoubt;
  }

  /** When the last moment is for its commit to begin. In doubt its wait has no end: a refusal might not be true. */
  get lastMoment(): Deadline {
    return this.inDoubt ? this.deadline : this.wait;
  }

  /**
   * The attempt that begins now, as in delegated-write.ts.
   *
   * @param newCall names the call.
   */
  beginAttempt(newCall: () => string): Delegated {
    this.call ??= newCall();
    this.attempts += 1;
    if (this.attempts > 1) this.inDoubt = true;
    return new BegunAttempt(this.call, this.attempts, this.clock, this.arrivedMs);
  }

  /** Another process has certainly not decided the last attempt. */
  takeBack(): void {
    if (!this.inDoubt) this.attempts = 0;
    else this.doubt();
  }

  /** Another process may have decided it, so from now on this process decides it as a later attempt. */
  doubt(): void {
    this.inDoubt = true;
    this.write = { ...this.write, delegated: this.beginAttempt(neverHanded) };
  }

  /**
   * Whether its commit may still begin. An entry that has timed out, or whose caller has hung up, is answered here.
   *
   * @param retryAfterMs called for an entry that has timed out.
   */
  isWanted(nowMs: number, retryAfterMs: () => number): boolean {
    if (this.deadline.callerHasGone) this.refuse(UNAVAILABLE);
    else if (this.lastMoment.endMs <= nowMs) {
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

  /** One that another process has handed over is given back, unless the failure says what became of it. */
  refuse(failure: StockFailure): void {
    const isUntouched = failure === UNAVAILABLE && !this.deadline.callerHasGone;
    if (this.origin && isUntouched) {
      if (!this.settled) this.origin.giveBack();
      this.settle(refusal(failure));
      return;
    }
    const retryable = this.write.operation.idempotencyKey !== null;
    const unknown = { code: 'UNAVAILABLE', mayHaveApplied: true, retryable } as const;
    this.settle(refusal(this.inDoubt ? unknown : failure));
  }

  /** Only the first answer counts: an entry that was answered as timed out gets no second answer. */
  private settle(result: WriteResult): void {
    if (this.settled) return;
    this.settled = true;
    this.resolve(result);
  }
}

/** As of Delegated; its age grows. */
export class BegunAttempt implements Delegated {
  /** @param sinceMs when the write arrived at its own process, on the clock of this one. */
  constructor(
    readonly call: string,
    readonly attempt: number,
    private readonly clock: Clock,
    private readonly sinceMs: number,
  ) {}

  get ageMs(): number {
    return this.clock.nowMs() - this.sinceMs;
  }
}

function neverHanded(): never {
  throw new Error('Only what was handed to another process can be in doubt.');
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
