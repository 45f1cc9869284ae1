/**
 * The waiters of one lock in this process, first come, first served, and what ends a wait: a grant, the deadline, the
 * caller's signal, or an unavailable Redis.
 */
import type { Clock, Timer } from '../time/clock.js';
import type { Deadline } from '../time/deadline.js';
import { LockAbortedError, LockQueueFullError, LockTimeoutError, type Behind } from './errors.js';
import type { Lease } from './lock-service.js';
import type { Settings } from './settings.js';
import type { StatsCollector } from './stats.js';

export interface Owning {
  readonly onWanted: () => void;
  /** Another process owns the lock; the waiter has left. Null: it waits, also behind an owner. */
  readonly onOwner: ((processId: string) => void) | null;
}

export class Waiter {
  previous: Waiter | null = null;
  next: Waiter | null = null;
  timer: Timer | null = null;
  onAbort: (() => void) | null = null;
  readonly signal: AbortSignal | undefined;
  private isQueued = false;
  private readonly waitMs: number;

  constructor(
    deadline: Deadline,
    readonly sinceMs: number,
    readonly resolve: (lease: Lease) => void,
    readonly reject: (error: Error) => void,
    private readonly onQueued?: () => void,
    /** Of a waiter that may own the lock. */
    readonly owning: Owning | null = null,
  ) {
    this.waitMs = deadline.leftMs;
    this.signal = deadline.signal;
  }

  /** Whether it leaves with the first answer that is not a grant. */
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

  /** Whether the first answer of Redis was not a grant. */
  get hasWaited(): boolean {
    return this.isQueued;
  }

  markQueued(): void {
    if (this.isQueued) return;
    this.isQueued = true;
    this.onQueued?.();
  }

  /** Cancels its timer and stops listening to its signal. */
  disarm(): void {
    this.timer?.cancel();
    if (this.onAbort) this.signal?.removeEventListener('abort', this.onAbort);
  }
}

/** A linked list: any waiter may leave at any time, in constant time. */
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

  /** How many waiters are ahead of it. */
  ahead(waiter: Waiter): number {
    let ahead = 0;
    for (let other = waiter.previous; other; other = other.previous) ahead += 1;
    return ahead;
  }
}

export interface WaitingRoomParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly stats: StatsCollector;
}
/** The lock that is waited for. */
export interface WaitedFor {
  readonly key: string;
  /** What is ahead of this process's waiters. */
  readonly behind: () => Omit<Behind, 'waitersAhead'>;
  /** Called when the last waiter has left without a grant. */
  readonly onDeserted: () => void;
}

export class WaitingRoom {
  private readonly waiters = new Waiters();

  constructor(
    private readonly parts: WaitingRoomParts,
    private readonly lock: WaitedFor,
  ) {}

  get first(): Waiter | null {
    return this.waiters.first;
  }

  get size(): number {
    return this.waiters.size;
  }

  /** @returns false when the queue is full; the waiter has been rejected then. */
  enter(waiter: Waiter): boolean {
    const { settings, clock, stats } = this.parts;
    if (this.waiters.size >= settings.queueMax) {
      stats.queueFull += 1;
      waiter.reject(new LockQueueFullError(this.lock.key, settings.queueMax));
      return false;
    }
    this.waiters.push(waiter);
    stats.waitersNow += 1;
    if (waiter.timeOutMs !== null) {
      waiter.timer = clock.after(waiter.timeOutMs, () => {
        this.timeOut(waiter);
      });
    }
    if (waiter.signal) {
      waiter.onAbort = () => {
        this.abort(waiter);
      };
      waiter.signal.addEventListener('abort', waiter.onAbort, { once: true });
    }
    return true;
  }

  /** Removes the waiter. Settling its promise is the caller's task. */
  leave(waiter: Waiter): void {
    waiter.disarm();
    this.waiters.remove(waiter);
    this.parts.stats.waitersNow -= 1;
  }

  timeOut(waiter: Waiter): void {
    const { clock, stats } = this.parts;
    const { key } = this.lock;
    stats.timeouts += 1;
    const behind = { waitersAhead: this.waiters.ahead(waiter), ...this.lock.behind() };
    this.leave(waiter);
    const waitedMs = clock.nowMs() - waiter.sinceMs;
    waiter.reject(new LockTimeoutError({ key, waitedMs, behind }));
    if (!this.first) this.lock.onDeserted();
  }

  rejectAll(error: Error): void {
    for (let { first } = this; first; { first } = this) {
      this.parts.stats.unavailable += 1;
      this.leave(first);
      first.reject(error);
    }
  }

  private abort(waiter: Waiter): void {
    this.parts.stats.aborts += 1;
    this.leave(waiter);
    waiter.reject(new LockAbortedError(this.lock.key, waiter.signal?.reason));
    if (!this.first) this.lock.onDeserted();
  }
}
