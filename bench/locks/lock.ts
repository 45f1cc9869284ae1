/** A lock as the benchmark uses it, of the product or of another library. */

export type Release = () => Promise<void>;

export interface Lock {
  /** @throws if it is not acquired within the time-out of this lock's settings. */
  acquire(key: string): Promise<Release>;
  close(): Promise<void>;
}

/** Default settings, or tuned for a number of callers that want one lock at the same time. */
export type Tuning = 'defaults' | 'tuned for few' | 'tuned for many';

export interface LockKind {
  readonly name: string;
  readonly summary: string;
  /** The tunings of the scenario `lock`, with few callers. */
  readonly tunings: readonly Tuning[];
  open(redisUrl: string, tuning: Tuning): Promise<Lock>;
}

/** Longer than the lock is ever held here. */
export const LOCK_TTL_MS = 5_000;
