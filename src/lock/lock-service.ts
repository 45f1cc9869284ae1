/**
 * What a distributed lock offers, whatever its backend.
 *
 * A *lock* is the mutex that a key names. A *lease* is one caller's possession of it for a bounded time. The *fencing
 * token* is the number of a lease: a later lease of the same key has a larger one.
 */

import type { Deadline } from '../time/deadline.js';

export interface WaitEvents {
  /** Called at most once, when another owner has the lock and this waiter has its place in the queue. */
  readonly onQueued?: (() => void) | undefined;
}

/** Of a waiter that may own the lock: keep it while it has no use for it, and let other processes do so. */
export interface OwningEvents extends WaitEvents {
  /** Called whenever another waiter, here or elsewhere, waits for the lock. Ends with the lease. */
  readonly onWanted: () => void;
}

/** Another process owns the lock: it can be told what is wanted. */
export interface OwnedElsewhere {
  readonly owner: string;
}

export type LeaseState = 'held' | 'lost' | 'released';

export interface Lease {
  readonly key: string;
  /** Lets the protected resource refuse stale writes: those with a smaller token than it has seen. Null of Redlock. */
  readonly fencingToken: bigint | null;
  /** Aborted when the lease is lost, with a LockLostError as its reason. */
  readonly signal: AbortSignal;
  /** Compares the clock on each read, so a process that was paused learns of the loss at once. */
  readonly state: LeaseState;
}

export type FencedLease = Lease & { readonly fencingToken: bigint };

export interface DistributedLockService {
  /**
   * Waits for the lock until the deadline ends or its signal is aborted. A deadline with nothing left tries once and
   * does not queue; one without an end waits until its signal.
   *
   * @throws LockTimeoutError, LockAbortedError, LockQueueFullError or LockUnavailableError; then nothing is held, and
   *   a grant that arrives late is handed on.
   */
  acquire(key: string, deadline: Deadline, events?: WaitEvents): Promise<Lease>;
  /**
   * Safe to repeat. Releasing a lost lease is no error.
   *
   * @throws LockUnavailableError when Redis did not confirm; the lock becomes free when Redis is back, or after its
   *   time to live. TypeError for a lease that this service has not granted.
   */
  release(lease: Lease): Promise<void>;
}

/** A lock service whose locks can be owned, and whose processes can tell each other something. */
export interface OwningLockService extends DistributedLockService {
  /** Unique, and no other one's after a restart. Contains no space. */
  readonly processId: string;
  /**
   * As acquire. Where another process owns the lock it does not wait, unless `queues`.
   *
   * @param queues waits for the lock as acquire does, also behind an owner.
   * @throws as acquire.
   */
  own(
    key: string,
    deadline: Deadline,
    events: OwningEvents,
    queues?: boolean,
  ): Promise<Lease | OwnedElsewhere>;
  /** Names the server that keeps this lock: what goes through one server may be one text. */
  routeOf(key: string): string;
  /**
   * Sends a text to another process, through the server that keeps this lock. At most once: it is lost where that
   * process has just lost its subscription.
   *
   * @returns false where that process does not listen: then it has not received it.
   * @throws LockUnavailableError; it may have received it.
   */
  tell(key: string, processId: string, text: string): Promise<boolean>;
  /** Sets what receives texts. Every client that may publish at Redis can send them. */
  onMail(receive: (text: string) => void): void;
}

/** Receives the service's log lines; `console` and pino fit. */
export interface LockLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}
