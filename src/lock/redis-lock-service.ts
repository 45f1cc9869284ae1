/**
 * The lock service on one Redis: finds the lock of each key in this process, and tells all of them what happens to
 * Redis. How a lock is had is in key-lock.ts, what Redis does in `lua/`, and what is promised in README.md.
 */
import type { LockHealth } from './availability.js';
import { systemClock, systemRandom, type Clock } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import { LockAbortedError, LockUnavailableError } from './errors.js';
import { HandOvers } from './hand-overs.js';
import { HeldLease } from './held-lease.js';
import { KeyLock, type LockParts } from './key-lock.js';
import type { DistributedLockService, Lease, WaitEvents } from './lock-service.js';
import { RedisGateway } from './redis-gateway.js';
import { Renewal } from './renewal.js';
import { readSettings, type RedisLockSettings } from './settings.js';
import { StatsCollector, type LockStats } from './stats.js';
import { Tickets } from './tickets.js';
import { Waiter } from './waiters.js';

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
    const tickets = new Tickets();
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
          const lock = this.locks.get(key) ?? new KeyLock(this.parts, key, () => undefined);
          lock.onGrant(grant);
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
   * Connects. Resolves also where Redis is away: it is then tried until it is there, and `acquire` refuses meanwhile.
   * @throws LockUnavailableError where Redis refuses us: password, permissions, database.
   */
  start(): Promise<LockHealth> {
    return this.gateway.start();
  }

  /** Rejects who waits, gives back what is held, whose leases are lost thereby, and closes. Safe to repeat. */
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
      const waiter = new Waiter(
        deadline.leftMs,
        this.clock.nowMs(),
        signal,
        resolve,
        reject,
        onQueued,
      );
      this.lockOf(key).enter(waiter);
    });
  }

  release(lease: Lease): Promise<void> {
    if (!(lease instanceof HeldLease)) {
      return Promise.reject(new TypeError('Only a lease of this service can be released.'));
    }
    lease.releasing ??= this.releaseOnce(lease);
    return lease.releasing;
  }

  /** What could not be told to Redis is remembered there, not here: releasing again is no error then. */
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
  return new LockUnavailableError('The lock service was stopped.');
}
