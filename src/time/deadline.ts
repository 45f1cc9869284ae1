/**
 * The end of a request's time, and whether its caller still waits. One object is passed with a request from HTTP
 * through the lock and the lanes to the transaction.
 */
import type { Clock } from './clock.js';

export class Deadline {
  /**
   * @param endMs on the clock's own scale, in milliseconds; Infinity for no bound.
   * @param signal aborted when the caller has hung up.
   * @param waitEndMs when the caller no longer wants to wait for a turn; on the same scale.
   * @throws RangeError for NaN.
   */
  constructor(
    readonly clock: Clock,
    readonly endMs: number,
    readonly signal?: AbortSignal,
    private readonly waitEndMs = Infinity,
  ) {
    if (Number.isNaN(endMs))
      throw new RangeError('The end of a deadline must be a number; got NaN.');
  }

  /**
   * @param ms from now, in milliseconds: 0 for one try without waiting, Infinity for no bound but the signal.
   * @throws RangeError for a number below 0 and for NaN.
   */
  static in(ms: number, clock: Clock, signal?: AbortSignal): Deadline {
    if (!(ms >= 0)) throw new RangeError(`A deadline must be 0 ms or more from now; got ${ms}.`);
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
    return endMs >= this.endMs ? this : new Deadline(this.clock, endMs, this.signal);
  }

  /** The same end, but the caller waits for a turn for at most `ms` from now; null where it has no bound of its own. */
  waitingAtMost(ms: number | null): Deadline {
    if (ms === null) return this;
    return new Deadline(this.clock, this.endMs, this.signal, this.clock.nowMs() + ms);
  }

  /** For a wait for a turn: at most `ms` from now, and no longer than the caller wants to wait. */
  forWaiting(ms: number): Deadline {
    const wait = this.within(ms);
    return wait.endMs <= this.waitEndMs
      ? wait
      : new Deadline(this.clock, this.waitEndMs, this.signal);
  }

  /** The same end; its signal is also aborted by any of these, with the reason of the first that is. */
  alsoAbortedBy(signals: readonly AbortSignal[]): Deadline {
    if (signals.length === 0) return this;
    const all = this.signal ? [this.signal, ...signals] : signals;
    return new Deadline(this.clock, this.endMs, AbortSignal.any([...all]));
  }
}
