/** ProductCatalogue on MySQL. */
import type { Sequelize } from 'sequelize';
import type { StockChanges } from '../../inventory/stock-changes.js';
import { isFiltering, type MovementFilter, type StockMovement } from '../../inventory/movements.js';
import type { Page, PageRequest } from '../../inventory/pages.js';
import type {
  CreateProductOutcome,
  NewProduct,
  Product,
  ProductCatalogue,
  ProductChange,
  ProductFilter,
  StockLevel,
} from '../../inventory/products.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { setArchived, updateProduct } from '../writing/product-changes.js';
import { createProduct } from '../writing/product-creation.js';
import { committedValue, isPerhapsApplied } from '../writing/transactions.js';
import { FilteredLedger } from './ledger-filter.js';
import { readLedgerPage, readLedgerPages } from './ledger-pages.js';
import { readProductPage } from './product-pages.js';
import { SELECT_PRODUCTS, toProducts, type ProductRecord } from './product-rows.js';

export class MysqlProductCatalogue implements ProductCatalogue {
  /** @param changes receives each new product's level, and the levels of a product that is archived or restored. */
  constructor(
    private readonly pools: { readonly reader: Reader; readonly writer: Sequelize },
    private readonly changes?: StockChanges,
  ) {}

  async productsByIds(ids: readonly string[], deadline: Deadline): Promise<readonly Product[]> {
    const sql = `${SELECT_PRODUCTS} WHERE p.id IN (:ids)`;
    return toProducts(await this.pools.reader.one<ProductRecord>(sql, { ids }, deadline));
  }

  products(page: PageRequest, filter: ProductFilter, deadline: Deadline): Promise<Page<Product>> {
    return readProductPage(this.pools.reader, page, filter, deadline);
  }

  async levelsByProductIds(
    productIds: readonly string[],
    deadline: Deadline,
  ): Promise<ReadonlyMap<string, readonly StockLevel[]>> {
    const rows = await this.pools.reader.list<LevelRecord>(
      `SELECT l.product_id AS productId, l.location_id AS locationId, l.on_hand AS onHand, l.reserved,
              ${SUM_OF_DUE_AT_LEVEL} AS due
       FROM stock_levels l WHERE l.product_id IN (?) ORDER BY l.product_id, l.location_id`,
      [productIds],
      deadline,
    );
    const levels = new Map<string, StockLevel[]>(productIds.map((id) => [id, []]));
    for (const { productId, locationId, onHand, due, ...level } of rows) {
      const reserved = level.reserved - Number(due);
      const available = onHand - reserved;
      levels.get(productId)?.push({ productId, locationId, onHand, reserved, available });
    }
    return levels;
  }

  async movements(
    page: PageRequest,
    productId: string | null,
    deadline: Deadline,
    filter: MovementFilter = {},
  ): Promise<Page<StockMovement>> {
    const { reader } = this.pools;
    if (isFiltering(filter)) {
      const pages = await new FilteredLedger({ reader, page, filter, deadline }).read([productId]);
      return pages.get(productId) ?? EMPTY_PAGE;
    }
    if (productId === null) return readLedgerPage(reader, page, deadline);
    const pages = await readLedgerPages(reader, [productId], page, deadline);
    return pages.get(productId) ?? EMPTY_PAGE;
  }

  async movementsByProductIds(
    productIds: readonly string[],
    page: PageRequest,
    deadline: Deadline,
    filter: MovementFilter = {},
  ): Promise<ReadonlyMap<string, Page<StockMovement>>> {
    const { reader } = this.pools;
    if (!isFiltering(filter)) return readLedgerPages(reader, productIds, page, deadline);
    const pages = await new FilteredLedger({ reader, page, filter, deadline }).read(productIds);
    return new Map(productIds.map((id) => [id, pages.get(id) ?? EMPTY_PAGE]));
  }

  async createProduct(product: NewProduct, deadline: Deadline): Promise<CreateProductOutcome> {
    const began = new Date();
    const outcome = await createProduct(this.pools.writer, product, deadline);
    if (isPerhapsApplied(outcome)) this.changes?.uncertain(began);
    const created = committedValue(outcome);
    if (typeof created === 'object') {
      const { id: productId, locationId, quantity: onHand } = product;
      const version = onHand > 0 ? 1 : 0;
      this.changes?.committed([{ productId, locationId, onHand, reserved: 0, version }]);
    }
    return created;
  }

  async updateProduct(change: ProductChange, deadline: Deadline): Promise<Product | null> {
    return committedValue(await updateProduct(this.pools.writer, change, deadline));
  }

  async setArchived(id: string, archived: boolean, deadline: Deadline): Promise<Product | null> {
    const began = new Date();
    const outcome = await setArchived(this.pools.writer, { id, archived }, deadline);
    // An attempt that settles an earlier one finds the product changed, and changes no level.
    const isUncertain =
      outcome.outcome === 'COMMITTED' ? outcome.value.settled : isPerhapsApplied(outcome);
    if (isUncertain) this.changes?.uncertain(began);
    const { product, levels } = committedValue(outcome);
    this.changes?.committed(levels);
    return product;
  }
}

const EMPTY_PAGE = { edges: [], hasNextPage: false, hasPreviousPage: false } as const;

const SUM_OF_DUE_AT_LEVEL = `COALESCE((SELECT SUM(r.quantity) FROM reservation_lines r
  WHERE r.product_id = l.product_id AND r.location_id = l.location_id AND r.held_until <= NOW(6)), 0)`;

interface LevelRecord {
  readonly productId: string;
  readonly locationId: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly due: number | string;
}
