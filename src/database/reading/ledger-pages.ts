/** Pages of the ledger, newest line first, of one product, of many, or of all. */
import type { StockMovement } from '../../inventory/movements.js';
import type { Page, PageRequest } from '../../inventory/pages.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { MOVEMENT_COLUMNS, boundaryOf, toMovementPage, type MovementRow } from './movement-rows.js';

const SELECT = `SELECT ${MOVEMENT_COLUMNS} FROM stock_movements`;

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
  return {
    order: isForward ? 'DESC' : 'ASC',
    boundary: boundaryOf(page),
    condition: isForward ? 'entry < COALESCE(?, ~0 >> 1)' : 'entry > COALESCE(?, 0)',
  };
}
