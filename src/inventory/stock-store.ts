/**
 * What the domain needs of its storage: a few whole, atomic operations over lists of lines of several products.
 * No transaction handle ever leaves the storage, and every line comes back with a verdict of its own.
 */
import type { Deadline } from '../time/deadline.js';
import type { Reservation, ReservationFailure } from './reservation.js';
import type { DecidedVerdict, MovementKind, StockFailure, StockWrite } from './stock.js';

export interface ApplyOptions {
  readonly deadline: Deadline;
  /**
   * Whether somebody else may be changing these levels at the same time. `false` reads them plainly first and lets
   * the conditional UPDATE find out; `true` begins with SELECT … FOR UPDATE. Correct either way.
   */
  readonly contended: boolean;
  /** Whether to reject with RowsLockedError where a row stays locked, rather than to wait for it until the deadline. */
  readonly impatient: boolean;
  /** An earlier try met a row that stayed locked: whoever runs out of time now has waited for that. */
  readonly rowsWereLocked?: boolean | undefined;
  /** The fencing token under which a product's lines are written; null where no lock is held. */
  fencingTokenOf(productId: string): bigint | null;
}

export type WriteResult =
  | {
      readonly outcome: 'DECIDED';
      /** One for each line of the write, in their order. */
      readonly verdicts: readonly DecidedVerdict[];
      /** The reservation that the write has made, as it is now. */
      readonly reservation?: Reservation | undefined;
    }
  /** Nothing of it was done: its reservation can't be ended, or there was no turn, no time, or no database. */
  | {
      readonly outcome: 'REFUSED';
      readonly failure: StockFailure | ReservationFailure;
      readonly replayed: boolean;
    }
  /** The idempotency key belongs to another request, or its answer is kept no more. Nothing was done. */
  | { readonly outcome: 'KEY_REUSED'; readonly answerExpired: boolean };

export interface StockStore {
  /**
   * Decides the writes in their order and carries out what was granted, in one transaction: operation rows, levels,
   * ledger, stored answers. Resolves only after COMMIT has returned, or was settled.
   *
   * Before that, what expired reservations hold of these products is given back.
   *
   * Does not reject for what a line or the database does: a write without a lasting verdict is refused as LOCK_TIMEOUT
   * (rows were locked until the deadline) or UNAVAILABLE. RowsLockedError is for the impatient.
   */
  apply(writes: readonly StockWrite[], options: ApplyOptions): Promise<readonly WriteResult[]>;
}

/** A row that the writes need stays locked by somebody else. Nothing was applied. */
export class RowsLockedError extends Error {
  readonly code = 'ROWS_LOCKED' as const;
  /** @param productIds whose levels are locked, as far as that is known. */
  constructor(
    cause: unknown,
    readonly productIds: ReadonlySet<string> = new Set(),
  ) {
    super('A row stays locked by somebody else.', { cause });
    this.name = 'RowsLockedError';
  }
}

/** The storage could not be reached, or not in time. */
export class StorageUnavailableError extends Error {
  readonly code = 'STORAGE_UNAVAILABLE' as const;
  constructor(cause: unknown) {
    super('The database could not be reached.', { cause });
    this.name = 'StorageUnavailableError';
  }
}

export interface Product {
  readonly id: string;
  readonly name: string;
  /** Sums over all locations, at most 2147483647. */
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
  readonly lowStockThreshold: number | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

export interface StockLevel {
  readonly locationId: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly available: number;
}

export interface StockMovement {
  readonly id: string;
  readonly productId: string;
  readonly locationId: string;
  readonly sequence: number;
  readonly kind: MovementKind;
  readonly delta: number;
  readonly quantityBefore: number;
  readonly quantityAfter: number;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly idempotencyKey: string | null;
  readonly principal: string | null;
  readonly fencingToken: string | null;
  readonly createdAt: Date;
}

/** A page is asked for from one side: the first `limit` behind `after`, or the last `limit` before `before`. */
export type PageRequest =
  | { readonly direction: 'FORWARD'; readonly limit: number; readonly after: string | null }
  | { readonly direction: 'BACKWARD'; readonly limit: number; readonly before: string | null };

export interface Page<T> {
  readonly edges: readonly { readonly cursor: string; readonly node: T }[];
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
}

/** The cursor is not one that a page handed out. */
export class InvalidCursorError extends Error {
  readonly code = 'INVALID_CURSOR' as const;
  constructor() {
    super('The cursor is not one that this list handed out.');
    this.name = 'InvalidCursorError';
  }
}

export interface ProductFilter {
  readonly ids?: readonly string[] | undefined;
  readonly nameStartsWith?: string | undefined;
  readonly lowStock?: boolean | undefined;
}

export interface NewProduct {
  readonly id: string;
  readonly name: string;
  readonly quantity: number;
  readonly locationId: string;
  readonly lowStockThreshold: number | null;
}

export type CreateProductOutcome = 'CREATED' | 'ALREADY_EXISTS' | 'LOCATION_NOT_FOUND';

/** Reading and creating products. All of it rejects with StorageUnavailableError where there is no database. */
export interface ProductCatalogue {
  /** Products by id, those that exist, in any order. */
  productsByIds(ids: readonly string[]): Promise<readonly Product[]>;
  /** In the order of ids, or of names where they are filtered by name. Rejects with InvalidCursorError. */
  products(page: PageRequest, filter: ProductFilter): Promise<Page<Product>>;
  /** For each product its levels, by location id. */
  levelsByProductIds(
    productIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly StockLevel[]>>;
  /** The ledger, newest first, of one product or of all. Rejects with InvalidCursorError. */
  movements(page: PageRequest, productId: string | null): Promise<Page<StockMovement>>;
  /** The same page for each of many products, in a number of statements that does not grow with them. */
  movementsByProductIds(
    productIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<StockMovement>>>;
  createProduct(product: NewProduct, deadline: Deadline): Promise<CreateProductOutcome>;
}

/** One product at one of its places; without a place where it never had stock anywhere. */
export interface ExportRow {
  readonly id: string;
  readonly name: string;
  readonly lowStockThreshold: number | null;
  readonly locationId: string | null;
  /** On hand. */
  readonly quantity: number | null;
}

export interface Location {
  readonly id: string;
  readonly name: string;
  /** The one that is there from the start, and meant where none is named. */
  readonly isDefault: boolean;
}

/** All of it rejects with StorageUnavailableError where there is no database. */
export interface LocationCatalogue {
  /** By id, the default one first. */
  locations(): Promise<readonly Location[]>;
  /**
   * Null where there is one with this id, which stays as it is.
   */
  createLocation(
    location: Pick<Location, 'id' | 'name'>,
    deadline: Deadline,
  ): Promise<Location | null>;
}

/** Reading reservations. All of it rejects with StorageUnavailableError where there is no database. */
export interface ReservationCatalogue {
  /** As it stands at this moment by the database's clock; null where there is none with this id. */
  reservationById(id: string): Promise<Reservation | null>;
  /** Products of which expired reservations still hold something, those that wait longest first. */
  productsWithDueLines(limit: number): Promise<readonly string[]>;
}

export interface AnswerArchive {
  /**
   * Drops the stored answers of operations that are older than this; their keys stay, and are known to have expired.
   *
   * @returns of how many operations; fewer than `limit` where no more are left.
   * @throws StorageUnavailableError
   */
  expireAnswers(olderThanDays: number, limit: number, deadline: Deadline): Promise<number>;
}
