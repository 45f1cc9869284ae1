/**
 * The lock service on one Redis: keeps a KeyLock for each key in use, and passes on the events of Redis to them.
 * key-lock.ts has the protocol of one lock, `lua/` its part at Redis, README.md the guarantees.
 */
import type { LockHealth } from './availability.js';
import { systemClock, systemRandom, systemRandomBytes, type Clock } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import { LockAbortedError, LockUnavailableError } from './errors.js';
import { HandOvers } from './hand-overs.js';
import { HeldLease } from './hold.js';
import { KeyLock, type LockParts } from './key-lock.js';
import type { DistributedLockService, Lease, WaitEvents } from './lock-service.js';
import { RedisGateway } from './redis-gateway.js';
import { Renewal } from './renewal.js';
import { readSettings, type RedisLockSettings } from './settings.js';
import { StatsCollector, type LockStats } from './stats.js';
import { Tickets } from './tickets.js';
import { Waiter } from './waiting-room.js';

export class RedisLockService implements DistributedLockService {
  private readonly locks = new Map<string, KeyLock>();
  private readonly clock: Clock;
  private readonly stats_ = new StatsCollector();
  private readonly gateway: RedisGateway;
  private readonly parts: LockParts;
  private stopping: Promise<void> | null = null;

  /** Reads the scripts; connects nothing. @throws RangeError for a setting out of range. */
  constructor(given: RedisLockSettings) {
    const settings = readSettings(given);
    const clock = given.clock ?? systemClock;
    const random = given.random ?? systemRandom;
    const tickets = new Tickets(given.randomBytes ?? systemRandomBytes);
    const stats = this.stats_;
    this.clock = clock;
    this.gateway = new RedisGateway(
      {
        settings,
        processId: tickets.processId,
        connect: given.connect,
        clock,
        random,
        log: given.log,
        stats,
      },
      {
        onGrant: (grant) => {
          const { key } = grant;
          // A message may name any ticket. Giving up another process's would release its lock.
          if (!tickets.isOurs(grant.ticket)) return;
          const lock = this.locks.get(key) ?? new KeyLock(this.parts, key, () => undefined);
          lock.onHandOver(grant);
        },
        onListening: () => {
          for (const lock of this.locks.values()) lock.onListening();
        },
        onAway: (error) => {
          for (const lock of this.locks.values()) lock.rejectAll(error);
        },
        onBack: () => {
          this.parts.renewal.renewNow();
        },
      },
    );
    const { gateway } = this;
    const renewal = new Renewal({ settings, clock, gateway, stats });
    const handOvers = new HandOvers({ settings, clock, random, gateway, stats });
    this.parts = { settings, clock, random, stats, tickets, gateway, renewal, handOvers };
  }

  /**
   * Connects. Resolves also when Redis is unreachable: the service keeps trying, and rejects `acquire` until then.
   * @throws LockUnavailableError when Redis refuses the client: wrong password, missing permissions, no such database.
   */
  start(): Promise<LockHealth> {
    return this.gateway.start();
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
    if (!this.gateway.available || this.stopping) {
      this.stats_.unavailable += 1;
      return Promise.reject(this.stopping ? stopped() : this.gateway.unavailable());
    }
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(deadline, this.clock.nowMs(), resolve, reject, onQueued);
      this.lockOf(key).enter(waiter);
    });
  }

  release(lease: Lease): Promise<void> {
    if (!(lease instanceof HeldLease) || !this.parts.tickets.isOurs(lease.hold.ticket)) {
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
      await this.locks.get(lease.key)?.release(lease);
    } catch (error) {
      lease.releasing = null;
      throw error;
    }
  }

  health(): LockHealth {
    return this.gateway.health();
  }

  stats(): LockStats {
    return this.stats_.snapshot();
  }

  private lockOf(key: string): KeyLock {
    let lock = this.locks.get(key);
    if (!lock) {
      const made: KeyLock = new KeyLock(this.parts, key, () => {
        if (this.locks.get(key) === made) this.locks.delete(key);
      });
      lock = made;
      this.locks.set(key, lock);
    }
    return lock;
  }

  private async stopOnce(): Promise<void> {
    const locks = [...this.locks.values()];
    this.parts.renewal.stop();
    this.parts.handOvers.stop();
    for (const lock of locks) lock.rejectAll(stopped());
    await Promise.allSettled(locks.map((lock) => lock.stop()));
    await this.gateway.settleDoubts();
    this.gateway.stop();
  }
}

function stopped(): LockUnavailableError {
  return new LockUnavailableError('The lock service was stopped; make a new one.');
}
