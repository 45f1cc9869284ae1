/**
 * How fast a queue moves: what it has let through per second lately. Older amounts count less: half of it each second,
 * so that the pace follows a queue that stops or starts, and one fast batch does not decide it.
 */
import type { Clock } from '../../time/clock.js';

const HALF_LIFE_MS = 1_000;
/** For a queue that has not moved yet. */
const RETRY_UNKNOWN_MS = 1_000;
/** Below this a retry would come before its predecessors have left. */
const RETRY_MIN_MS = 50;
const RETRY_MAX_MS = 30_000;

export class Pace {
  private readonly bornMs: number;
  private amount = 0;
  private atMs: number;

  constructor(private readonly clock: Clock) {
    this.bornMs = this.atMs = clock.nowMs();
  }

  add(amount: number): void {
    this.amount = this.amountNow() + amount;
  }

  /** 0 for a queue that has not moved. */
  get perSecond(): number {
    const amount = this.amountNow();
    const ageMs = this.atMs - this.bornMs;
    // The weighted time that the amount was counted in: at most HALF_LIFE_MS / ln 2.
    const weightedMs = (HALF_LIFE_MS / Math.LN2) * (1 - 2 ** (-ageMs / HALF_LIFE_MS));
    return weightedMs > 0 ? (amount * 1_000) / weightedMs : 0;
  }

  /** When a request would be served that came now and queued behind so much, in milliseconds. */
  retryAfterMs(waiting: number): number {
    const { perSecond } = this;
    if (perSecond === 0) return RETRY_UNKNOWN_MS;
    const servedInMs = Math.ceil((waiting * 1_000) / perSecond);
    return Math.min(RETRY_MAX_MS, Math.max(RETRY_MIN_MS, servedInMs));
  }

  private amountNow(): number {
    const nowMs = this.clock.nowMs();
    const decayed = this.amount * 2 ** (-(nowMs - this.atMs) / HALF_LIFE_MS);
    this.amount = decayed < 0.001 ? 0 : decayed;
    this.atMs = nowMs;
    return this.amount;
  }
}
