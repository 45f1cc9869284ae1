/**
 * Products: creating and changing them, and reading them with their levels and their ledger.
 *
 * Creating one is idempotent by its id: a second call finds the product and changes nothing. A change names what it
 * sets, so a second call sets the same.
 */
import { inSlot, type CommitSlots } from './lanes/commit-slots.js';
import {
  InvalidRequestError,
  checkId,
  checkText,
  idRule,
  invalidInput,
  quoted,
  type InvalidInput,
} from './operation.js';
import { DEFAULT_LOCATION_ID, QUANTITY_MAX, isValidId } from './stock.js';
import type { Deadline } from '../time/deadline.js';
import { checkMovementFilter, type MovementFilter, type StockMovement } from './movements.js';
import type { Page, PageRequest } from './pages.js';
import { wordsOf } from './product-words.js';
import type {
  NewProduct,
  Product,
  ProductCatalogue,
  ProductFilter,
  StockLevel,
} from './products.js';

export const PAGE_SIZE_DEFAULT = 20;
export const PAGE_SIZE_MAX = 100;
const FILTER_IDS_MAX = 100;
const SEARCH_WORDS_MAX = 10;
const NAME_CHARS_MAX = 255;
const INT32_MAX = 2_147_483_647;

export interface PageArguments {
  readonly first?: number | null | undefined;
  readonly after?: string | null | undefined;
  readonly last?: number | null | undefined;
  readonly before?: string | null | undefined;
}

export interface CreateProductRequest {
  readonly id: string;
  readonly name: string;
  readonly quantity: number;
  readonly locationId?: string | null | undefined;
  readonly lowStockThreshold?: number | null | undefined;
}

export type CreateProductResult =
  | { readonly outcome: 'CREATED'; readonly product: Product }
  | { readonly outcome: 'ALREADY_EXISTS'; readonly productId: string }
  | InvalidInput;

export interface UpdateProductRequest {
  readonly id: string;
  /** Left out: it stays as it is. */
  readonly name?: string | null | undefined;
  /** Left out: it stays as it is; null: stock is never low. */
  readonly lowStockThreshold?: number | null | undefined;
}

export type UpdateProductResult =
  | { readonly outcome: 'UPDATED'; readonly product: Product }
  | { readonly outcome: 'NOT_FOUND'; readonly productId: string }
  | InvalidInput;

export class ProductService {
  /** The most levels of one product that were read so far. */
  mostLevels = 1;

  constructor(
    private readonly catalogue: ProductCatalogue,
    private readonly slots: CommitSlots,
  ) {}

  /** @throws StorageUnavailableError without a database; a retry is safe. */
  async createProduct(
    request: CreateProductRequest,
    deadline: Deadline,
  ): Promise<CreateProductResult> {
    const checked = checkNewProduct(request);
    if ('outcome' in checked) return checked;
    const created = await inSlot(this.slots, deadline, (end) =>
      this.catalogue.createProduct(checked, end),
    );
    if (created === 'LOCATION_NOT_FOUND') {
      return invalidInput(
        'locationId',
        `No location has the id ${checked.locationId}. Create it first.`,
      );
    }
    if (created === 'ALREADY_EXISTS') return { outcome: created, productId: checked.id };
    return { outcome: 'CREATED', product: created };
  }

  /** @throws InvalidRequestError for an id of the wrong form; StorageUnavailableError: a retry is safe. */
  async updateProduct(
    { id, name, lowStockThreshold }: UpdateProductRequest,
    deadline: Deadline,
  ): Promise<UpdateProductResult> {
    checkId(id, 'id');
    if (name === null) return invalidInput('name', 'A product must have a name; got null.');
    if (name !== undefined && !isValidName(name)) return invalidInput('name', nameRule(name));
    const invalid = checkThreshold(lowStockThreshold ?? null);
    if (invalid) return invalid;
    const product = await inSlot(this.slots, deadline, (end) =>
      this.catalogue.updateProduct({ id, name, lowStockThreshold }, end),
    );
    return product ? { outcome: 'UPDATED', product } : { outcome: 'NOT_FOUND', productId: id };
  }

  /**
   * Takes a product out of sale, or puts it back.
   *
   * @throws InvalidRequestError for an id of the wrong form; StorageUnavailableError: a retry is safe.
   */
  async setArchived(
    id: string,
    archived: boolean,
    deadline: Deadline,
  ): Promise<UpdateProductResult> {
    checkId(id, 'id');
    const product = await inSlot(this.slots, deadline, (end) =>
      this.catalogue.setArchived(id, archived, end),
    );
    return product ? { outcome: 'UPDATED', product } : { outcome: 'NOT_FOUND', productId: id };
  }

  /** For each id its product, or null, in the order of the ids. */
  async productsByIds(ids: readonly string[], deadline: Deadline): Promise<(Product | null)[]> {
    const known = [...new Set(ids.filter(isValidId))];
    const found = known.length > 0 ? await this.catalogue.productsByIds(known, deadline) : [];
    const byId = new Map(found.map((product) => [product.id, product]));
    return ids.map((id) => byId.get(id) ?? null);
  }

