/**
 * Batches the reads of relations of one request: a hundred products with their levels and ledgers cost as many
 * statements as one.
 */
import DataLoader from 'dataloader';
import type { LocationService } from '../inventory/location-service.js';
import type { Location } from '../inventory/locations.js';
import type { PageArguments, ProductService } from '../inventory/product-service.js';
import type { MovementFilter, StockMovement } from '../inventory/movements.js';
import type { Page } from '../inventory/pages.js';
import type { Product, StockLevel } from '../inventory/products.js';
import type { Deadline } from '../time/deadline.js';

/** The most that one page or the lines of one request can need. */
const BATCH_MAX = 100;

export class Loaders {
  /** Null: no product has this id. */
  readonly productById: DataLoader<string, Product | null>;
  readonly levelsByProductId: DataLoader<string, readonly StockLevel[]>;
  /** Null: no location has this id. */
  readonly locationById: DataLoader<string, Location | null>;
  private readonly movements = new Map<string, DataLoader<string, Page<StockMovement>>>();

  constructor(
    private readonly products: Pick<
      ProductService,
      'productsByIds' | 'levelsByProductIds' | 'movementsByProductIds'
    >,
    locations: Pick<LocationService, 'locationsByIds'>,
    private readonly deadline: Deadline,
  ) {
    this.productById = load((ids) => products.productsByIds(ids, deadline));
    this.locationById = load((ids) => locations.locationsByIds(ids, deadline));
    this.levelsByProductId = load((ids) => products.levelsByProductIds(ids, deadline));
  }

  /** The same page of several products is one batch; each other page, or filter, is a batch of its own. */
  movementsByProductId(
    page: PageArguments,
    filter: MovementFilter,
  ): DataLoader<string, Page<StockMovement>> {
    const key = JSON.stringify([page.first, page.after, page.last, page.before, filter]);
    let loader = this.movements.get(key);
    if (!loader) {
      loader = load((ids) => this.products.movementsByProductIds(ids, page, this.deadline, filter));
      this.movements.set(key, loader);
    }
    return loader;
  }
}

function load<T>(read: (ids: readonly string[]) => Promise<T[]>): DataLoader<string, T> {
  return new DataLoader(read, { maxBatchSize: BATCH_MAX });
}
