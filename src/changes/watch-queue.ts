/**
 * The events that one watcher has not taken yet. Only the newest state of each level is kept, so a slow watcher gets
 * fewer events instead of stale ones. Beyond its bound the queue is replaced by one MISSED event.
 */
import { levelKey } from '../inventory/stock.js';
import type { StockChange, StockEvent } from '../inventory/stock-changes.js';

type Taken = IteratorResult<StockEvent, undefined>;

export class WatchQueue implements AsyncIterableIterator<StockEvent, undefined> {
  private readonly changes = new Map<string, StockChange>();
  private readonly takers: ((taken: Taken) => void)[] = [];
  /** Undefined: nothing was missed. */
  private missedSince: Date | null | undefined;
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
  changed(change: StockChange, since: Date): void {
    if (this.ended) return;
    const taker = this.takers.shift();
    if (taker) {
      taker({ done: false, value: { kind: 'CHANGED', change } });
      return;
    }
    if (this.changes.size === 0) this.changesSince = since;
    this.changes.set(levelKey(change), change);
    if (this.changes.size <= this.options.levelsMax) return;
    this.options.onOverflow();
    this.missed(this.changesSince);
  }

  /** Drops the queued changes: the watcher reads again and gets newer states. */
  missed(since: Date | null): void {
    if (this.ended) return;
    this.changes.clear();
    const taker = this.takers.shift();
    if (taker) taker({ done: false, value: { kind: 'MISSED', since } });
    else this.missedSince = earlier(this.missedSince, since);
  }

  next(): Promise<Taken> {
    if (this.ended) return Promise.resolve(ENDED);
    if (this.missedSince !== undefined) {
      const value: StockEvent = { kind: 'MISSED', since: this.missedSince };
      this.missedSince = undefined;
      return Promise.resolve({ done: false, value });
    }
    for (const [key, change] of this.changes) {
      this.changes.delete(key);
      return Promise.resolve({ done: false, value: { kind: 'CHANGED', change } });
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

/** Null is the earliest: the moment is unknown. */
function earlier(a: Date | null | undefined, b: Date | null): Date | null {
  if (a === undefined) return b;
  if (a === null || b === null) return null;
  return a < b ? a : b;
}
