/**
 * Who waits for one lock in this process, first come, first served. A linked list, since each may leave from the middle
 * at any time, and ten thousand leaving one by one shall cost ten thousand steps.
 */
import type { Timer } from '../time/clock.js';
import type { Lease } from './lock-service.js';

export class Waiter {
  previous: Waiter | null = null;
  next: Waiter | null = null;
  private isQueued = false;
  timer: Timer | null = null;
  onAbort: (() => void) | null = null;

  constructor(
    private readonly waitMs: number,
    readonly sinceMs: number,
    readonly signal: AbortSignal | undefined,
    readonly resolve: (lease: Lease) => void,
    readonly reject: (error: Error) => void,
    private readonly onQueued: (() => void) | undefined,
  ) {}

  /** Whether it leaves with the first answer that is not the lock. */
  get triesOnce(): boolean {
    return this.waitMs === 0;
  }

  /**
   * After how long it times out, in milliseconds; null for never. Rounded up, as timers round down, and the wait must
   * not end before its deadline.
   */
  get timeOutMs(): number | null {
    return this.triesOnce || this.waitMs === Infinity ? null : Math.ceil(this.waitMs);
  }

  /** Whether it has to wait: the first answer of Redis was not the lock. */
  get hasWaited(): boolean {
    return this.isQueued;
  }

  markQueued(): void {
    if (this.isQueued) return;
    this.isQueued = true;
    this.onQueued?.();
  }

  /** Ends what would end its wait. */
  disarm(): void {
    this.timer?.cancel();
    if (this.onAbort) this.signal?.removeEventListener('abort', this.onAbort);
  }
}

export class Waiters {
  first: Waiter | null = null;
  private last: Waiter | null = null;
  size = 0;

  push(waiter: Waiter): void {
    waiter.previous = this.last;
    if (this.last) this.last.next = waiter;
    else this.first = waiter;
    this.last = waiter;
    this.size += 1;
  }

  remove(waiter: Waiter): void {
    const { previous, next } = waiter;
    if (previous) previous.next = next;
    else this.first = next;
    if (next) next.previous = previous;
    else this.last = previous;
    this.size -= 1;
  }

  /** How many are in front of it. */
  ahead(waiter: Waiter): number {
    let ahead = 0;
    for (let other = waiter.previous; other; other = other.previous) ahead += 1;
    return ahead;
  }
}
