/**
 * The locks that one Redis server keeps: a KeyLock for each key in use, the connections, and the events of Redis for
 * them. Each server has its own, so that one which dies takes no lock of another with it.
 */
import type { RedisServerAddress } from '../redis/address.js';
import type { ServerHealth } from './availability.js';
import type { LockUnavailableError } from './errors.js';
import { HandOvers } from './hand-overs.js';
import type { HeldLease } from './hold.js';
import { KeyLock, type LockParts } from './key-lock.js';
import type { LockGroup, SharedParts } from './lock-group.js';
import { RedisGateway } from './redis-gateway.js';
import { Renewal } from './renewal.js';
import type { Waiter } from './waiting-room.js';

export class ServerLocks implements LockGroup {
  private readonly locks = new Map<string, KeyLock>();
  private readonly gateway: RedisGateway;
  private readonly parts: LockParts;

  /** @param onMail receives what other processes tell this one through this server. */
  constructor(
    shared: SharedParts,
    server: RedisServerAddress,
    private readonly onMail: (text: string) => void,
  ) {
    const { settings, clock, random, stats, tickets } = shared;
    const { processId } = tickets;
    this.gateway = new RedisGateway(
      { ...shared, server, processId },
      {
        onGrant: (grant) => {
          const { key } = grant;
          // A message may name any ticket. Giving up another process's would release its lock.
          if (!tickets.isOurs(grant.ticket)) return;
          const lock = this.locks.get(key) ?? new KeyLock(this.parts, key, () => undefined);
          lock.onHandOver(grant);
        },
        onWanted: (key) => {
          this.locks.get(key)?.onWanted();
        },
        onMail: (text) => {
          this.onMail(text);
        },
        onListening: () => {
          for (const lock of this.locks.values()) lock.onListening();
        },
        onAway: (error) => {
          this.rejectAll(error);
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

  start(): Promise<void> {
    return this.gateway.start();
  }

  get available(): boolean {
    return this.gateway.available;
  }

  unavailable(): LockUnavailableError {
    return this.gateway.unavailable();
  }

  health(): readonly ServerHealth[] {
    return [this.gateway.health()];
  }

  enter(key: string, waiter: Waiter): void {
    this.lockOf(key).enter(waiter);
  }

  async release(lease: HeldLease): Promise<void> {
    await this.locks.get(lease.key)?.release(lease);
  }

  /** @throws LockUnavailableError */
  tell(key: string, processId: string, text: string): Promise<boolean> {
    return this.gateway.tell(key, `${processId}:0`, text);
  }

  rejectAll(error: LockUnavailableError): void {
    for (const lock of this.locks.values()) lock.rejectAll(error);
  }

  async stop(): Promise<void> {
    this.parts.renewal.stop();
    this.parts.handOvers.stop();
    await Promise.allSettled([...this.locks.values()].map((lock) => lock.stop()));
    await this.gateway.settleDoubts();
    this.gateway.stop();
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
}
