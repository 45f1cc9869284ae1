/** The npm package `redis-semaphore`, its Mutex, on one Redis. */
import { Redis } from 'ioredis';
import { Mutex } from 'redis-semaphore';
import { LOCK_TTL_MS, type LockKind } from './lock.js';

/** It gives up after 10 s; polls every 10 ms. */
const TUNED = { acquireTimeout: 60_000, retryInterval: 20 };

export const redisSemaphoreLock: LockKind = {
  name: 'redis-semaphore',
  summary: 'the Mutex of the npm package redis-semaphore 5',
  tunings: ['defaults', 'tuned'],
  open: (redisUrl, tuning) => {
    const redis = new Redis(redisUrl);
    const options = { lockTimeout: LOCK_TTL_MS, ...(tuning === 'tuned' ? TUNED : {}) };
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
