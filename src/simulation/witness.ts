/**
 * Watches the lock from outside: two leases of one key are never held at once, and a later one has a larger fencing
 * token. The database protects the stock without the lock, so the other checks would not detect a broken lock.
 *
 * An owner that is not subscribed loses its lock to the first that asks, and is not counted from then on.
 *
 * The lock guarantees both only on a Redis that keeps its data and its clock: other rounds are not checked.
 */
import type { DistributedLockService, Lease, OwningLockService } from '../lock/index.js';

export class LockWitness {
  readonly wrong: string[] = [];
  leases = 0;
  private readonly last = new Map<string, { readonly owner: string; readonly lease: Lease }[]>();
  private readonly lastTokenTakenOver = new Map<string, bigint>();
  private trusts = true;

  /** Ends the checks: Redis has lost its data, or its clock was set. */
  endTrust(): void {
    this.trusts = false;
    this.last.clear();
  }

  /** The owner was not subscribed: its leases are not exclusive any more, which it learns when it renews the lock. */
  takenOver(key: string, lastToken: number): void {
    this.lastTokenTakenOver.set(key, BigInt(lastToken));
  }

  /** The same service, watched. */
  watch(owner: string, service: DistributedLockService): DistributedLockService {
    return {
      acquire: async (key, ...options) => {
        const lease = await service.acquire(key, ...options);
        this.acquired(owner, lease);
        return lease;
      },
      release: (lease) => service.release(lease),
    };
  }

  watchOwning(
    owner: string,
    service: OwningLockService,
  ): Pick<OwningLockService, 'own' | 'release'> {
    return {
      own: async (...request) => {
        const owned = await service.own(...request);
        if (!('owner' in owned)) this.acquired(owner, owned);
        return owned;
      },
      release: (lease) => service.release(lease),
    };
  }

  acquired(owner: string, lease: Lease): void {
    this.leases += 1;
    if (!this.trusts) return;
    const lastToken = this.lastTokenTakenOver.get(lease.key) ?? 0n;
    const counts = (one: Lease) => one.state === 'held' && (one.fencingToken ?? 0n) > lastToken;
    if (!counts(lease)) return;
    const others = (this.last.get(lease.key) ?? []).filter((other) => counts(other.lease));
    const [first] = others;
    if (first) {
      this.wrong.push(
        `${lease.key} is held by ${owner} (token ${lease.fencingToken}) while ${first.owner} holds it ` +
          `(token ${first.lease.fencingToken}).`,
      );
    }
    this.last.set(lease.key, [...others, { owner, lease }]);
  }
}
