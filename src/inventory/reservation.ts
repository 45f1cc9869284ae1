/**
 * Reservations: stock that is held for a buyer until it is committed, released, or its time is over.
 *
 * Whether a reservation has expired is decided by the database's clock, at the moment of the question; nothing has to
 * have come by before. What it held is given back by the next transaction on each of its products, or by the sweeper.
 */
import { createHash } from 'node:crypto';
import type { Operation, StockLine } from './stock.js';

/** The longest that stock may be held, in seconds: a week. */
export const RESERVATION_TTL_SECONDS_MAX = 604_800;

export type ReservationStatus = 'ACTIVE' | 'COMMITTED' | 'RELEASED' | 'EXPIRED';

export interface ReservedItem {
  readonly productId: string;
  readonly locationId: string;
  readonly quantity: number;
}

export interface Reservation {
  readonly id: string;
  readonly status: ReservationStatus;
  readonly items: readonly ReservedItem[];
  readonly expiresAt: Date;
  readonly reference: string | null;
  readonly createdAt: Date;
}

/** Why a reservation could not be ended. Both are final. */
export type ReservationFailure =
  | { readonly code: 'RESERVATION_NOT_FOUND' }
  | { readonly code: 'RESERVATION_NOT_ACTIVE'; readonly status: ReservationStatus };

export function isReservationFailure(failure: {
  readonly code: string;
}): failure is ReservationFailure {
  return failure.code === 'RESERVATION_NOT_FOUND' || failure.code === 'RESERVATION_NOT_ACTIVE';
}

/** A line of a reservation that is over, but still holds stock. */
export interface DueLine {
  readonly reservationId: string;
  readonly lineIndex: number;
  readonly productId: string;
  readonly locationId: string;
  readonly quantity: number;
}

/**
 * The same operation makes the same reservation, so that a retry whose first COMMIT was never answered finds it. An id
 * tells nothing of the key that it comes from, and cannot be guessed from another one.
 */
export function reservationIdOf(operation: Operation): string {
  const digest = createHash('sha256').update('reservation').update(operation.id).digest();
  return digest.subarray(0, 18).toString('base64url');
}

export function toReservedItem({ productId, locationId, quantity }: StockLine): ReservedItem {
  return { productId, locationId, quantity };
}

/** The storage port that reads reservations. Each method rejects with StorageUnavailableError without a database. */
export interface ReservationCatalogue {
  /** Its state now, by the database's clock; null if no reservation has this id. */
  reservationById(id: string): Promise<Reservation | null>;
  /** Products of which expired reservations still hold stock, those that have waited longest first. */
  productsWithDueLines(limit: number): Promise<readonly string[]>;
}
