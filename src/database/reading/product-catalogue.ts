/**
 * ProductCatalogue on MySQL: pages by key, never by offset, so that a page costs the same wherever it is and rows that
 * are added in the meantime neither repeat nor hide others.
 */
import type { Deadline } from '../../time/deadline.js';
import { randomBytes } from 'node:crypto';
import { Op, QueryTypes, type Sequelize } from 'sequelize';
import { movementId, type MovementKind } from '../../inventory/stock.js';
import type { StockChanges } from '../../inventory/stock-changes.js';
import type { StockMovement } from '../../inventory/movements.js';
import { InvalidCursorError, type Page, type PageRequest } from '../../inventory/pages.js';
import type {
  CreateProductOutcome,
  NewProduct,
  Product,
  ProductCatalogue,
  ProductFilter,
  StockLevel,
} from '../../inventory/products.js';
import { available } from '../errors.js';
import { defineModels, type Models, type ProductRow, type StockMovementRow } from '../models.js';
import {
  committedValue,
  isPerhapsApplied,
  runTransaction,
  type RunningTransaction as Attempt,
} from '../writing/transactions.js';

/** Sums are shown as GraphQL's 32-bit Int. */
const SUM_MAX = 2_147_483_647;

export class MysqlProductCatalogue implements ProductCatalogue {
  private readonly reading: Models;
  private readonly writing: Models;

  /** @param changes told of each new product's level, where anybody wants to know. */
  constructor(
    private readonly pools: { readonly reader: Sequelize; readonly writer: Sequelize },
    private readonly changes?: StockChanges,
  ) {
    this.reading = defineModels(pools.reader);
    this.writing = defineModels(pools.writer);
  }

  async productsByIds(ids: readonly string[]): Promise<readonly Product[]> {
    return available(() => this.readProducts('WHERE p.id IN (:ids)', { ids }));
  }

  async products(page: PageRequest, filter: ProductFilter): Promise<Page<Product>> {
    if (filter.ids?.length === 0) return toPage(page, [], () => '');
    const byName = filter.nameStartsWith !== undefined;
    const list = new ProductPageQuery(page, filter, byName);
    const rows = await available(() => this.readProducts(list.sql, list.replacements));
    return toPage(page, rows, (product) =>
      encodeCursor(byName ? [product.name, product.id] : [product.id]),
    );
  }

