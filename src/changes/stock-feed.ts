/**
 * The watchers of this process, and the changes that they receive.
 *
 * The store reports what this process has committed; it goes to the watchers here and, through Redis, to the other
 * processes. Their changes arrive in any order, and only a newer version of a level is passed on. The total of a
 * product is read once for all its watchers, and never for a product without watchers. A failed read is reported as
 * missed changes, because a stale total would be wrong.
 */
import { RecentLevels } from '../inventory/recent-levels.js';
import { levelKey } from '../inventory/stock.js';
import type { ProductCatalogue } from '../inventory/products.js';
import type {
  ChangedEvent,
  ChangedLevel,
  MissedEvent,
  StockChanges,
  StockEvent,
  StockWatch,
} from '../inventory/stock-changes.js';
import type { Clock } from '../time/clock.js';
import { Deadline } from '../time/deadline.js';
import type { ChangeLog } from './change-message.js';
import { WatchQueue } from './watch-queue.js';

/** The most levels with pending reads of totals; beyond it all watchers get MISSED. */
const PENDING_MAX = 10_000;
/** The most levels whose products are read in one query. */
const BATCH_MAX = 100;
const READ_MAX_MS = 5_000;
/** Events that are given to watchers in one turn of the event loop: a few milliseconds of work. */
const EVENTS_PER_TURN = 50;
/**
 * After so many events to watchers the feed rests for a millisecond: at least as long as they took. The watchers of a
 * product that changes all the time get fewer of its states, and the requests that change it keep their time.
 */
const EVENTS_PER_MS_OF_REST = 25;

/** The changes of the other processes. */
export interface ChangeSource {
  /**
   * @param heard receives the changes until `stop`.
   * @returns whether all of them arrive from now on.
   */
  listen(heard: StockChanges): Promise<boolean>;
  /** Called when the last watcher has left. */
  rest(): void;
  stop(): void;
}

/** The exchange with the other processes. */
export interface OtherProcesses {
  /** Publishes the changes that this process has committed. */
  readonly publisher: StockChanges;
  /** Receives the changes that other processes have committed. */
  readonly source: ChangeSource;
}

export interface StockFeedSettings {
  /** Reads the products of changed levels. */
  readonly products: Pick<ProductCatalogue, 'productsByIds'>;
  /** The most levels queued for one watcher. */
  readonly queueMax: number;
  /** Without it watchers receive the changes of this process alone. */
  readonly others?: OtherProcesses | null;
  readonly log: ChangeLog;
  readonly clock: Clock;
}

export interface StockFeedStats {
  /** Watchers now. */
  readonly watchers: number;
  /** Events that were given to watchers, counted for each watcher. */
  readonly changes: number;
  readonly missed: number;
  /** Overflows of watchers' queues. */
  readonly overflows: number;
}

export class StockFeed implements StockWatch, StockChanges {
  private readonly watchersOfAll = new Set<WatchQueue>();
  private readonly watchersOf = new Map<string, Set<WatchQueue>>();
  private readonly versions = new RecentLevels<number>();
  private readonly pending = new Map<string, ChangedLevel>();
  /** Delivers changes to the watchers of this process. */
  private readonly here: StockChanges;
  private readonly source: ChangeSource | null;
  /** No later than the oldest pending change. */
  private pendingSinceMs = 0;
  private delivering = false;
  /** Events that were given to watchers since the last rest. */
  private sinceRest = 0;
  private readonly counts = { watchers: 0, changes: 0, missed: 0, overflows: 0 };

  constructor(private readonly settings: StockFeedSettings) {
    this.here = {
      committed: (levels) => {
        this.take(levels);
      },
      uncertain: (since) => {
        this.tellMissed(this.all(), since);
      },
    };
    this.source = settings.others?.source ?? null;
  }

  async watch(productIds: readonly string[] | null): Promise<AsyncIterableIterator<StockEvent>> {
    const queue: WatchQueue = new WatchQueue({
      levelsMax: this.settings.queueMax,
      onOverflow: () => {
        this.counts.overflows += 1;
      },
      onEnd: () => {
        this.leave(queue, productIds);
      },
    });
    const since = this.settings.clock.today();
    this.join(queue, productIds);
    if (this.source && !(await this.source.listen(this.here))) this.tellMissed([queue], since);
    return queue;
  }

  /** Called by the store after COMMIT. Returns at once and never throws: a failure here must not change the answer. */
  committed(levels: readonly ChangedLevel[]): void {
    if (levels.length === 0) return;
    this.report((to) => {
      to.committed(levels);
    });
  }

  /** Called by the store when the outcome of a transaction is unknown: its changes may have been missed. */
  uncertain(since: Date): void {
    this.report((to) => {
      to.uncertain(since);
    });
  }

  stats(): StockFeedStats {
    return { ...this.counts };
  }

  /** Ends all watches. */
  async stop(): Promise<void> {
    this.source?.stop();
    await Promise.all([...this.all()].map((watcher) => watcher.return()));
  }

  private report(to: (changes: StockChanges) => void): void {
    for (const changes of [this.settings.others?.publisher, this.here]) {
      if (!changes) continue;
      try {
        to(changes);
      } catch (error) {
        this.settings.log.error({ err: error }, 'A change of stock could not be passed on.');
      }
    }
  }

