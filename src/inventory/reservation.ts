/**
 * Reservations hold stock for a customer until they are committed or released, or expire.
 *
 * The database's clock decides at each read whether a reservation has expired: no background job is required. The next
 * transaction on each of its products, or the sweeper, releases the units that it held.
 */
import { createHash } from 'node:crypto';
import type { Deadline } from '../time/deadline.js';
import { InvalidRequestError } from './operation.js';
import type { Operation, StockLine, StockWrite } from './stock.js';

/** The longest that stock may be held, in seconds: a week. */
export const RESERVATION_TTL_SECONDS_MAX = 604_800;

/** @throws InvalidRequestError */
export function checkTtl(ttlSeconds: number): void {
  if (ttlSeconds >= 1 && ttlSeconds <= RESERVATION_TTL_SECONDS_MAX) return;
  throw new InvalidRequestError(
    `ttlSeconds must be between 1 and ${RESERVATION_TTL_SECONDS_MAX.toLocaleString('en-US')}; got ${ttlSeconds}.`,
    'ttlSeconds',
  );
}

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
  /** The principal that made it; null where it was made without authentication. */
  readonly principal: string | null;
}

/** Whether a reservation may be ended depends on its state and on the principal that made it. */
export type ReservationStanding = Pick<Reservation, 'status' | 'principal'>;

/** Why a reservation could not be committed, released or extended. Both are final. */
export type ReservationFailure =
  | { readonly code: 'RESERVATION_NOT_FOUND' }
  | { readonly code: 'RESERVATION_NOT_ACTIVE'; readonly status: ReservationStatus };

export function isReservationFailure(failure: {
  readonly code: string;
}): failure is ReservationFailure {
  return failure.code === 'RESERVATION_NOT_FOUND' || failure.code === 'RESERVATION_NOT_ACTIVE';
}

/** A line of an expired reservation that still holds stock. */
export interface DueLine {
  readonly reservationId: string;
  readonly lineIndex: number;
  readonly productId: string;
  readonly locationId: string;
  readonly quantity: number;
}

/**
 * The id that earlier versions gave to the reservation of an operation that has a key. A principal can compute it from
 * another one's name and key, so it grants nothing by itself: see `existsFor`.
 */
export function derivedReservationId(operation: Operation): string {
  const digest = createHash('sha256').update('reservation').update(operation.id).digest();
  return digest.subarray(0, 18).toString('base64url');
}

/** The write with the reservation that its operation has, whichever call creates it: the one that its row names. */
export function asReserved(
  write: StockWrite,
  { reservationId }: { readonly reservationId: string | null },
): StockWrite {
  if (write.type !== 'CREATING') return write;
  return { ...write, reservationId: reservationId ?? derivedReservationId(write.operation) };
}

/** Reservations belong to the principal that made them. For any other principal without `manage` they do not exist. */
export function existsFor(
  { principal, mayManage }: { readonly principal: string | null; readonly mayManage?: boolean },
  reservation: Pick<Reservation, 'principal'>,
): boolean {
  return mayManage === true || reservation.principal === principal;
}

export function toReservedItem({ productId, locationId, quantity }: StockLine): ReservedItem {
  return { productId, locationId, quantity };
}

/** Reads reservations. Each method rejects with StorageUnavailableError without a database and at its caller's end. */
export interface ReservationCatalogue {
  /** Its state now, by the database's clock; null if no reservation has this id. */
  reservationById(id: string, deadline: Deadline): Promise<Reservation | null>;
  /** Products of which expired reservations still hold stock, those that have waited longest first. */
  productsWithDueLines(limit: number, deadline: Deadline): Promise<readonly string[]>;
}
