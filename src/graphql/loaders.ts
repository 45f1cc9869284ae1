/**
 * One request's reads of relations, collected and sent together: a request for a hundred products with their levels and
 * their ledgers costs as many statements as a request for one.
 */
import DataLoader from 'dataloader';
import type { PageArguments, ProductService } from '../inventory/product-service.js';
import type { Page, Product, StockLevel, StockMovement } from '../inventory/stock-store.js';

/** As many as one page or one request's lines can ask for. */
const BATCH_MAX = 100;

export class Loaders {
  /** Null where there is no product with this id. */
  readonly productById: DataLoader<string, Product | null>;
  readonly levelsByProductId: DataLoader<string, readonly StockLevel[]>;
  private readonly movements = new Map<string, DataLoader<string, Page<StockMovement>>>();

  constructor(
    private readonly products: Pick<
      ProductService,
      'productsByIds' | 'levelsByProductIds' | 'movementsByProductIds'
    >,
  ) {
    this.productById = load((ids) => products.productsByIds(ids));
    this.levelsByProductId = load((ids) => products.levelsByProductIds(ids));
  }

  /** The same page of different products is one batch; different pages are different batches. */
  movementsByProductId(page: PageArguments): DataLoader<string, Page<StockMovement>> {
    const key = JSON.stringify([page.first, page.after, page.last, page.before]);
    let loader = this.movements.get(key);
    if (!loader) {
      loader = load((ids) => this.products.movementsByProductIds(ids, page));
      this.movements.set(key, loader);
    }
    return loader;
  }
}

function load<T>(read: (ids: readonly string[]) => Promise<T[]>): DataLoader<string, T> {
  return new DataLoader(read, { maxBatchSize: BATCH_MAX });
}
