/** The npm package `redis-semaphore`, its Mutex, on one Redis. */
import { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { LOCK_TTL_MS, type LockKind, type Tuning } from './lock.js';

/**
 * By default it times out after 10 s, which some of 200 callers exceed if deductions are slow; with a minute none
 * fails. By default it polls every 10 ms, which is good for few callers. With 200 callers the polls take more CPU than
 * the deductions; an interval of 120 ms takes less, and leaves the lock unused for half a millisecond.
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