  async levelsByProductIds(
    productIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly StockLevel[]>> {
    const rows = await available(() =>
      this.pools.reader.query<LevelRecord>(
        `SELECT l.product_id AS productId, l.location_id AS locationId, l.on_hand AS onHand, l.reserved,
                ${SUM_OF_DUE_AT_LEVEL} AS due
         FROM stock_levels l WHERE l.product_id IN (?) ORDER BY l.product_id, l.location_id`,
        { replacements: [productIds], type: QueryTypes.SELECT },
      ),
    );
    const levels = new Map<string, StockLevel[]>(productIds.map((id) => [id, []]));
    for (const { productId, locationId, onHand, due, ...level } of rows) {
      const reserved = level.reserved - Number(due);
      levels.get(productId)?.push({ locationId, onHand, reserved, available: onHand - reserved });
    }
    return levels;
  }

  async movements(page: PageRequest, productId: string | null): Promise<Page<StockMovement>> {
    if (productId !== null) {
      const pages = await this.movementsByProductIds([productId], page);
      return pages.get(productId) ?? toMovementPage(page, []);
    }
    const rows = await available(() => this.readMovements(page));
    return toMovementPage(page, rows);
  }

  async movementsByProductIds(
    productIds: readonly string[],
    page: PageRequest,
  ): Promise<ReadonlyMap<string, Page<StockMovement>>> {
    const entries = new MovementPageBounds(page);
    // Left to itself the optimizer may take the index by sequence, and sort all of a product's ledger for each page.
    const branch = `(SELECT * FROM stock_movements FORCE INDEX (stock_movements_by_product)
      WHERE product_id = ? AND ${entries.condition}
      ORDER BY entry ${entries.order} LIMIT ?)`;
    const rows = await available(() =>
      this.pools.reader.query(productIds.map(() => branch).join(' UNION ALL '), {
        replacements: productIds.flatMap((id) => [id, entries.boundary, page.limit + 1]),
        type: QueryTypes.SELECT,
        model: this.reading.movements,
        mapToModel: true,
      }),
    );
    const byProduct = new Map<string, StockMovementRow[]>(productIds.map((id) => [id, []]));
    for (const row of rows) byProduct.get(row.productId)?.push(row);
    return new Map(
      [...byProduct].map(([productId, ofProduct]) => {
        ofProduct.sort((a, b) =>
          entries.order === 'DESC' ? b.entry - a.entry : a.entry - b.entry,
        );
        return [productId, toMovementPage(page, ofProduct)];
      }),
    );
  }

  async createProduct(product: NewProduct, deadline: Deadline): Promise<CreateProductOutcome> {
    const operationId = randomBytes(32);
    const began = new Date();
    const outcome = await runTransaction(this.pools.writer, deadline, (attempt) =>
      this.insertProduct(product, operationId, attempt),
    );
    if (isPerhapsApplied(outcome)) this.changes?.uncertain(began);
    const created = committedValue(outcome);
    if (created === 'CREATED') this.changes?.committed([firstLevelOf(product)]);
    return created;
  }

  private async insertProduct(
    product: NewProduct,
    operationId: Buffer,
    attempt: Attempt,
  ): Promise<CreateProductOutcome> {
    const { id, name, quantity, locationId, lowStockThreshold } = product;
    const { transaction } = attempt;
    const { products, locations, levels, movements } = this.writing;
    // Two who create the same product at once: the slower one meets a duplicate, is run again, and finds it here.
    const found = await products.findByPk(id, { transaction, raw: true });
    if (found) {
      const ours = attempt.settling && (await this.isOurs(found, product, operationId, attempt));
      return ours ? 'CREATED' : 'ALREADY_EXISTS';
    }
    if (!(await locations.findByPk(locationId, { transaction, raw: true }))) {
      return 'LOCATION_NOT_FOUND';
    }
    await products.create({ id, name, lowStockThreshold }, { transaction });
    const level = firstLevelOf(product);
    await levels.create({ ...level, lastSequence: level.version }, { transaction });
    if (level.version > 0) {
      await movements.create(
        {
          productId: id,
          locationId,
          sequence: 1,
          kind: 'INITIAL',
          delta: quantity,
          quantityBefore: 0,
          quantityAfter: quantity,
          availableAfter: quantity,
          operationId,
          lineIndex: 0,
        },
        { transaction, fields: [...INITIAL_FIELDS] },
      );
    }
    return 'CREATED';
  }

  /**
   * Whether an earlier attempt, whose COMMIT was never answered, created the product, or somebody else meanwhile. The
   * ledger tells by the operation's id; without a line in it, whoever created the very same product did what we wanted.
   */
  private async isOurs(
    found: ProductRow,
    wanted: NewProduct,
    operationId: Buffer,
    { transaction }: Attempt,
  ): Promise<boolean> {
    if (wanted.quantity > 0) {
      return (await this.writing.movements.count({ where: { operationId }, transaction })) > 0;
    }
    return found.name === wanted.name && found.lowStockThreshold === wanted.lowStockThreshold;
  }

  /** The sums of each product come from an index range of its own levels, so a page costs what its products cost. */
  private async readProducts(
    restAndOrder: string,
    replacements: Record<string, unknown>,
  ): Promise<Product[]> {
    const rows = await this.pools.reader.query<ProductRecord>(
      `SELECT p.id, p.name, p.low_stock_threshold AS lowStockThreshold, p.created_at AS createdAt,
              GREATEST(p.updated_at, COALESCE(
                (SELECT MAX(l.updated_at) FROM stock_levels l WHERE l.product_id = p.id), p.updated_at
              )) AS updatedAt,
              ${sumOfLevels('on_hand')} AS onHand, ${sumOfLevels('reserved')} AS reserved,
              ${SUM_OF_DUE} AS due
       FROM products p ${restAndOrder}`,
      { replacements, type: QueryTypes.SELECT },
    );
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

  private readMovements(page: PageRequest): Promise<StockMovementRow[]> {
    const { order, boundary } = new MovementPageBounds(page);
    return this.reading.movements.findAll({
      ...(boundary !== null && {
        where: { entry: order === 'DESC' ? { [Op.lt]: boundary } : { [Op.gt]: boundary } },
      }),
      order: [['entry', order]],
      limit: page.limit + 1,
    });
  }
}

const INITIAL_FIELDS = [
  'productId',
  'locationId',
  'sequence',
  'kind',
  'delta',
  'quantityBefore',
  'quantityAfter',
  'availableAfter',
  'operationId',
  'lineIndex',
] as const;

interface ProductRecord extends Omit<Product, 'onHand' | 'reserved' | 'available'> {
  readonly onHand: number | string;
  readonly reserved: number | string;
  readonly due: number | string;
}

function sumOfLevels(expression: string): string {
  return `COALESCE((SELECT SUM(l.${expression}) FROM stock_levels l WHERE l.product_id = p.id), 0)`;
}

/** What the levels call reserved although the reservation is over, because nobody has given it back yet. */
const SUM_OF_DUE = `COALESCE((SELECT SUM(r.quantity) FROM reservation_lines r
  WHERE r.product_id = p.id AND r.held_until <= NOW(6)), 0)`;

const SUM_OF_DUE_AT_LEVEL = `COALESCE((SELECT SUM(r.quantity) FROM reservation_lines r
  WHERE r.product_id = l.product_id AND r.location_id = l.location_id AND r.held_until <= NOW(6)), 0)`;

interface LevelRecord {
  readonly productId: string;
  readonly locationId: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly due: number | string;
}

/** The part of the product list's statement behind FROM: filters, where the page begins, and its order. */
class ProductPageQuery {
  readonly sql: string;
  readonly replacements: Record<string, unknown>;

  constructor(page: PageRequest, filter: ProductFilter, byName: boolean) {
    const forward = page.direction === 'FORWARD';
    const cursor = forward ? page.after : page.before;
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

  /** Spelt out, because a comparison of rows does not use the index on MariaDB. */
  private behind(columns: readonly string[], values: readonly string[], sign: '>' | '<'): string {
    values.forEach((value, i) => (this.replacements[`cursor${i}`] = value));
    const [first, second] = columns;
    if (second === undefined) return `${first} ${sign} :cursor0`;
    return `${first} ${sign}= :cursor0 AND (${first} ${sign} :cursor0 OR ${second} ${sign} :cursor1)`;
  }
}

/** The ledger is newest first: forward is descending. */
class MovementPageBounds {
  readonly order: 'ASC' | 'DESC';
  /** The entry that the page begins behind; null at the list's end. */
  readonly boundary: number | null;
  readonly condition: string;

  constructor(page: PageRequest) {
    const forward = page.direction === 'FORWARD';
    const cursor = forward ? page.after : page.before;
    const [text] = cursor === null ? [null] : decodeCursor(cursor, 1);
    this.order = forward ? 'DESC' : 'ASC';
    this.boundary = text == null ? null : Number(text);
    if (this.boundary !== null && !Number.isSafeInteger(this.boundary))
      throw new InvalidCursorError();
    this.condition = `entry ${forward ? '<' : '>'} COALESCE(?, ${forward ? '~0 >> 1' : '0'})`;
  }
}

function toMovementPage(page: PageRequest, rows: readonly StockMovementRow[]): Page<StockMovement> {
  const cursors = new Map<StockMovement, number>();
  const movements = rows.map((row) => {
    const movement = toMovement(row);
    cursors.set(movement, row.entry);
    return movement;
  });
  return toPage(page, movements, (movement) => encodeCursor([String(cursors.get(movement))]));
}

function toMovement(row: StockMovementRow): StockMovement {
  return {
    id: movementId(row, row.sequence),
    productId: row.productId,
    locationId: row.locationId,
    sequence: row.sequence,
    kind: row.kind as MovementKind,
    delta: row.delta,
    quantityBefore: row.quantityBefore,
    quantityAfter: row.quantityAfter,
    reason: row.reason,
    reference: row.reference,
    idempotencyKey: row.idempotencyKey?.toString('utf8') ?? null,
    principal: row.principal,
    fencingToken: row.fencingToken === null ? null : String(row.fencingToken),
    createdAt: row.createdAt,
  };
}

/** An initial quantity is the first change; without one the ledger begins later. */
function firstLevelOf({ id, locationId, quantity }: NewProduct) {
  const version = quantity > 0 ? 1 : 0;
  return { productId: id, locationId, onHand: quantity, reserved: 0, version };
}

/** One row more than the page was read: it tells whether there is a next page, and is not shown. */
function toPage<T>(page: PageRequest, rows: readonly T[], cursorOf: (node: T) => string): Page<T> {
  const more = rows.length > page.limit;
  const shown = rows.slice(0, page.limit);
  if (page.direction === 'BACKWARD') shown.reverse();
  const begun = page.direction === 'FORWARD' ? page.after !== null : page.before !== null;
  return {
    edges: shown.map((node) => ({ cursor: cursorOf(node), node })),
    hasNextPage: page.direction === 'FORWARD' ? more : begun,
    hasPreviousPage: page.direction === 'FORWARD' ? begun : more,
  };
}

function encodeCursor(values: readonly string[]): string {
  return Buffer.from(JSON.stringify(values), 'utf8').toString('base64url');
}

/** @throws InvalidCursorError where this is not a cursor of a list with so many sort columns. */
function decodeCursor(cursor: string, columns: number): string[] {
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'));
  } catch {
    throw new InvalidCursorError();
  }
  if (!Array.isArray(values) || values.length !== columns) throw new InvalidCursorError();
  return values.map((value: unknown) => {
    if (typeof value !== 'string') throw new InvalidCursorError();
    return value;
  });
}
