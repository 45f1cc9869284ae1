/**
 * Capped exponential backoff with full jitter: the one computation of the pauses between retries.
 *
 * The longest pause doubles with each failure up to a bound, and each pause is drawn evenly from zero to it. Of the
 * ways to add jitter this one makes the fewest calls in the end when many clients compete, because it spreads them
 * over the whole time: Marc Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015,
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
import type { Random } from './clock.js';

export interface BackoffBounds {
  /** The longest pause after the first failure, in milliseconds. */
  readonly firstMs: number;
  /** The longest pause of all, in milliseconds. */
  readonly maxMs: number;
}

export class Backoff {
  private longestMs: number;

  constructor(
    private readonly bounds: BackoffBounds,
    private readonly random: Random,
  ) {
    this.longestMs = bounds.firstMs;
  }

  /**
   * Counts one more failure. A caller with a deadline gives up where the pause would outlast it.
   *
   * @returns the pause before the next try, in milliseconds.
   */
  nextMs(): number {
    const pauseMs = this.random() * this.longestMs;
    this.longestMs = Math.min(this.bounds.maxMs, this.longestMs * 2);
    return pauseMs;
  }

  /** After a success the pauses begin with the shortest again. */
  reset(): void {
    this.longestMs = this.bounds.firstMs;
  }
}
