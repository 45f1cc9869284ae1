/** The product's lock. */
import { Deadline, RedisLockService, systemClock } from '../../src/lock/index.js';
import { LOCK_TTL_MS, type LockKind } from './lock.js';

const WAIT_MS = 10_000;

export const stockadeLock: LockKind = {
  name: 'lanes',
  summary: "the product's lock, by itself",
  tunings: ['defaults'],
  open: async (redisUrl) => {
    const service = new RedisLockService({ url: redisUrl, ttlMs: LOCK_TTL_MS });
    const health = await service.start();
    if (!health.available)
      throw new Error(`Redis does not serve the lock: ${health.reason ?? '?'}`);
    return {
      acquire: async (key) => {
        const lease = await service.acquire(key, Deadline.in(WAIT_MS, systemClock));
        return () => service.release(lease);
      },
      close: () => service.stop(),
    };
  },
};
