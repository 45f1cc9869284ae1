/** The product's lock with STOCK_LOCK=redlock. It needs several servers, so only the scenario `topologies` has it. */
import { Deadline, RedlockService, systemClock } from '../../src/lock/index.js';
import { LOCK_TTL_MS, type LockKind } from './lock.js';

const WAIT_MS = 10_000;

export const stockadeRedlock: LockKind = {
  name: 'majority',
  summary: "the product's lock on a majority of several Redis",
  tunings: ['defaults'],
  open: async (redisUrl) => {
    const service = new RedlockService({ url: redisUrl, ttlMs: LOCK_TTL_MS });
    await service.start();
    return {
      acquire: async (key) => {
        const lease = await service.acquire(key, Deadline.in(WAIT_MS, systemClock));
        return () => service.release(lease);
      },
      close: () => service.stop(),
    };
  },
};
