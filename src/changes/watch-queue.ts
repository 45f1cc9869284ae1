/**
 * The events that one watcher has not taken yet. Only the newest state of each level is kept, so a slow watcher gets
 * fewer events instead of stale ones. Beyond its bound the queue is replaced by one MISSED event.
 */
import { levelKey } from '../inventory/stock.js';
import type { ChangedEvent, MissedEvent, StockEvent } from '../inventory/stock-changes.js';

type Taken = IteratorResult<StockEvent, undefined>;

export class WatchQueue implements AsyncIterableIterator<StockEvent, undefined> {
  private readonly changes = new Map<string, ChangedEvent>();
  private readonly takers: ((taken: Taken) => void)[] = [];
  private lost: MissedEvent | null = null;
  /** No later than the oldest of the changes. */
  private changesSince: Date | null = null;
  private ended = false;

  constructor(
    private readonly options: {
      /** The most levels that are queued. */
      readonly levelsMax: number;
      readonly onOverflow: () => void;
      /** The watch has ended, by its watcher or by `stop`. */
      readonly onEnd: () => void;
    },
  ) {}

  /** @param since the change is no older. */
  changed(event: ChangedEvent, since: Date): void {
    if (this.ended) return;
    const taker = this.takers.shift();
    if (taker) {
      taker({ done: false, value: event });
      return;
    }
    if (this.changes.size === 0) this.changesSince = since;
    this.changes.set(levelKey(event.change), event);
    if (this.changes.size <= this.options.levelsMax) return;
    this.options.onOverflow();
    this.missed({ kind: 'MISSED', since: this.changesSince });
  }

  /** Drops the queued changes: the watcher reads again and gets newer states. */
  missed(event: MissedEvent): void {
    if (this.ended) return;
    this.changes.clear();
    const taker = this.takers.shift();
    if (taker) taker({ done: false, value: event });
    else this.lost = earlier(this.lost, event);
  }

  next(): Promise<Taken> {
    if (this.ended) return Promise.resolve(ENDED);
    if (this.lost) {
      const value = this.lost;
      this.lost = null;
      return Promise.resolve({ done: false, value });
    }
    for (const [key, value] of this.changes) {
      this.changes.delete(key);
      return Promise.resolve({ done: false, value });
    }
    return new Promise((resolve) => this.takers.push(resolve));
  }

  return(): Promise<Taken> {
    this.end();
    return Promise.resolve(ENDED);
  }

  throw(error: unknown): Promise<Taken> {
    this.end();
    return Promise.reject(error instanceof Error ? error : new Error(String(error)));
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private end(): void {
    if (this.ended) return;
    this.ended = true;
    this.changes.clear();
    for (const taker of this.takers.splice(0)) taker(ENDED);
    this.options.onEnd();
  }
}

const ENDED: Taken = { done: true, value: undefined };

/** An unknown moment is the earliest. */
function earlier(a: MissedEvent | null, b: MissedEvent): MissedEvent {
  if (a === null || b.since === null) return b;
  return a.since === null || a.since < b.since ? a : b;
}
