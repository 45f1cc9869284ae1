/**
 * Runs a function while one or several locks are held, and releases them when it has settled.
 *
 * Several keys are acquired one after another in byte order, so callers cannot deadlock. Each key has its own fair
 * queue, so a caller that needs a contended key and an idle one gets both.
 */
import { Buffer } from 'node:buffer';
import { systemClock, type Clock } from '../time/clock.js';
import { Deadline } from '../time/deadline.js';
import { LockAbortedError, LockLostError } from './errors.js';
import type { DistributedLockService, Lease, WaitEvents } from './lock-service.js';

/** The leases of one call, and whether they are still held. */
export interface LockHold {
  /** Aborted when any of the leases is lost. */
  readonly signal: AbortSignal;
  /** Whether any of the leases is lost; cheaper than `signal`. */
  readonly lost: boolean;
  readonly leases: readonly Lease[];
  fencingTokenOf(key: string): bigint | null;
  /** Releases the locks. Never rejects: the service counts a release that failed, and the lock ends by its life. */
  release(): Promise<void>;
}

export class DistributedLockManager {
  /** @param defaults.waitMs the longest wait of a call without a deadline, in milliseconds. */
  constructor(
    private readonly service: DistributedLockService,
    private readonly defaults: { readonly waitMs: number },
    private readonly clock: Clock = systemClock,
  ) {}

  /**
   * Settles as the function does, also when a lease was lost or could not be released: only the protected resource can
   * tell whether the work counts.
   *
   * @param deadline bounds the wait for all keys together, not the function.
   * @throws what `acquire` throws, or LockLostError when one lease was lost during the wait for another; the function
   *   has not been called then.
   */
  async executeWithLock<T>(
    keys: string | readonly string[],
    fn: (hold: LockHold) => Promise<T>,
    deadline: Deadline = Deadline.in(this.defaults.waitMs, this.clock),
  ): Promise<T> {
    const hold = await this.hold(keys, deadline);
    try {
      return await fn(hold);
    } finally {
      await hold.release();
    }
  }

  /**
   * Acquires the locks until `release` is called, for work that is not a single function.
   *
   * @throws what `acquire` throws, or LockLostError when one lease was lost during the wait for another; no lock is
   *   held then.
   */
  async hold(
    keys: string | readonly string[],
    deadline: Deadline,
    events: WaitEvents = {},
  ): Promise<LockHold> {
    const leases: Lease[] = [];
    const hold = new Hold(leases, this.service);
    try {
      await this.acquireAll(inByteOrder(keys), leases, deadline, events);
      return hold;
    } catch (error) {
      await hold.release();
      throw error;
    }
  }

  /** Adds each lease to `leases` when it is granted, so the caller can release them after a failure. */
  private async acquireAll(
    keys: readonly string[],
    leases: Lease[],
    deadline: Deadline,
    events: WaitEvents,
  ): Promise<void> {
    for (const key of keys) {
      // A lost lease ends the wait: the function could not run under it.
      const wait = deadline.alsoAbortedBy(leases.map(({ signal }) => signal));
      try {
        leases.push(await this.service.acquire(key, wait, events));
      } catch (error) {
        if (error instanceof LockAbortedError && error.cause instanceof LockLostError) {
          throw error.cause;
        }
        throw error;
      }
    }
    for (const lease of leases) {
      if (lease.state === 'lost') throw lease.signal.reason;
    }
  }
}

/** The hold of a lease that a service has granted. */
export function holdOf(lease: Lease, service: Pick<DistributedLockService, 'release'>): LockHold {
  return new Hold([lease], service);
}

class Hold implements LockHold {
  private any: AbortSignal | undefined;

  constructor(
    readonly leases: readonly Lease[],
    private readonly service: Pick<DistributedLockService, 'release'>,
  ) {}

  get signal(): AbortSignal {
    const [first, ...others] = this.leases.map((lease) => lease.signal);
    if (first && others.length === 0) return first;
    this.any ??= AbortSignal.any(this.leases.map((lease) => lease.signal));
    return this.any;
  }

  get lost(): boolean {
    return this.leases.some((lease) => lease.state === 'lost');
  }

  fencingTokenOf(key: string): bigint | null {
    return this.leases.find((lease) => lease.key === key)?.fencingToken ?? null;
  }

  async release(): Promise<void> {
    const [first, ...others] = this.leases.map((lease) => this.service.release(lease));
    if (others.length > 0) await Promise.allSettled([first, ...others]);
    else await first?.catch(() => undefined);
  }
}

/** Each key once, ordered by its UTF-8 bytes: the same in every process, whatever its locale. */
function inByteOrder(keys: string | readonly string[]): string[] {
  if (typeof keys === 'string') return [keys];
  return [...new Set(keys)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
