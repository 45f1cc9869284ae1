/** Locks that are available together: of one server or shard (server-locks.ts), or of a quorum (quorum-locks.ts). */
import type { Connect } from '../redis/connection.js';
import type { Clock, Random } from '../time/clock.js';
import type { ServerHealth } from './availability.js';
import type { LockUnavailableError } from './errors.js';
import type { HeldLease } from './hold.js';
import type { LockLog } from './lock-service.js';
import type { Settings } from './settings.js';
import type { StatsCollector } from './stats.js';
import type { Tickets } from './tickets.js';
import type { Waiter } from './waiting-room.js';

/** What all groups of a lock service share. */
export interface SharedParts {
  readonly settings: Settings;
  readonly connect: Connect | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LockLog | undefined;
  readonly stats: StatsCollector;
  readonly tickets: Tickets;
}

export interface LockGroup {
  /** Whether `enter` may be called. */
  readonly available: boolean;
  /** Resolves also when a server is unreachable. @throws LockUnavailableError when one refuses the client. */
  start(): Promise<void>;
  unavailable(): LockUnavailableError;
  /** Of each server of the group. */
  health(): readonly ServerHealth[];
  enter(key: string, waiter: Waiter): void;
  /** @throws LockUnavailableError when Redis did not confirm. */
  release(lease: HeldLease): Promise<void>;
  rejectAll(error: LockUnavailableError): void;
  /** Marks held leases as lost, releases their locks, and disconnects. */
  stop(): Promise<void>;
}