  /** @throws InvalidRequestError, InvalidCursorError, StorageUnavailableError */
  async products(
    page: PageArguments,
    filter: ProductFilter,
    deadline: Deadline,
  ): Promise<Page<Product>> {
    const request = checkPage(page);
    if (filter.ids && filter.ids.length > FILTER_IDS_MAX) {
      throw new InvalidRequestError(
        `A filter must have at most ${FILTER_IDS_MAX} ids; got ${filter.ids.length}.`,
        'filter.ids',
      );
    }
    for (const id of filter.ids ?? []) checkId(id, 'filter.ids');
    checkText(filter.search, 'filter.search');
    const words = wordsOf(filter.search ?? '').length;
    if (words > SEARCH_WORDS_MAX) {
      throw new InvalidRequestError(
        `filter.search must have at most ${SEARCH_WORDS_MAX} words; got ${words}.`,
        'filter.search',
      );
    }
    return this.catalogue.products(request, filter, deadline);
  }

  /** For each product its levels by location id, in the order of the ids. */
  async levelsByProductIds(
    productIds: readonly string[],
    deadline: Deadline,
  ): Promise<(readonly StockLevel[])[]> {
    const levels = await this.catalogue.levelsByProductIds([...new Set(productIds)], deadline);
    for (const { length } of levels.values()) this.mostLevels = Math.max(this.mostLevels, length);
    return productIds.map((id) => levels.get(id) ?? []);
  }

  /** @throws InvalidRequestError, InvalidCursorError, StorageUnavailableError */
  async movements(
    page: PageArguments,
    productId: string | null,
    deadline: Deadline,
    filter: MovementFilter = {},
  ): Promise<Page<StockMovement>> {
    const request = checkPage(page);
    if (productId !== null) checkId(productId, 'productId');
    checkMovementFilter(filter);
    return this.catalogue.movements(request, productId, deadline, filter);
  }

  /** The same page of the ledger for each of many products, in the order of the ids. */
  async movementsByProductIds(
    productIds: readonly string[],
    page: PageArguments,
    deadline: Deadline,
    filter: MovementFilter = {},
  ): Promise<Page<StockMovement>[]> {
    checkMovementFilter(filter);
    const pages = await this.catalogue.movementsByProductIds(
      [...new Set(productIds)],
      checkPage(page),
      deadline,
      filter,
    );
    return productIds.map((id) => pages.get(id) ?? EMPTY_PAGE);
  }
}

const EMPTY_PAGE = { edges: [], hasNextPage: false, hasPreviousPage: false } as const;

/** `first` with `after`, or `last` with `before`. @throws InvalidRequestError */
export function checkPage(page: PageArguments): PageRequest {
  const forward = page.first != null || page.after != null;
  const backward = page.last != null || page.before != null;
  if (forward && backward) {
    throw new InvalidRequestError(
      'A page needs either first and after, or last and before; got both. Leave one pair out.',
      'first',
    );
  }
  return backward
    ? {
        direction: 'BACKWARD',
        limit: checkPageSize(page.last, 'last'),
        before: page.before ?? null,
      }
    : {
        direction: 'FORWARD',
        limit: checkPageSize(page.first, 'first'),
        after: page.after ?? null,
      };
}

function checkPageSize(size: number | null | undefined, field: string): number {
  if (size == null) return PAGE_SIZE_DEFAULT;
  if (size < 1 || size > PAGE_SIZE_MAX) {
    throw new InvalidRequestError(
      `${field} must be between 1 and ${PAGE_SIZE_MAX}; got ${size}.`,
      field,
    );
  }
  return size;
}

export function isValidName(name: string): boolean {
  return name.isWellFormed() && name.trim() !== '' && Array.from(name).length <= NAME_CHARS_MAX;
}

/** The message for a name of the wrong form. */
export function nameRule(got: string): string {
  return `A name must have 1 to ${NAME_CHARS_MAX} characters, not only spaces; got ${quoted(got)}.`;
}

function checkThreshold(threshold: number | null): InvalidInput | null {
  if (threshold === null || (threshold >= 0 && threshold <= INT32_MAX)) return null;
  return invalidInput(
    'lowStockThreshold',
    `The threshold must be between 0 and ${INT32_MAX.toLocaleString('en-US')}; got ${threshold}.`,
  );
}

/** The rules for a new product, from a mutation or from a file. */
export function checkNewProduct(request: CreateProductRequest): NewProduct | InvalidInput {
  const locationId = request.locationId ?? DEFAULT_LOCATION_ID;
  const lowStockThreshold = request.lowStockThreshold ?? null;
  if (!isValidId(request.id)) return invalidInput('id', idRule(request.id));
  if (!isValidId(locationId)) return invalidInput('locationId', idRule(locationId));
  if (!isValidName(request.name)) return invalidInput('name', nameRule(request.name));
  if (request.quantity < 0 || request.quantity > QUANTITY_MAX) {
    return invalidInput(
      'quantity',
      `Quantity must be between 0 and ${QUANTITY_MAX.toLocaleString('en-US')}; got ${request.quantity}.`,
    );
  }
  const invalid = checkThreshold(lowStockThreshold);
  if (invalid) return invalid;
  return {
    id: request.id,
    name: request.name,
    quantity: request.quantity,
    locationId,
    lowStockThreshold,
  };
}
