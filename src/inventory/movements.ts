/** One line of the ledger: a change of one stock level. */
import type { MovementKind } from './stock.js';

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
