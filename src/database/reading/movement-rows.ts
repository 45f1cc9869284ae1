/** A line of the ledger as SQL reads it, and pages of such lines. */
import type { StockMovement } from '../../inventory/movements.js';
import { InvalidCursorError, type Page, type PageRequest } from '../../inventory/pages.js';
import { movementId, type MovementKind } from '../../inventory/stock.js';
import { cursorOf, decodeCursor, toPage } from './pages.js';

export interface MovementRow {
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

export const MOVEMENT_COLUMNS = `entry, product_id AS productId, location_id AS locationId, sequence, kind, delta,
  quantity_before AS quantityBefore, quantity_after AS quantityAfter, reason, reference,
  idempotency_key AS idempotencyKey, principal, fencing_token AS fencingToken, created_at AS createdAt`;

/** Behind which entry the page begins; null at the list's end. @throws InvalidCursorError */
export function boundaryOf(page: PageRequest): number | null {
  const cursor = cursorOf(page);
  const boundary = cursor === null ? null : Number(decodeCursor(cursor, 1)[0]);
  if (boundary !== null && !Number.isSafeInteger(boundary)) throw new InvalidCursorError();
  return boundary;
}

/** @param lookedUntil the last entry that was compared, where the list goes on behind it. */
export function toMovementPage(
  page: PageRequest,
  rows: readonly MovementRow[],
  lookedUntil: number | null = null,
): Page<StockMovement> {
  return toPage(page, rows, {
    node: toMovement,
    sortKey: ({ entry }) => [String(entry)],
    lookedUntil: lookedUntil === null ? null : [String(lookedUntil)],
  });
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
