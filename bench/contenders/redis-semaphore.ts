/** The npm package `redis-semaphore`: its mutex, then the conditional update. */
import { redisSemaphoreLock } from '../locks/redis-semaphore.js';
import { lockedUpdate } from './locked-update.js';

export const redisSemaphore = lockedUpdate(redisSemaphoreLock);
