/** All locks of the scenario `lock`, by name. */
import type { LockKind } from './lock.js';
import { rawLock } from './raw.js';
import { redisSemaphoreLock } from './redis-semaphore.js';
import { redlockLock } from './redlock.js';
import { stockadeLock } from './stockade.js';
import { stockadeRedlock } from './stockade-redlock.js';

export const LOCKS: readonly LockKind[] = [stockadeLock, rawLock, redlockLock, redisSemaphoreLock];

/** @throws if no lock has this name. */
export function lockOf(name: string): LockKind {
  const kind = [...LOCKS, stockadeRedlock].find((lock) => lock.name === name);
  if (!kind) throw new Error(`There is no lock named ${name}.`);
  return kind;
}
