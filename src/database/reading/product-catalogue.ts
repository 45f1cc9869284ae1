/**
 * ProductCatalogue on MySQL. Pages are read by key, never by offset: every page costs the same, and rows that are
 * added between two pages neither repeat nor skip others.
 */
import type { Sequelize } from 'sequelize';
import type { StockChanges } from '../../inventory/stock-changes.js';
import type { StockMovement } from '../../inventory/movements.js';
import type { Page, PageRequest } from '../../inventory/pages.js';
import type {
  CreateProductOutcome,
  NewProduct,
  Product,
  ProductCatalogue,
  ProductFilter,
  StockLevel,
} from '../../inventory/products.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { createProduct } from '../writing/product-creation.js';
import { committedValue, isPerhapsApplied } from '../writing/transactions.js';
import { readLedgerPage, readLedgerPages } from './ledger-pages.js';
import { cursorOf, decodeCursor, toPage } from './pages.js';

/** Sums are answered as GraphQL's 32-bit Int. */
const SUM_MAX = 2_147_483_647;

export class MysqlProductCatalogue implements ProductCatalogue {
  /** @param changes receives each new product's level. */
  constructor(
    private readonly pools: { readonly reader: Reader; readonly writer: Sequelize },
    private readonly changes?: StockChanges,
  ) {}

  async productsByIds(ids: readonly string[], deadline: Deadline): Promise<readonly Product[]> {
    const sql = `${SELECT_PRODUCTS} WHERE p.id IN (:ids)`;
    return toProducts(await this.pools.reader.one<ProductRecord>(sql, { ids }, deadline));
  }

  async products(
    page: PageRequest,
    filter: ProductFilter,
    deadline: Deadline,
  ): Promise<Page<Product>> {
    const byName = filter.nameStartsWith !== undefined;
    const edges = {
      node: (product: Product) => product,
      sortKey: ({ id, name }: Product) => (byName ? [name, id] : [id]),
    };
    if (filter.ids?.length === 0) return toPage(page, [], edges);
    const query = new ProductPageQuery(page, filter, byName);
    const sql = `${SELECT_PRODUCTS} ${query.sql}`;
    const rows = await this.pools.reader.list<ProductRecord>(sql, query.replacements, deadline);
    return toPage(page, toProducts(rows), edges);
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
      levels.get(productId)?.push({ locationId, onHand, reserved, available: onHand - reserved });
    }
    return levels;
  }

  async movements(
    page: PageRequest,
    productId: string | null,
    deadline: Deadline,
  ): Promise<Page<StockMovement>> {
    if (productId === null) return readLedgerPage(this.pools.reader, page, deadline);
    const pages = await this.movementsByProductIds([productId], page, deadline);
    return pages.get(productId) ?? EMPTY_PAGE;
  }

  movementsByProductIds(
    productIds: readonly string[],
    page: PageRequest,
    deadline: Deadline,
  ): Promise<ReadonlyMap<string, Page<StockMovement>>> {
    return readLedgerPages(this.pools.reader, productIds, page, deadline);
  }

  async createProduct(product: NewProduct, deadline: Deadline): Promise<CreateProductOutcome> {
    const began = new Date();
    const outcome = await createProduct(this.pools.writer, product, deadline);
    if (isPerhapsApplied(outcome)) this.changes?.uncertain(began);
    const created = committedValue(outcome);
    if (created === 'CREATED') {
      const { id: productId, locationId, quantity: onHand } = product;
      const version = onHand > 0 ? 1 : 0;
      this.changes?.committed([{ productId, locationId, onHand, reserved: 0, version }]);
    }
    return created;
  }
}

const EMPTY_PAGE = { edges: [], hasNextPage: false, hasPreviousPage: false } as const;

interface ProductRecord extends Omit<Product, 'onHand' | 'reserved' | 'available'> {
  readonly onHand: number | string;
  readonly reserved: number | string;
  readonly due: number | string;
}

