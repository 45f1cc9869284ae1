/**
 * Every way in which a lock is not had, as a type with a `code`: a caller must be able to tell "busy for too long"
 * from "Redis is away" from "you were told to stop", because each asks for another reaction.
 */

/** What is known of whoever is in front: from the last answer of Redis, not from guessing. */
export interface Behind {
  /** Waiters of this process in front of us. */
  readonly waitersAhead: number;
  /** Processes in front of this one in the queue at Redis; null where Redis has not been asked yet. */
  readonly processesAhead: number | null;
  /** Id of the process that had the lock when Redis last told; null where it has not been asked yet. */
  readonly holder: string | null;
  /** False for a holder whose key never expires: nobody who follows our protocol writes such a key. */
  readonly holderExpires: boolean;
}

/** The lock was not had within the time that the caller gave. */
export class LockTimeoutError extends Error {
  readonly code = 'LOCK_TIMEOUT' as const;
  readonly key: string;
  readonly waitedMs: number;
  readonly behind: Behind;

  constructor(details: {
    readonly key: string;
    readonly waitedMs: number;
    readonly behind: Behind;
  }) {
    super(
      `The lock ${details.key} was not had in ${Math.round(details.waitedMs)} ms ` +
        `(${describe(details.behind)}).`,
    );
    this.name = 'LockTimeoutError';
    this.key = details.key;
    this.waitedMs = details.waitedMs;
    this.behind = details.behind;
  }
}

/** The caller's signal was aborted while it waited. The signal's reason is the cause. */
export class LockAbortedError extends Error {
  readonly code = 'LOCK_ABORTED' as const;

  constructor(
    readonly key: string,
    reason: unknown,
  ) {
    super(`Waiting for the lock ${key} was aborted.`, { cause: reason });
    this.name = 'LockAbortedError';
  }
}

export type LossReason = 'not-renewed-in-time' | 'taken-from-us' | 'stopped';

/** A lease that was held can no longer be trusted. It is the reason of the lease's signal. */
export class LockLostError extends Error {
  readonly code = 'LOCK_LOST' as const;

  constructor(
    readonly key: string,
    readonly reason: LossReason,
  ) {
    super(`The lease of ${key} is lost: ${LOSSES[reason]}.`);
    this.name = 'LockLostError';
  }
}

/** Redis cannot serve the lock now. Nothing of the connection's address or password is in the message or the cause. */
export class LockUnavailableError extends Error {
  readonly code = 'LOCK_UNAVAILABLE' as const;

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'LockUnavailableError';
  }
}

/** So many wait for this lock in this process that one more would wait in vain. */
export class LockQueueFullError extends Error {
  readonly code = 'LOCK_QUEUE_FULL' as const;

  constructor(
    readonly key: string,
    readonly queueMax: number,
  ) {
    super(`${queueMax} wait for the lock ${key} already.`);
    this.name = 'LockQueueFullError';
  }
}

const LOSSES: Readonly<Record<LossReason, string>> = {
  'not-renewed-in-time': 'it could not be renewed within its time to live',
  'taken-from-us': 'Redis has no such lease any more',
  stopped: 'the lock service was stopped',
};

function describe(behind: Behind): string {
  const ahead = `${behind.waitersAhead} of this process in front`;
  if (behind.holder === null) return ahead;
  const expiry = behind.holderExpires ? '' : ', which never expires';
  return `${ahead}, ${behind.processesAhead ?? 0} other processes, held by ${behind.holder}${expiry}`;
}
