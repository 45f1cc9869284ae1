/**
 * Time and randomness as parameters, so that tests and simulations can control both.
 *
 * The clock is monotonic: a wall clock that is set back would make an expired lease look fresh.
 */
import { randomBytes } from 'node:crypto';

export interface Clock {
  /** Milliseconds since some moment of this process; never goes back. */
  nowMs(): number;
  /** Calls back once, unless cancelled before. */
  after(delayMs: number, callback: () => void): Timer;
  /** Calls back after the current turn of the event loop, when all its I/O events have been handled. */
  soon(callback: () => void): void;
  /** The wall clock, for logs and messages only, never for decisions. */
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
    // Node fires a longer timer at once.
    const timeout = setTimeout(callback, Math.min(Math.max(0, delayMs), 2 ** 31 - 1));
    return {
      cancel: () => {
        clearTimeout(timeout);
      },
    };
  },
  soon: (callback) => {
    setImmediate(callback);
  },
  today: () => new Date(),
};

export const systemRandom: Random = Math.random;

/** Cryptographically random bytes, for ids that must not collide or be guessed. */
export type RandomBytes = (size: number) => Buffer;

export const systemRandomBytes: RandomBytes = (size) => randomBytes(size);
