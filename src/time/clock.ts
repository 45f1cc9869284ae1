/**
 * Time and chance, as one small thing that is passed in: only here are they read, so tests can own them.
 *
 * The clock is monotonic. A wall clock that is set back would make an expired lease look fresh.
 */

export interface Clock {
  /** Milliseconds since some moment of this process; never goes back. */
  nowMs(): number;
  /** Calls back once, unless cancelled before. */
  after(delayMs: number, callback: () => void): Timer;
  /** For people only: nothing is decided by it. */
  today(): Date;
}

export interface Timer {
  cancel(): void;
}

/** A number from 0 up to, but not including, 1. */
export type Random = () => number;

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, callback) {
    // Node fires a longer one at once.
    const timeout = setTimeout(callback, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
    return {
      cancel: () => {
        clearTimeout(timeout);
      },
    };
  },
  today: () => new Date(),
};

export const systemRandom: Random = Math.random;
