/** The npm package `redlock`, on one Redis. */
import { Redis } from 'ioredis';
import Redlock from 'redlock';
import { LOCK_TTL_MS, type LockKind } from './lock.js';

/** It fails after ten tries, which is too early here, and pauses 200 ms between two, which leaves the lock unused. */
const TUNED = { retryCount: 10_000, retryDelay: 20, retryJitter: 15 };

export const redlockLock: LockKind = {
  name: 'redlock',
  summary: 'the npm package redlock 5',
  tunings: ['defaults', 'tuned'],
  open: (redisUrl, tuning) => {
    const redis = new Redis(redisUrl);
    const redlock = new Redlock([redis], tuning === 'tuned' ? TUNED : {});
    // It tells of each try that found the lock taken.
    redlock.on('error', () => undefined);
    return Promise.resolve({
      acquire: async (key) => {
        const held = await redlock.acquire([key], LOCK_TTL_MS);
        return async () => {
          await held.release();
        };
      },
      close: () => {
        redis.disconnect();
        return Promise.resolve();
      },
    });
  },
};
