/** One line of the ledger: a change of one stock level. And what lines are found by. */
import { checkId, checkText } from './operation.js';
import type { MovementKind } from './stock.js';

/** All that is given must hold. */
export interface MovementFilter {
  readonly locationId?: string | undefined;
  /** Byte by byte. */
  readonly reference?: string | undefined;
  /** Whose request wrote it, byte by byte. */
  readonly principal?: string | undefined;
  /** One of them; of none nothing matches. */
  readonly kinds?: readonly MovementKind[] | undefined;
  /** Written then or later. */
  readonly since?: Date | undefined;
  /** Written before. */
  readonly until?: Date | undefined;
}

/** @throws InvalidRequestError */
export function checkMovementFilter({ locationId, reference }: MovementFilter): void {
  if (locationId !== undefined) checkId(locationId, 'filter.locationId');
  checkText(reference, 'filter.reference');
}

export function isFiltering(filter: MovementFilter): boolean {
  return Object.values(filter).some((value) => value !== undefined);
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
