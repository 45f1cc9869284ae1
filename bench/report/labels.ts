/** What the contenders are called in pictures, where there is room for a few words. */

export const PRODUCT = 'lanes';

const LABELS: Readonly<Record<string, string>> = {
  [PRODUCT]: 'Stockade',
  'per-line': 'Stockade, no batches',
  'for-update': 'FOR UPDATE',
  'conditional-update': 'conditional UPDATE',
  optimistic: 'version check',
  'redis-counter': 'Redis, SQL later',
  'as-described': 'Redis SET NX',
  redlock: 'lock of redlock',
  'redis-semaphore': 'lock of r.-semaphore',
  'http-ceiling': 'Stockade, memory',
  'apollo-standalone': 'Apollo, memory',
  mercurius: 'mercurius, memory',
  restate: 'Restate, an actor',
};

/** "Memory" says that nothing is kept. */
export function labelOf(contender: string): string {
  return LABELS[contender] ?? contender;
}