function sumOfLevels(expression: string): string {
  return `COALESCE((SELECT SUM(l.${expression}) FROM stock_levels l WHERE l.product_id = p.id), 0)`;
}

/** Units that levels still count as reserved, of reservations that have expired. */
const SUM_OF_DUE = `COALESCE((SELECT SUM(r.quantity) FROM reservation_lines r
  WHERE r.product_id = p.id AND r.held_until <= NOW(6)), 0)`;

const SUM_OF_DUE_AT_LEVEL = `COALESCE((SELECT SUM(r.quantity) FROM reservation_lines r
  WHERE r.product_id = l.product_id AND r.location_id = l.location_id AND r.held_until <= NOW(6)), 0)`;

/** The sums of each product come from an index range of its own levels, so a page costs what its products cost. */
const SELECT_PRODUCTS = `SELECT p.id, p.name, p.low_stock_threshold AS lowStockThreshold, p.created_at AS createdAt,
    GREATEST(p.updated_at, COALESCE(
      (SELECT MAX(l.updated_at) FROM stock_levels l WHERE l.product_id = p.id), p.updated_at
    )) AS updatedAt,
    ${sumOfLevels('on_hand')} AS onHand, ${sumOfLevels('reserved')} AS reserved, ${SUM_OF_DUE} AS due
  FROM products p`;

function toProducts(rows: readonly ProductRecord[]): Product[] {
  return rows.map(({ due, ...row }) => {
    const onHand = Number(row.onHand);
    const reserved = Number(row.reserved) - Number(due);
    return {
      ...row,
      onHand: Math.min(onHand, SUM_MAX),
      reserved: Math.min(reserved, SUM_MAX),
      available: Math.min(onHand - reserved, SUM_MAX),
    };
  });
}

interface LevelRecord {
  readonly productId: string;
  readonly locationId: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly due: number | string;
}

/** The product list's statement after FROM: filters, the page's beginning, and its order. */
class ProductPageQuery {
  readonly sql: string;
  readonly replacements: Record<string, unknown>;

  constructor(page: PageRequest, filter: ProductFilter, byName: boolean) {
    const forward = page.direction === 'FORWARD';
    const cursor = cursorOf(page);
    const columns = byName ? ['p.name', 'p.id'] : ['p.id'];
    const conditions: string[] = [];
    this.replacements = { limit: page.limit + 1 };
    if (cursor !== null) {
      const values = decodeCursor(cursor, columns.length);
      conditions.push(this.behind(columns, values, forward ? '>' : '<'));
    }
    if (filter.ids) {
      conditions.push('p.id IN (:ids)');
      this.replacements.ids = filter.ids;
    }
    if (filter.nameStartsWith !== undefined) {
      conditions.push('p.name LIKE :prefix');
      this.replacements.prefix = `${filter.nameStartsWith.replace(/[\\%_]/g, '\\$&')}%`;
    }
    if (filter.lowStock !== undefined) {
      const isLow = `${sumOfLevels('on_hand - l.reserved')} + ${SUM_OF_DUE} <= p.low_stock_threshold`;
      conditions.push(`${filter.lowStock ? '' : 'NOT '}COALESCE(${isLow}, FALSE)`);
    }
    const where = conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : '';
    const order = columns.map((column) => `${column} ${forward ? 'ASC' : 'DESC'}`).join(', ');
    this.sql = `${where} ORDER BY ${order} LIMIT :limit`;
  }

  /** Not a row comparison, for which MariaDB does not use the index. */
  private behind(columns: readonly string[], values: readonly string[], sign: '>' | '<'): string {
    values.forEach((value, i) => (this.replacements[`cursor${i}`] = value));
    const [first, second] = columns;
    if (second === undefined) return `${first} ${sign} :cursor0`;
    return `${first} ${sign}= :cursor0 AND (${first} ${sign} :cursor0 OR ${second} ${sign} :cursor1)`;
  }
}
