/**
 * Everything that is watched in this process, and everybody who watches it.
 *
 * Changes come from this process and, through Redis, from the others, in whatever order; of each level only what is
 * newer than all before goes on. What a product has over all locations is read once for all its watchers, and never
 * for a product that nobody watches. A read that fails is told as a loss: a wrong number would be worse than none.
 */
import { levelKey } from '../inventory/stock.js';
import type { ProductService } from '../inventory/product-service.js';
import type {
  ChangedLevel,
  StockChanges,
  StockEvent,
  StockWatch,
} from '../inventory/stock-changes.js';
import type { ChangeLog } from './change-log.js';
import { WatchQueue } from './watch-queue.js';

/** Levels that wait to be read; beyond it all watchers are told to read by themselves. */
const PENDING_MAX = 10_000;
/** Levels whose products are read at once. */
const BATCH_MAX = 100;
/** Levels whose versions are remembered, to tell old news from new. */
const VERSIONS_MAX = 20_000;

/** The other processes. */
export interface ChangeSource {
  /** Resolves with whether all that is said from now on is heard. */
  listen(): Promise<boolean>;
  /** Nobody watches any more. */
  rest(): void;
}

export interface StockFeedSettings {
  readonly products: Pick<ProductService, 'productsByIds'>;
  /** The most levels that wait for one watcher. */
  readonly queueMax: number;
  readonly log: ChangeLog;
}

export interface StockFeedStats {
  /** Watchers now. */
  readonly watchers: number;
  /** Events that were handed to watchers, one for each watcher. */
  readonly changes: number;
  readonly missed: number;
  /** Watchers that were too slow, each time. */
  readonly overflows: number;
}

export class StockFeed implements StockWatch, StockChanges {
  private readonly watchersOfAll = new Set<WatchQueue>();
  private readonly watchersOf = new Map<string, Set<WatchQueue>>();
  private readonly versions = new Map<string, number>();
  private readonly pending = new Map<string, ChangedLevel>();
  private source: ChangeSource | null = null;
  /** No later than the oldest of what is pending. */
  private pendingSinceMs = 0;
  private delivering = false;
  private readonly counts = { watchers: 0, changes: 0, missed: 0, overflows: 0 };

  constructor(private readonly settings: StockFeedSettings) {}

  /** Without one only this process's own changes are told. */
  hearFrom(source: ChangeSource): void {
    this.source = source;
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
    const since = new Date();
    this.join(queue, productIds);
    if (this.source && !(await this.source.listen())) this.tellMissed([queue], since);
    return queue;
  }

  /** Returns at once. What nobody watches is forgotten at once. */
  committed(levels: readonly ChangedLevel[]): void {
    if (this.counts.watchers === 0) return;
    if (this.pending.size === 0) this.pendingSinceMs = Date.now();
    for (const level of levels) {
      if (!this.isWatched(level.productId)) continue;
      const key = levelKey(level);
      const known = this.versions.get(key);
      if (known !== undefined && known >= level.version) continue;
      this.remember(key, level.version);
      this.pending.set(key, level);
    }
    if (this.pending.size > PENDING_MAX) {
      this.pending.clear();
      this.uncertain(new Date(this.pendingSinceMs));
    }
    if (this.pending.size === 0 || this.delivering) return;
    this.delivering = true;
    setImmediate(() => void this.deliverAll());
  }

  /** All watchers are told: nobody knows whose changes were lost. */
  uncertain(since: Date): void {
    this.tellMissed(this.all(), since);
  }

  stats(): StockFeedStats {
    return { ...this.counts };
  }

  /** Sends everybody away. */
  async stop(): Promise<void> {
    await Promise.all([...this.all()].map((watcher) => watcher.return()));
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

  private remember(key: string, version: number): void {
    this.versions.delete(key);
    this.versions.set(key, version);
    if (this.versions.size <= VERSIONS_MAX) return;
    const [oldest] = this.versions.keys();
    if (oldest !== undefined) this.versions.delete(oldest);
  }

  /** One batch after the other: what comes meanwhile waits, and what is overtaken is not told. */
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
    }
    this.delivering = false;
  }

  private async deliver(levels: readonly ChangedLevel[], since: Date): Promise<void> {
    const ids = [...new Set(levels.map(({ productId }) => productId))];
    try {
      const products = await this.settings.products.productsByIds(ids);
      const byId = new Map(products.map((product, i) => [ids[i], product]));
      for (const level of levels) {
        const product = byId.get(level.productId);
        if (!product) throw new Error('A product that has changed is not found.');
        const threshold = product.lowStockThreshold;
        const change = {
          ...level,
          available: level.onHand - level.reserved,
          productAvailable: product.available,
          lowStock: threshold !== null && product.available <= threshold,
        };
        for (const watcher of this.watchersOfProduct(level.productId)) {
          this.counts.changes += 1;
          watcher.changed(change, since);
        }
      }
    } catch (error) {
      this.settings.log.warn({ err: error }, 'Changed products could not be read for watchers.');
      const concerned = ids.flatMap((id) => this.watchersOfProduct(id));
      this.tellMissed(new Set(concerned), since);
    }
  }

  private tellMissed(watchers: Iterable<WatchQueue>, since: Date): void {
    for (const watcher of watchers) {
      this.counts.missed += 1;
      watcher.missed(since);
    }
  }
}
