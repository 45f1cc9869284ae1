/**
 * Runs a function while one or several locks are held, and gives them back whatever happens.
 *
 * Several keys are taken one after another in the order of their bytes, so two callers can never wait for each other
 * crosswise. Each key is waited for in its own fair queue, so a caller that needs a hot key and a cold one gets both.
 */
import { Buffer } from 'node:buffer';
import { systemClock, type Clock } from '../time/clock.js';
import { Deadline } from '../time/deadline.js';
import { LockAbortedError, LockLostError } from './errors.js';
import type { DistributedLockService, Lease, WaitEvents } from './lock-service.js';

/** What the function is given: that it has its turn, for how long it can rely on it, and under which numbers. */
export interface LockHold {
  /** Aborted when any of the leases can no longer be trusted. */
  readonly signal: AbortSignal;
  /** Whether the signal is aborted by now: much cheaper where nobody needs to be told. */
  readonly lost: boolean;
  readonly leases: readonly Lease[];
  fencingTokenOf(key: string): bigint | null;
  /** Gives the locks back. Never rejects: the service counts and logs a release that failed. */
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
   * The result or the error is the function's own, also where a lease was lost meanwhile or could not be given back:
   * only what the lock protects can say whether the work counts.
   *
   * @param deadline bounds the wait for all keys together, not the function.
   * @throws what `acquire` throws, or LockLostError where one lease was lost while we waited for another; the function
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
   * Takes the locks until `release` is called: for work that is no single function.
   *
   * @throws what `acquire` throws, or LockLostError where one lease was lost while another was waited for; no lock is
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

  /** Puts each lease into `leases` as it is had, so that the caller can give back what there is after a failure. */
  private async acquireAll(
    keys: readonly string[],
    leases: Lease[],
    deadline: Deadline,
    events: WaitEvents,
  ): Promise<void> {
    for (const key of keys) {
      // Waiting on under a lease that is lost already would end in work that has no turn.
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

class Hold implements LockHold {
  private any: AbortSignal | undefined;

  constructor(
    readonly leases: readonly Lease[],
    private readonly service: DistributedLockService,
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

/** Each key once, by its UTF-8 bytes: the same order in every process, whatever its language settings. */
function inByteOrder(keys: string | readonly string[]): string[] {
  if (typeof keys === 'string') return [keys];
  return [...new Set(keys)].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}
