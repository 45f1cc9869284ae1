/**
 * Until when an answer is of use, and whether its caller still waits for it. One object goes with a request from HTTP
 * through the lock and the lanes to the transaction.
 */
import type { Clock } from './clock.js';

export class Deadline {
  /**
   * @param endMs on the clock's own scale, in milliseconds; Infinity for work that nothing bounds.
   * @param signal aborted when the caller has gone.
   */
  constructor(
    private readonly clock: Clock,
    readonly endMs: number,
    readonly signal?: AbortSignal,
  ) {}

  static in(ms: number, clock: Clock, signal?: AbortSignal): Deadline {
    return new Deadline(clock, clock.nowMs() + ms, signal);
  }

  /** Never negative. */
  get leftMs(): number {
    return Math.max(0, this.endMs - this.clock.nowMs());
  }

  get hasPassed(): boolean {
    return this.clock.nowMs() >= this.endMs;
  }

  get callerHasGone(): boolean {
    return this.signal?.aborted === true;
  }

  /** The same caller, but at most `ms` from now. */
  within(ms: number): Deadline {
    const endMs = this.clock.nowMs() + ms;
    return endMs < this.endMs ? new Deadline(this.clock, endMs, this.signal) : this;
  }
}
