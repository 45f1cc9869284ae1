/**
 * A lock library in front of the shortest transaction: the conditional UPDATE and the ledger line. The lock avoids
 * contention for the row; the statement is what makes it correct.
 */
import type { Lock, LockKind } from '../locks/lock.js';
import { ConditionalUpdate } from './conditional-update.js';
import {
  RIVAL_LOCKS,
  type Answer,
  type Contender,
  type ContenderKind,
  type Line,
} from './contender.js';
import { openRivalPool } from './stock-rows.js';

export function lockedUpdate(lockKind: LockKind): ContenderKind {
  return {
    name: lockKind.name,
    summary: `${lockKind.summary}, one lock and one transaction for each line`,
    forms: RIVAL_LOCKS,
    open: async (services, { poolMax, tuning = 'defaults' }) => {
      const lock = await lockKind.open(services.redisUrl, tuning);
      return new LockedUpdate(lock, new ConditionalUpdate(openRivalPool(services, poolMax)));
    },
  };
}

class LockedUpdate implements Contender {
  readonly pools: Contender['pools'];

  constructor(
    private readonly lock: Lock,
    private readonly update: ConditionalUpdate,
  ) {
    this.pools = update.pools;
  }

  async deduct(line: Line): Promise<Answer> {
    const release = await this.lock.acquire(`lock:stock:${line.productId}`);
    try {
      return await this.update.deduct(line);
    } finally {
      await release();
    }
  }

  async close(): Promise<void> {
    await this.lock.close();
    await this.update.close();
  }
}
