/** Products and their stock levels, and the storage port that reads, creates and changes them. */
import type { Deadline } from '../time/deadline.js';
import type { MovementFilter, StockMovement } from './movements.js';
import type { Page, PageRequest } from './pages.js';

export interface Product {
  readonly id: string;
  readonly name: string;
  /** Sums over all locations, at most 2147483647. */
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
  readonly lowStockThreshold: number | null;
  /** Since when it is out of sale; null: it is on sale. */
  readonly archivedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface StockLevel {
  readonly productId: string;
  readonly locationId: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
}

export interface ProductFilter {
  readonly ids?: readonly string[] | undefined;
  readonly nameStartsWith?: string | undefined;
  /** Every word of this must be one of the name's; without a word it filters nothing. */
  readonly search?: string | undefined;
  readonly lowStock?: boolean | undefined;
  /** Left out: false, products on sale. */
  readonly archived?: boolean | undefined;
}

export interface NewProduct {
  readonly id: string;
  readonly name: string;
  readonly quantity: number;
  readonly locationId: string;
  readonly lowStockThreshold: number | null;
}

/** What is left out stays as it is. */
export interface ProductChange {
  readonly id: string;
  readonly name?: string | undefined;
  /** Null: stock of this product is never low. */
  readonly lowStockThreshold?: number | null | undefined;
}

/** The product, where the call has created it. */
export type CreateProductOutcome = Product | 'ALREADY_EXISTS' | 'LOCATION_NOT_FOUND';

/**
 * What a change answers with is read in its transaction: after COMMIT nothing can fail any more.
 *
 * Each method rejects with StorageUnavailableError when the database is unavailable, when the deadline has passed, and
 * when its caller has hung up; what was read for that caller has ended then.
 */
export interface ProductCatalogue {
  /** The products that exist, in any order. */
  productsByIds(ids: readonly string[], deadline: Deadline): Promise<readonly Product[]>;
  /** In the order of ids, or of names when filtered by name. @throws InvalidCursorError */
  products(page: PageRequest, filter: ProductFilter, deadline: Deadline): Promise<Page<Product>>;
  /** For each product its levels, ordered by location id. */
  levelsByProductIds(
    productIds: readonly string[],
    deadline: Deadline,
  ): Promise<ReadonlyMap<string, readonly StockLevel[]>>;
  /** The ledger of one product or of all, newest entry first. @throws InvalidCursorError */
  movements(
    page: PageRequest,
    productId: string | null,
    deadline: Deadline,
    filter?: MovementFilter,
  ): Promise<Page<StockMovement>>;
  /** The same page for each of many products, in a constant number of statements. */
  movementsByProductIds(
    productIds: readonly string[],
    page: PageRequest,
    deadline: Deadline,
    filter?: MovementFilter,
  ): Promise<ReadonlyMap<string, Page<StockMovement>>>;
  createProduct(product: NewProduct, deadline: Deadline): Promise<CreateProductOutcome>;
  /** Resolves with null where no product has this id. A repetition changes nothing more. */
  updateProduct(change: ProductChange, deadline: Deadline): Promise<Product | null>;
  /**
   * Takes a product out of sale, or puts it back. When it has resolved, every process decides so.
   * Resolves with null where no product has this id. A repetition changes nothing more.
   */
  setArchived(id: string, archived: boolean, deadline: Deadline): Promise<Product | null>;
}

/** One product at one of its locations; the location is null for a product that never had stock. */
export interface ExportRow {
  readonly id: string;
  readonly name: string;
  readonly lowStockThreshold: number | null;
  readonly locationId: string | null;
  /** On hand. */
  readonly quantity: number | null;
}
