/**
 * What a distributed lock offers, whichever backend it has: one Redis today, several independent ones another day.
 *
 * Words: the *lock* is the mutex that a key names; a *lease* is somebody's holding of it, until a time; the *fencing
 * token* is the lease's number, and a later lease of the same key always has a larger one.
 */

import type { Deadline } from '../time/deadline.js';

export interface WaitEvents {
  /** Called at most once, when another owner has the lock and this waiter has its place in the queue. */
  readonly onQueued?: (() => void) | undefined;
}

export type LeaseState = 'held' | 'lost' | 'released';

export interface Lease {
  readonly key: string;
  /** For whatever the lock protects: refuse a smaller one than you have seen. */
  readonly fencingToken: bigint;
  /** Aborted, with a LockLostError as its reason, when the lease can no longer be trusted. */
  readonly signal: AbortSignal;
  /** Asking compares the clock, so a process that was stopped learns of its loss at once. */
  readonly state: LeaseState;
}

export interface DistributedLockService {
  /**
   * Waits for the lock until the deadline's end or its signal, whichever comes first. A deadline with nothing left tries
   * once and does not queue; one without an end waits until its signal.
   *
   * @throws LockTimeoutError, LockAbortedError, LockQueueFullError or LockUnavailableError; then nothing is held, and
   *   a grant that arrives late is handed on.
   */
  acquire(key: string, deadline: Deadline, events?: WaitEvents): Promise<Lease>;
  /**
   * Safe to repeat. That the lease was lost before is no error here: the lease's state and signal have told it.
   * @throws LockUnavailableError where Redis could not be told; the lock is then free when Redis is back, or after its
   *   time to live at the latest.
   */
  release(lease: Lease): Promise<void>;
}

/** Where warnings go; `console` and pino fit. */
export interface LockLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}
