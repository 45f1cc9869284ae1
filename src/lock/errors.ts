/**
 * Each way in which acquiring fails or a lease ends early, as a class with a `code`: a caller reacts differently to a
 * contended lock, an unavailable Redis and its own abort.
 */

/** What was ahead of a waiter, by the last answer of Redis. */
export interface Behind {
  /** Waiters of this process ahead. */
  readonly waitersAhead: number;
  /** Processes ahead of this one in the queue at Redis; null before the first answer. */
  readonly processesAhead: number | null;
  /** Id of the process that held the lock; null before the first answer. */
  readonly holder: string | null;
  /** False when the key has no time to live: a client other than this lock has written it. */
  readonly holderExpires: boolean;
}

/** The lock was not granted before the deadline. */
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
      `The lock ${details.key} was not granted within ${Math.round(details.waitedMs)} ms: ` +
        `${describe(details.behind)}.`,
    );
    this.name = 'LockTimeoutError';
    this.key = details.key;
    this.waitedMs = details.waitedMs;
    this.behind = details.behind;
  }
}

/** The signal of the deadline was aborted before the lock was granted. Its reason is the `cause`. */
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

/** The lease ended before its release. The reason of the lease's signal. */
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

/** Redis cannot serve the lock now. Neither message nor cause contains the address or the password. */
export class LockUnavailableError extends Error {
  readonly code = 'LOCK_UNAVAILABLE' as const;

  constructor(message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'LockUnavailableError';
  }
}

/** The queue of this lock in this process has `queueMax` waiters. */
export class LockQueueFullError extends Error {
  readonly code = 'LOCK_QUEUE_FULL' as const;

  constructor(
    readonly key: string,
    readonly queueMax: number,
  ) {
    super(`The lock ${key} has ${queueMax} waiters in this process already; try again later.`);
    this.name = 'LockQueueFullError';
  }
}

const LOSSES: Readonly<Record<LossReason, string>> = {
  'not-renewed-in-time': 'it could not be renewed within its time to live',
  'taken-from-us': 'its key at Redis was deleted or has another holder',
  stopped: 'the lock service was stopped',
};

function describe(behind: Behind): string {
  const waiters = `${behind.waitersAhead} waiters of this process`;
  if (behind.holder === null) return `behind ${waiters}`;
  const expiry = behind.holderExpires ? '' : ', which never expires';
  const processes = `${behind.processesAhead ?? 0} other processes`;
  return `behind ${waiters} and ${processes}, held by ${behind.holder}${expiry}`;
}
