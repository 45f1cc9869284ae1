/** All contenders, by name. */
import { redisSemaphoreLock } from '../locks/redis-semaphore.js';
import { redlockLock } from '../locks/redlock.js';
import { asDescribed } from './as-described.js';
import { conditionalUpdate } from './conditional-update.js';
import type { ContenderKind } from './contender.js';
import { forUpdate } from './for-update.js';
import { lanes, perLine, unlocked } from './lanes.js';
import { lockedUpdate } from './locked-update.js';
import { optimistic } from './optimistic.js';
import { redisCounter } from './redis-counter.js';

export const CONTENDERS: readonly ContenderKind[] = [
  lanes,
  perLine,
  forUpdate,
  conditionalUpdate,
  optimistic,
  asDescribed,
  lockedUpdate(redlockLock),
  lockedUpdate(redisSemaphoreLock),
  redisCounter,
  unlocked,
];

/** @throws if no contender has this name. */
export function contenderOf(name: string): ContenderKind {
  const kind = CONTENDERS.find((contender) => contender.name === name);
  if (!kind) throw new Error(`There is no contender named ${name}.`);
  return kind;
}
