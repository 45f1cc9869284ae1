/**
 * What the domain knows of tracing: a write may say where it is in the trace of its request. Without tracing none of
 * these classes is in the way of a write.
 */
import type { Deadline } from '../time/deadline.js';
import type { StockService } from './lanes/stock-service.js';
import type { StockWrite } from './stock.js';
import type { ApplyOptions, StockStore, WriteResult } from './stock-store.js';

export interface Tracing {
  /** Carries out a write of the request that is under way; `work` gets it with its trace. */
  waiting<T>(write: StockWrite, work: (write: StockWrite) => Promise<T>): Promise<T>;
  /** Runs a transaction that these writes share. */
  committing<T>(writes: readonly StockWrite[], work: () => Promise<T>): Promise<T>;
}

type Stock = Pick<StockService, 'decreaseStock' | 'increaseStock' | 'carryOut'>;

export class TracedStock implements Stock {
  constructor(
    private readonly stock: Stock,
    private readonly tracing: Tracing,
  ) {}

  decreaseStock(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    return this.carryOut(write, deadline);
  }

  increaseStock(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    return this.carryOut(write, deadline);
  }

  carryOut(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    return this.tracing.waiting(write, (traced) => this.stock.carryOut(traced, deadline));
  }
}

export class TracedStockStore implements StockStore {
  constructor(
    private readonly store: StockStore,
    private readonly tracing: Tracing,
  ) {}

  apply(writes: readonly StockWrite[], options: ApplyOptions): Promise<readonly WriteResult[]> {
    return this.tracing.committing(writes, () => this.store.apply(writes, options));
  }
}
