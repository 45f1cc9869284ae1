/** What the lock services on Redis have in common: each key belongs to a group of locks, which waits and grants. */
import { systemClock, systemRandom, systemRandomBytes, type Clock } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import { healthOf, type LockHealth } from './availability.js';
import { LockAbortedError, LockUnavailableError } from './errors.js';
import { HeldLease } from './hold.js';
import type { LockGroup, SharedParts } from './lock-group.js';
import type { Lease, WaitEvents } from './lock-service.js';
import type { RunningLockService } from './running-lock-service.js';
import { readSettings, type RedisLockSettings } from './settings.js';
import { StatsCollector, type LockStats } from './stats.js';
import { Tickets } from './tickets.js';
import { Waiter } from './waiting-room.js';

export abstract class GroupedLockService<L extends Lease> implements RunningLockService {
  protected readonly clock: Clock;
  private readonly collector: StatsCollector;
  protected readonly tickets: Tickets;
  private stopping: Promise<void> | null = null;

  protected constructor(
    shared: SharedParts,
    private readonly groups: readonly LockGroup[],
    /** How many servers are enough for all keys; null where each key belongs to one. */
    private readonly quorum: number | null,
  ) {
    this.clock = shared.clock;
    this.collector = shared.stats;
    this.tickets = shared.tickets;
  }

  protected abstract groupOf(key: string): LockGroup;

  /**
   * Connects. Resolves also when Redis is unreachable: the service keeps trying, and rejects `acquire` until then.
   * @throws LockUnavailableError when Redis refuses the client: wrong password, missing permissions, no such database.
   */
  async start(): Promise<LockHealth> {
    const started = await Promise.allSettled(this.groups.map((group) => group.start()));
    const refused = started.find((outcome) => outcome.status === 'rejected');
    if (refused) {
      await this.stop();
      throw refused.reason;
    }
    return this.health();
  }

  /** Rejects the waiters, marks held leases as lost, releases their locks, and disconnects. Safe to repeat. */
  stop(): Promise<void> {
    this.stopping ??= this.stopOnce();
    return this.stopping;
  }

  acquire(key: string, deadline: Deadline, { onQueued }: WaitEvents = {}): Promise<L> {
    return this.wait(
      key,
      deadline,
      (grant, refuse) =>
        new Waiter(deadline, this.clock.nowMs(), grant as (lease: Lease) => void, refuse, onQueued),
    );
  }

  /** @throws as acquire. */
  protected wait<T>(
    key: string,
    deadline: Deadline,
    makeWaiter: (resolve: (value: T) => void, reject: (error: Error) => void) => Waiter,
  ): Promise<T> {
    const { signal } = deadline;
    if (signal?.aborted) {
      this.collector.aborts += 1;
      return Promise.reject(new LockAbortedError(key, signal.reason));
    }
    const group = this.groupOf(key);
    if (!group.available || this.stopping) {
      this.collector.unavailable += 1;
      return Promise.reject(this.stopping ? stopped() : group.unavailable());
    }
    return new Promise((resolve, reject) => {
      group.enter(key, makeWaiter(resolve, reject));
    });
  }

  release(lease: Lease): Promise<void> {
    if (!(lease instanceof HeldLease) || !this.tickets.isOurs(lease.hold.ticket)) {
      return Promise.reject(
        new TypeError('release needs a lease that acquire of the same service has returned.'),
      );
    }
    lease.releasing ??= this.releaseOnce(lease);
    return lease.releasing;
  }

  health(): LockHealth {
    return healthOf(
      this.groups.flatMap((group) => group.health()),
      this.quorum,
    );
  }

  stats(): LockStats {
    return this.collector.snapshot();
  }

  /** A failed one may be repeated: the lock is free then, or will be, also where Redis has not received it. */
  private async releaseOnce(lease: HeldLease): Promise<void> {
    try {
      await this.groupOf(lease.key).release(lease);
    } catch (error) {
      lease.releasing = null;
      throw error;
    }
  }

  private async stopOnce(): Promise<void> {
    for (const group of this.groups) group.rejectAll(stopped());
    await Promise.all(this.groups.map((group) => group.stop()));
  }
}

/** @throws RangeError for a setting out of range. */
export function sharedParts(given: RedisLockSettings): SharedParts {
  return {
    settings: readSettings(given),
    connect: given.connect,
    clock: given.clock ?? systemClock,
    random: given.random ?? systemRandom,
    log: given.log,
    stats: new StatsCollector(),
    tickets: new Tickets(given.randomBytes ?? systemRandomBytes, given.fleet),
  };
}

function stopped(): LockUnavailableError {
  return new LockUnavailableError('The lock service was stopped; make a new one.');
}
