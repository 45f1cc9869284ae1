/** The waiters of one lock with what ends their waits: the turn, a time-out, an abortion, bad news for everybody. */
import type { Clock } from '../time/clock.js';
import { LockAbortedError, LockQueueFullError, LockTimeoutError, type Behind } from './errors.js';
import type { Settings } from './settings.js';
import type { StatsCollector } from './stats.js';
import { Waiters, type Waiter } from './waiters.js';

export interface WaitingRoomParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly stats: StatsCollector;
}

/** The lock that is waited for. */
export interface WaitedFor {
  readonly key: string;
  /** What is in front of those who wait here. */
  readonly behind: () => Omit<Behind, 'waitersAhead'>;
  /** The last one has left without its turn. */
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

  /** False where there is no room; the waiter has been told. */
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

  /** It leaves, with or without its turn; telling it is the caller's. */
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
