/**
 * The lock service on one Redis or several independent ones, where each key belongs to one of them (server-locks.ts).
 * key-lock.ts has the protocol of one lock, `lua/` its part at Redis, README.md the guarantees.
 */
import {
  parseRedisUrl,
  serverOf,
  type RedisServerAddress,
  type RedisServers,
} from '../redis/address.js';
import { systemClock, systemRandom, systemRandomBytes, type Clock } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import { healthOf, type LockHealth } from './availability.js';
import { LockAbortedError, LockUnavailableError } from './errors.js';
import { HeldLease } from './hold.js';
import type { DistributedLockService, Lease, WaitEvents } from './lock-service.js';
import { ServerLocks } from './server-locks.js';
import { readSettings, type RedisLockSettings } from './settings.js';
import { StatsCollector, type LockStats } from './stats.js';
import { Tickets } from './tickets.js';
import { Waiter } from './waiting-room.js';

export class RedisLockService implements DistributedLockService {
  private readonly clock: Clock;
  private readonly stats_ = new StatsCollector();
  private readonly tickets: Tickets;
  private readonly servers: RedisServers;
  private readonly locks: ReadonlyMap<RedisServerAddress, ServerLocks>;
  private stopping: Promise<void> | null = null;

  /**
   * Reads the scripts; connects nothing.
   *
   * @throws RangeError for a setting out of range, RedisAddressError for a URL of another form.
   */
  constructor(given: RedisLockSettings) {
    this.clock = given.clock ?? systemClock;
    this.tickets = new Tickets(given.randomBytes ?? systemRandomBytes);
    this.servers = parseRedisUrl(given.url);
    const shared = {
      settings: readSettings(given),
      connect: given.connect,
      clock: this.clock,
      random: given.random ?? systemRandom,
      log: given.log,
      stats: this.stats_,
      tickets: this.tickets,
    };
    this.locks = new Map(this.servers.map((server) => [server, new ServerLocks(shared, server)]));
  }

  /**
   * Connects. Resolves also when Redis is unreachable: the service keeps trying, and rejects `acquire` until then.
   * @throws LockUnavailableError when Redis refuses the client: wrong password, missing permissions, no such database.
   */
  async start(): Promise<LockHealth> {
    const all = [...this.locks.values()];
    const started = await Promise.allSettled(all.map((locks) => locks.start()));
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

  acquire(key: string, deadline: Deadline, { onQueued }: WaitEvents = {}): Promise<Lease> {
    const { signal } = deadline;
    if (signal?.aborted) {
      this.stats_.aborts += 1;
      return Promise.reject(new LockAbortedError(key, signal.reason));
    }
    const locks = this.locksOf(key);
    if (!locks.available || this.stopping) {
      this.stats_.unavailable += 1;
      return Promise.reject(this.stopping ? stopped() : locks.unavailable());
    }
    return new Promise((resolve, reject) => {
      locks.enter(key, new Waiter(deadline, this.clock.nowMs(), resolve, reject, onQueued));
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

  /** The gateway remembers a release that Redis did not receive, so a repeated one does not fail. */
  private async releaseOnce(lease: HeldLease): Promise<void> {
    try {
      await this.locksOf(lease.key).release(lease);
    } catch (error) {
      lease.releasing = null;
      throw error;
    }
  }

  health(): LockHealth {
    return healthOf([...this.locks.values()].map((locks) => locks.health()));
  }

  stats(): LockStats {
    return this.stats_.snapshot();
  }

  private locksOf(key: string): ServerLocks {
    const locks = this.locks.get(serverOf(this.servers, key));
    if (!locks) throw new Error('A server without its locks: a bug.');
    return locks;
  }

  private async stopOnce(): Promise<void> {
    const all = [...this.locks.values()];
    for (const locks of all) locks.rejectAll(stopped());
    await Promise.all(all.map((locks) => locks.stop()));
  }
}

function stopped(): LockUnavailableError {
  return new LockUnavailableError('The lock service was stopped; make a new one.');
}
