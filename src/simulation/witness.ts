/**
 * Watches the lock from outside: two leases of one key are never held at once, and a later one has a larger fencing
 * token. The database protects the stock without the lock, so the other checks would not detect a broken lock.
 *
 * The lock guarantees both only on a Redis that keeps its data and its clock: other rounds are not checked.
 */
import type { DistributedLockService, Lease } from '../lock/index.js';

export class LockWitness {
  readonly wrong: string[] = [];
  leases = 0;
  private readonly last = new Map<string, { readonly owner: string; readonly lease: Lease }[]>();
  private trusts = true;

  /** Ends the checks: Redis has lost its data, or its clock was set. */
  endTrust(): void {
    this.trusts = false;
    this.last.clear();
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

  acquired(owner: string, lease: Lease): void {
    this.leases += 1;
    if (!this.trusts) return;
    const others = (this.last.get(lease.key) ?? []).filter((other) => other.lease.state === 'held');
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
