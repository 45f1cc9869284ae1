/** The npm package `redlock`, on one Redis. */
import { Redis } from 'ioredis';
import Redlock from 'redlock';
import { LOCK_TTL_MS, type LockKind, type Tuning } from './lock.js';

/**
 * It fails after ten tries, a fifth of all callers where 200 want one lock, so it is given as many as it needs: no try
 * fails then. Between two tries it pauses for 200 ms, which leaves the lock unused where few want it. Where 200 do, one
 * of them comes by every half a millisecond anyway, and more haste is paid for: at 20 ms the tries take twice as much
 * CPU for a deduction as at 120 ms, and fewer deductions are made.
 */
const SETTINGS: Readonly<Record<Tuning, object>> = {
  defaults: {},
  'tuned for few': { retryCount: 10_000, retryDelay: 20, retryJitter: 15 },
  'tuned for many': { retryCount: 10_000, retryDelay: 120, retryJitter: 60 },
};

export const redlockLock: LockKind = {
  name: 'redlock',
  summary: 'the npm package redlock 5',
  tunings: ['defaults', 'tuned for few'],
  open: (redisUrl, tuning) => {
    const redis = new Redis(redisUrl);
    const redlock = new Redlock([redis], SETTINGS[tuning]);
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
