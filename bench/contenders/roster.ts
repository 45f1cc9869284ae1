/** All contenders, by name. */
import { asDescribed } from './as-described.js';
import { conditionalUpdate } from './conditional-update.js';
import type { ContenderKind } from './contender.js';
import { forUpdate } from './for-update.js';
import { lanes, perLine, unlocked } from './lanes.js';
import { redisSemaphore } from './redis-semaphore.js';
import { redlock } from './redlock.js';

export const CONTENDERS: readonly ContenderKind[] = [
  lanes,
  perLine,
  forUpdate,
  conditionalUpdate,
  asDescribed,
  redlock,
  redisSemaphore,
  unlocked,
];

/** @throws where there is none of this name. */
export function contenderOf(name: string): ContenderKind {
  const kind = CONTENDERS.find((contender) => contender.name === name);
  if (!kind) throw new Error(`There is no contender named ${name}.`);
  return kind;
}
