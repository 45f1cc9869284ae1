/** A lock as the benchmark uses it, whoever made it. */

export type Release = () => Promise<void>;

export interface Lock {
  /** @throws where it is not had in the time that this lock's settings allow. */
  acquire(key: string): Promise<Release>;
  close(): Promise<void>;
}

/** As npm gives it, or for so many callers that want one lock at the same time. */
export type Tuning = 'defaults' | 'tuned for few' | 'tuned for many';

export interface LockKind {
  readonly name: string;
  readonly summary: string;
  /** What the scenario `lock` tries, where few want a lock. */
  readonly tunings: readonly Tuning[];
  open(redisUrl: string, tuning: Tuning): Promise<Lock>;
}

/** Longer than any turn takes here. */
export const LOCK_TTL_MS = 5_000;
