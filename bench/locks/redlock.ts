/** The npm package `redlock`, on one Redis. */
import { Redis } from 'ioredis';
import Redlock from 'redlock';
import { LOCK_TTL_MS, type LockKind, type Tuning } from './lock.js';

/**
 * By default it fails after ten tries, which a fifth of 200 callers reach; with as many tries as needed, none fails. By
 * default it pauses for 200 ms between two tries, which leaves the lock unused with few callers. With 200 callers, one
 * of them tries every half a millisecond anyway, and a shorter pause costs: at 20 ms the tries take twice as much CPU
 * per deduction as at 120 ms, and fewer deductions are made.
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
    // It emits an error for each try that found the lock taken.
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
