/** The npm package `redis-semaphore`, its Mutex, on one Redis. */
import { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { LOCK_TTL_MS, type LockKind, type Tuning } from './lock.js';

/**
 * It gives up after 10 s, which the unlucky of 200 callers need where a deduction is slow; with a minute none fails. It
 * polls every 10 ms, which is good where few want a lock; where 200 do the polls take more CPU than the deductions, and
 * less the longer the interval: 120 ms leave the lock unused for half a millisecond.
 */
const SETTINGS: Readonly<Record<Tuning, object>> = {
  defaults: {},
  'tuned for few': { acquireTimeout: 60_000, retryInterval: 20 },
  'tuned for many': { acquireTimeout: 60_000, retryInterval: 120 },
};

export const redisSemaphoreLock: LockKind = {
  name: 'redis-semaphore',
  summary: 'the Mutex of the npm package redis-semaphore 5',
  tunings: ['defaults', 'tuned for few'],
  open: (redisUrl, tuning) => {
    const redis = new Redis(redisUrl);
    const options = { lockTimeout: LOCK_TTL_MS, ...SETTINGS[tuning] };
    return Promise.resolve({
      acquire: async (key) => {
        const mutex = new Mutex(redis, key, options);
        await mutex.acquire();
        return () => mutex.release();
      },
      close: () => {
        redis.disconnect();
        return Promise.resolve();
      },
    });
  },
};
