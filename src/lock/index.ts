/** All that users of the lock import. */
export { DistributedLockManager, holdOf, type LockHold } from './lock-manager.js';
export type {
  DistributedLockService,
  FencedLease,
  Lease,
  LeaseState,
  LockLog,
  OwnedElsewhere,
  OwningEvents,
  OwningLockService,
  WaitEvents,
} from './lock-service.js';
export type { RunningLockService } from './running-lock-service.js';
export { RedisLockService } from './redis-lock-service.js';
export { independentServersOf, REDLOCK_SERVERS_MIN, RedlockService } from './redlock-service.js';
export type { RedisLockSettings } from './settings.js';
export type { LockHealth, ServerHealth } from './availability.js';
export { BUCKETS_MS } from './stats.js';
export type { DurationStats, LockStats, WakeUpCause } from './stats.js';
export { Deadline } from '../time/deadline.js';
export {
  systemClock,
  systemRandom,
  systemRandomBytes,
  type Clock,
  type Random,
  type RandomBytes,
  type Timer,
} from '../time/clock.js';
export {
  LockAbortedError,
  LockLostError,
  LockQueueFullError,
  LockTimeoutError,
  LockUnavailableError,
  type Behind,
  type LossReason,
} from './errors.js';
