/** Pages of the ledger, newest line first, of one product, of many, or of all. */
import type { StockMovement } from '../../inventory/movements.js';
import { InvalidCursorError, type Page, type PageRequest } from '../../inventory/pages.js';
import { movementId, type MovementKind } from '../../inventory/stock.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { cursorOf, decodeCursor, toPage } from './pages.js';

interface MovementRow {
  readonly entry: number;
  readonly productId: string;
  readonly locationId: string;
  readonly sequence: number;
  readonly kind: MovementKind;
  readonly delta: number;
  readonly quantityBefore: number;
  readonly quantityAfter: number;
  readonly reason: string | null;
  readonly reference: string | null;
  readonly idempotencyKey: Buffer | null;
  readonly principal: string | null;
  readonly fencingToken: number | bigint | null;
  readonly createdAt: Date;
}

const SELECT = `SELECT entry, product_id AS productId, location_id AS locationId, sequence, kind, delta,
  quantity_before AS quantityBefore, quantity_after AS quantityAfter, reason, reference,
  idempotency_key AS idempotencyKey, principal, fencing_token AS fencingToken, created_at AS createdAt
  FROM stock_movements`;

/** The ledger of all products. @throws InvalidCursorError */
export async function readLedgerPage(
  reader: Reader,
  page: PageRequest,
  deadline: Deadline,
): Promise<Page<StockMovement>> {
  const { order, boundary, condition } = boundsOf(page);
  const where = boundary === null ? '' : `WHERE ${condition}`;
  const rows = await reader.list<MovementRow>(
    `${SELECT} ${where} ORDER BY entry ${order} LIMIT ?`,
    [...(boundary === null ? [] : [boundary]), page.limit + 1],
    deadline,
  );
  return toMovementPage(page, rows);
}

/** The same page for each product, in one statement. @throws InvalidCursorError */
export async function readLedgerPages(
  reader: Reader,
  productIds: readonly string[],
  page: PageRequest,
  deadline: Deadline,
): Promise<ReadonlyMap<string, Page<StockMovement>>> {
  const { order, boundary, condition } = boundsOf(page);
  // Without the hint the optimizer may take the index by sequence and sort a product's whole ledger for each page.
  const branch = `(${SELECT} FORCE INDEX (stock_movements_by_product)
    WHERE product_id = ? AND ${condition} ORDER BY entry ${order} LIMIT ?)`;
  const rows = await reader.list<MovementRow>(
    productIds.map(() => branch).join(' UNION ALL '),
    productIds.flatMap((id) => [id, boundary, page.limit + 1]),
    deadline,
  );
  const byProduct = new Map<string, MovementRow[]>(productIds.map((id) => [id, []]));
  for (const row of rows) byProduct.get(row.productId)?.push(row);
  return new Map(
    [...byProduct].map(([productId, ofProduct]) => {
      ofProduct.sort((a, b) => (order === 'DESC' ? b.entry - a.entry : a.entry - b.entry));
      return [productId, toMovementPage(page, ofProduct)];
    }),
  );
}

interface Bounds {
  readonly order: 'ASC' | 'DESC';
  /** The page begins after this entry; null at the list's end. */
  readonly boundary: number | null;
  readonly condition: string;
}

/** The ledger is newest first, so a forward page is read in descending order. */
function boundsOf(page: PageRequest): Bounds {
  const isForward = page.direction === 'FORWARD';
  const cursor = cursorOf(page);
  const boundary = cursor === null ? null : Number(decodeCursor(cursor, 1)[0]);
  if (boundary !== null && !Number.isSafeInteger(boundary)) throw new InvalidCursorError();
  return {
    order: isForward ? 'DESC' : 'ASC',
    boundary,
    condition: isForward ? 'entry < COALESCE(?, ~0 >> 1)' : 'entry > COALESCE(?, 0)',
  };
}

function toMovementPage(page: PageRequest, rows: readonly MovementRow[]): Page<StockMovement> {
  return toPage(page, rows, { node: toMovement, sortKey: ({ entry }) => [String(entry)] });
}

function toMovement(row: MovementRow): StockMovement {
  return {
    id: movementId(row, row.sequence),
    productId: row.productId,
    locationId: row.locationId,
    sequence: row.sequence,
    kind: row.kind,
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
