/** What the application asks of a lock service beside locks. */
import type { LockHealth } from './availability.js';
import type { DistributedLockService } from './lock-service.js';
import type { LockStats } from './stats.js';

/** A service with connections, to be started and watched. */
export interface RunningLockService extends DistributedLockService {
  /** Resolves also when Redis is unreachable. @throws LockUnavailableError when Redis refuses the client. */
  start(): Promise<LockHealth>;
  /** Rejects the waiters, marks held leases as lost, releases their locks, and disconnects. Safe to repeat. */
  stop(): Promise<void>;
  health(): LockHealth;
  stats(): LockStats;
}
