/** The npm package `redlock`: its lock, then the conditional update. */
import { redlockLock } from '../locks/redlock.js';
import { lockedUpdate } from './locked-update.js';

export const redlock = lockedUpdate(redlockLock);
