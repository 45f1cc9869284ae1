/** The least cost of a lock: SET NX PX, and a script that deletes the key for its owner. It cannot wait. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { LOCK_TTL_MS, type LockKind } from './lock.js';

const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

export const rawLock: LockKind = {
  name: 'raw',
  summary: 'SET NX PX and EVAL, nothing else',
  tunings: ['defaults'],
  open: (redisUrl) => {
    const redis = new Redis(redisUrl);
    return Promise.resolve({
      acquire: async (key) => {
        const owner = randomUUID();
        if ((await redis.set(key, owner, 'PX', LOCK_TTL_MS, 'NX')) !== 'OK') {
          throw new Error(`The lock ${key} is taken.`);
        }
        return async () => {
          await redis.eval(RELEASE, 1, key, owner);
        };
      },
      close: () => {
        redis.disconnect();
        return Promise.resolve();
      },
    });
  },
};
