/** The locks that a majority of several servers keeps: these servers, a QuorumLock for each key in use, its renewal. */
import type { RedisServers } from '../redis/address.js';
import type { ServerHealth } from './availability.js';
import { LockUnavailableError } from './errors.js';
import type { HeldLease, Hold } from './hold.js';
import type { LockGroup, SharedParts } from './lock-group.js';
import { QuorumLock } from './quorum-lock.js';
import { QuorumMutex } from './quorum-mutex.js';
import { QuorumNode } from './quorum-node.js';
import { Renewal } from './renewal.js';
import type { Renewed } from './scripts.js';
import type { Waiter } from './waiting-room.js';

/** Clocks may differ by this part, and expiry is exact to the millisecond: what the algorithm calls drift. */
const DRIFT = Object.freeze({ part: 0.01, ms: 2 });

export class QuorumLocks implements LockGroup {
  /** How many servers must agree. */
  readonly quorum: number;
  readonly lifeMs: number;
  private readonly nodes: readonly QuorumNode[];
  private readonly locks = new Map<string, QuorumLock>();
  private readonly renewal: Renewal;
  private readonly underWay = new Set<Promise<unknown>>();
  private wasAvailable = false;

  constructor(
    private readonly shared: SharedParts,
    servers: RedisServers,
  ) {
    this.quorum = Math.floor(servers.length / 2) + 1;
    const { settings, clock, stats } = shared;
    this.nodes = servers.map(
      (server) =>
        new QuorumNode(shared, server, () => {
          this.onNodeChanged();
        }),
    );
    this.lifeMs = settings.ttlMs * (1 - DRIFT.part) - DRIFT.ms;
    const shorter = { ...settings, ttlMs: this.lifeMs };
    this.renewal = new Renewal({ settings: shorter, clock, gateway: this, stats });
  }

  async start(): Promise<void> {
    for (const node of this.nodes) node.open();
    for (const node of this.nodes) {
      const failure = await node.firstNews.told;
      if (failure?.kind !== 'refused') continue;
      throw new LockUnavailableError(`The lock cannot use ${node.name}: ${failure.reason}.`);
    }
  }

  get available(): boolean {
    return this.served >= this.quorum;
  }

  unavailable(): LockUnavailableError {
    const { served, quorum, nodes } = this;
    return new LockUnavailableError(
      `The lock is unavailable: ${served} of ${nodes.length} Redis serve it, and ${quorum} must.`,
    );
  }

  health(): readonly ServerHealth[] {
    return this.nodes.map((node) => node.health());
  }

  enter(key: string, waiter: Waiter): void {
    let lock = this.locks.get(key);
    if (!lock) {
      const made: QuorumLock = new QuorumLock({ ...this.shared, group: this }, key, () => {
        if (this.locks.get(key) === made) this.locks.delete(key);
      });
      lock = made;
      this.locks.set(key, lock);
    }
    lock.enter(waiter);
  }

  async release(lease: HeldLease): Promise<void> {
    await this.locks.get(lease.key)?.release(lease);
  }

  rejectAll(error: LockUnavailableError): void {
    for (const lock of this.locks.values()) lock.rejectAll(error);
  }

  async stop(): Promise<void> {
    this.renewal.stop();
    for (const lock of this.locks.values()) lock.stop();
    await Promise.allSettled(this.underWay);
    for (const node of this.nodes) node.stop();
  }

  mutexOf(key: string, ticket: string): QuorumMutex {
    return new QuorumMutex(this.nodes, key, ticket, this.shared.settings.ttlMs);
  }

  keepRenewed(hold: Hold): void {
    this.renewal.add(hold);
  }

  endRenewal(hold: Hold): void {
    this.renewal.remove(hold);
  }

  awaitAtStop(work: Promise<unknown>): void {
    const ended = work.catch(() => undefined).finally(() => this.underWay.delete(ended));
    this.underWay.add(ended);
  }

  /** For the renewal: RENEWED where a majority still had it. */
  renew(holds: readonly { readonly key: string }[]): Promise<readonly Renewed[]> {
    return Promise.all(
      holds.map(async ({ key }) => ((await this.locks.get(key)?.renew()) ? 'RENEWED' : 'LOST')),
    );
  }

  private get served(): number {
    return this.nodes.filter(({ available }) => available).length;
  }

  private onNodeChanged(): void {
    const { available } = this;
    if (this.wasAvailable === available) return;
    this.wasAvailable = available;
    if (available) this.renewal.renewNow();
    else this.rejectAll(this.unavailable());
  }
}