  /**
   * Changes of any process. Those of products without watchers are dropped, but their versions are remembered: an older
   * change may arrive when there is a watcher.
   */
  private take(levels: readonly ChangedLevel[]): void {
    if (this.pending.size === 0) this.pendingSinceMs = this.settings.clock.today().getTime();
    for (const level of levels) {
      const key = levelKey(level);
      if (level.version <= (this.versions.get(key) ?? -1)) continue;
      this.versions.set(key, level.version);
      if (this.isWatched(level.productId)) this.pending.set(key, level);
    }
    if (this.pending.size > PENDING_MAX) {
      this.pending.clear();
      this.tellMissed(this.all(), new Date(this.pendingSinceMs));
    }
    if (this.pending.size === 0 || this.delivering) return;
    this.delivering = true;
    this.settings.clock.soon(() => void this.deliverAll());
  }

  private join(queue: WatchQueue, productIds: readonly string[] | null): void {
    this.counts.watchers += 1;
    if (productIds === null) this.watchersOfAll.add(queue);
    for (const id of productIds ?? []) {
      const watchers = this.watchersOf.get(id) ?? new Set();
      this.watchersOf.set(id, watchers.add(queue));
    }
  }

  private leave(queue: WatchQueue, productIds: readonly string[] | null): void {
    this.counts.watchers -= 1;
    this.watchersOfAll.delete(queue);
    for (const id of productIds ?? []) {
      const watchers = this.watchersOf.get(id);
      watchers?.delete(queue);
      if (watchers?.size === 0) this.watchersOf.delete(id);
    }
    if (this.counts.watchers > 0) return;
    this.pending.clear();
    this.source?.rest();
  }

  private isWatched(productId: string): boolean {
    return this.watchersOfAll.size > 0 || this.watchersOf.has(productId);
  }

  private watchersOfProduct(productId: string): WatchQueue[] {
    return [...this.watchersOfAll, ...(this.watchersOf.get(productId) ?? [])];
  }

  private all(): Set<WatchQueue> {
    const all = new Set(this.watchersOfAll);
    for (const watchers of this.watchersOf.values()) for (const each of watchers) all.add(each);
    return all;
  }

  /** One batch after another; a change that a newer one replaces meanwhile is not delivered. */
  private async deliverAll(): Promise<void> {
    while (this.pending.size > 0) {
      const since = new Date(this.pendingSinceMs);
      const levels: ChangedLevel[] = [];
      for (const [key, level] of this.pending) {
        levels.push(level);
        this.pending.delete(key);
        if (levels.length === BATCH_MAX) break;
      }
      await this.deliver(levels, since);
      await this.rest();
    }
    this.delivering = false;
  }

  private async rest(): Promise<void> {
    const restMs = Math.floor(this.sinceRest / EVENTS_PER_MS_OF_REST);
    this.sinceRest = 0;
    if (restMs === 0) return;
    await new Promise<void>((resolve) => this.settings.clock.after(restMs, resolve));
  }

  private async deliver(levels: readonly ChangedLevel[], since: Date): Promise<void> {
    const ids = [...new Set(levels.map(({ productId }) => productId))];
    try {
      const deadline = Deadline.in(READ_MAX_MS, this.settings.clock);
      const products = await this.settings.products.productsByIds(ids, deadline);
      const byId = new Map(products.map((product) => [product.id, product]));
      for (const level of levels) {
        const product = byId.get(level.productId);
        if (!product) throw new Error('A changed product was not found.');
        const threshold = product.lowStockThreshold;
        const change = {
          ...level,
          available: level.onHand - level.reserved,
          productAvailable: product.available,
          lowStock: threshold !== null && product.available <= threshold,
          product,
        };
        await this.give({ kind: 'CHANGED', change }, since);
      }
    } catch (error) {
      this.settings.log.warn({ err: error }, 'Changed products could not be read for watchers.');
      const concerned = ids.flatMap((id) => this.watchersOfProduct(id));
      this.tellMissed(new Set(concerned), since);
    }
  }

  /** In turns, so that a product with many watchers does not stop the event loop. */
  private async give(event: ChangedEvent, since: Date): Promise<void> {
    for (const watcher of this.watchersOfProduct(event.change.productId)) {
      this.counts.changes += 1;
      watcher.changed(event, since);
      this.sinceRest += 1;
      if (this.sinceRest % EVENTS_PER_TURN > 0) continue;
      await new Promise<void>((resolve) => {
        this.settings.clock.soon(resolve);
      });
    }
  }

  private tellMissed(watchers: Iterable<WatchQueue>, since: Date): void {
    this.giveMissed({ kind: 'MISSED', since }, [...watchers]);
  }

  /** In turns, as a change. A watcher that has ended meanwhile takes nothing. */
  private giveMissed(event: MissedEvent, watchers: readonly WatchQueue[]): void {
    for (const watcher of watchers.slice(0, EVENTS_PER_TURN)) {
      this.counts.missed += 1;
      watcher.missed(event);
    }
    if (watchers.length <= EVENTS_PER_TURN) return;
    this.settings.clock.soon(() => {
      this.giveMissed(event, watchers.slice(EVENTS_PER_TURN));
    });
  }
}
