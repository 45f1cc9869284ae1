/**
 * The vocabulary of the domain, as plain data.
 *
 * - **level**: the stock of one product at one location: on hand, reserved, available = on hand - reserved.
 * - **line**: one product, location and quantity of a request, and what it does there. It gets one verdict.
 * - **write**: the part of a request that one transaction carries out: lines decided together, or each by itself.
 * - **movement**: a line of the ledger: a change of the quantity on hand, with its reason.
 */
import type { WriteTrace } from './write-trace.js';

export const DEFAULT_LOCATION_ID = 'default';
/** The most units of one line, and the most that a level may hold. */
export const QUANTITY_MAX = 1_000_000_000;
/** The most lines of one request. */
export const LINES_MAX = 100;

/** Ids are ASCII and compared byte by byte. */
const ID_FORM = /^[A-Za-z0-9._:-]{1,64}$/;

export function isValidId(id: string): boolean {
  return ID_FORM.test(id);
}

/** Where a product's stock is counted: one level, one row. */
export interface Place {
  readonly productId: string;
  readonly locationId: string;
}

export type BatchMode = 'PARTIAL' | 'ALL_OR_NOTHING';
export type OperationName =
  | 'deductStock'
  | 'increaseStock'
  | 'setStock'
  | 'transferStock'
  | 'reserveStock'
  | 'commitReservation'
  | 'releaseReservation'
  /** Internal: releases units that expired reservations still hold. */
  | 'expireReservations';
export type MovementKind =
  | 'INITIAL'
  | 'DEDUCTION'
  | 'INCREASE'
  | 'CORRECTION'
  | 'TRANSFER_OUT'
  | 'TRANSFER_IN'
  | 'RESERVATION_COMMIT';

/** The change that a line makes to its level. */
export type LineChange =
  | { readonly type: 'TAKE'; readonly kind: MovementKind }
  | { readonly type: 'PUT'; readonly kind: MovementKind }
  /** Sets on hand to the line's quantity if it equals `changeFrom`; null: unconditionally. */
  | { readonly type: 'SET'; readonly changeFrom: number | null }
  /** For a reservation: available goes down, on hand does not. */
  | { readonly type: 'HOLD' }
  /** Takes units that a reservation holds. */
  | { readonly type: 'TAKE_HELD' }
  /** Makes units that a reservation holds available again. */
  | { readonly type: 'FREE' };

export interface StockLine {
  /** The line's place in the request, from 0. */
  readonly index: number;
  readonly productId: string;
  readonly locationId: string;
  readonly quantity: number;
  readonly change: LineChange;
}

/** Whether the line's quantity is in range for its change. */
export function isPossible({ quantity, change }: StockLine): boolean {
  const least = change.type === 'SET' ? 0 : 1;
  return Number.isInteger(quantity) && quantity >= least && quantity <= QUANTITY_MAX;
}

/** Why a line was refused. `isRetryable` tells which failures are final. */
export type StockFailure =
  | { readonly code: 'INSUFFICIENT_STOCK'; readonly requested: number; readonly available: number }
  | { readonly code: 'PRODUCT_NOT_FOUND' }
  /** Its product is out of sale. Final for a key; granted under another one when the product is restored. */
  | { readonly code: 'PRODUCT_ARCHIVED' }
  | { readonly code: 'LOCATION_NOT_FOUND' }
  | { readonly code: 'INVALID_QUANTITY' }
  | { readonly code: 'STALE_QUANTITY'; readonly expected: number; readonly actual: number }
  | { readonly code: 'ABORTED'; readonly retryable: boolean }
  | { readonly code: 'LOCK_TIMEOUT'; readonly waitedMs: number; readonly retryAfterMs: number }
  | {
      readonly code: 'OVERLOADED';
      readonly retryAfterMs: number;
      /** The bound that was reached; a queue where it is left out. */
      readonly of?: 'HELD_UNITS';
    }
  | { readonly code: 'UNAVAILABLE'; readonly mayHaveApplied: boolean; readonly retryable: boolean };

/** The database could not be reached, or the caller hung up before the transaction began. */
export const UNAVAILABLE = Object.freeze({
  code: 'UNAVAILABLE',
  mayHaveApplied: false,
  retryable: true,
} as const) satisfies StockFailure;

export type Verdict =
  | {
      readonly outcome: 'APPLIED';
      /** Available at the location right after the line. */
      readonly remaining: number;
      /** Null where the quantity on hand did not change. */
      readonly movementId: string | null;
    }
  | { readonly outcome: 'REFUSED'; readonly failure: StockFailure };

/** A verdict and its origin: this call, or the stored answer of an earlier call. */
export type DecidedVerdict = Verdict & { readonly replayed: boolean };

/** Whether the same line may succeed if it is sent again unchanged, with the same idempotency key. */
export function isRetryable(failure: StockFailure): boolean {
  switch (failure.code) {
    case 'INSUFFICIENT_STOCK':
    case 'PRODUCT_NOT_FOUND':
    case 'PRODUCT_ARCHIVED':
    case 'LOCATION_NOT_FOUND':
    case 'INVALID_QUANTITY':
    case 'STALE_QUANTITY':
      return false;
    case 'LOCK_TIMEOUT':
    case 'OVERLOADED':
      return true;
    case 'ABORTED':
    case 'UNAVAILABLE':
      return failure.retryable;
  }
}

/** Whether the line was refused, and may be granted when it is sent again. */
export function mayChange(verdict: Verdict): boolean {
  return verdict.outcome === 'REFUSED' && isRetryable(verdict.failure);
}

/** A level as it was read. `version` grows with every change, so an equal version means an equal level. */
export interface StockLevelState {
  readonly productId: string;
  readonly locationId: string;
  readonly onHand: number;
  readonly reserved: number;
  readonly lastSequence: number;
  readonly version: number;
  /** Its product is out of sale. A copy, so that a decision reads levels alone; it changes with the version. */
  readonly archived: boolean;
}

/** The state of the place that a line names. */
export type LevelLookup =
  | { readonly found: 'LEVEL'; readonly level: StockLevelState }
  /** Product and location exist, the product never had stock there. */
  | { readonly found: 'NO_LEVEL_YET'; readonly archived: boolean }
  | { readonly found: 'NO_PRODUCT' }
  | { readonly found: 'NO_LOCATION' };

/** The part of an operation that one transaction carries out. `type` says what it does to a reservation. */
export type StockWrite = LinesWrite | CreatingWrite | ClosingWrite | SweepingWrite;

interface WriteParts {
  readonly operation: Operation;
  /** All lines or none. */
  readonly atomic: boolean;
  readonly lines: readonly StockLine[];
  /** The products whose turns are needed, in byte order; empty where no level can change. */
  readonly productIds: readonly string[];
  readonly reason: string | null;
  readonly reference: string | null;
  /** Of a write whose request is traced. */
  readonly trace?: WriteTrace | undefined;
  /** Of a write that its process has handed to another one; see delegated-write.ts. */
  readonly delegated?: Delegated | undefined;
}

export interface Delegated {
  /** Names the request's passage through its process: requests under one idempotency key have different ones. */
  readonly call: string;
  /** From 1. */
  readonly attempt: number;
  /** Since the write arrived at its own process, in milliseconds. */
  readonly ageMs: number;
}

/** Concerns no reservation. */
export interface LinesWrite extends WriteParts {
  readonly type: 'LINES';
}

/** Creates a reservation: its lines HOLD. */
export interface CreatingWrite extends WriteParts {
  readonly type: 'CREATING';
  readonly reservationId: string;
  readonly ttlSeconds: number;
}

/** Commits a reservation, its lines TAKE_HELD, or releases it, its lines FREE. */
export interface ClosingWrite extends WriteParts {
  readonly type: 'CLOSING';
  readonly reservationId: string;
  readonly closeAs: 'COMMITTED' | 'RELEASED';
  /** The caller may end reservations of every principal. */
  readonly mayManage: boolean;
}

/** Has no lines: releases units of its products that expired reservations still hold. */
export interface SweepingWrite extends WriteParts {
  readonly type: 'SWEEPING';
}

/** A client's request, and the values by which a repetition is recognised. */
export interface Operation {
  readonly name: OperationName;
  /** The caller's stable name; null where authentication is off. */
  readonly principal: string | null;
  /** Idempotency keys are unique within their scope: two principals never share one. */
  readonly scope: string;
  /** The client's key; null where the client sent none. */
  readonly idempotencyKey: string | null;
  /** Identifies the effect in the ledger, and the key in its table: derived from scope and key, or new. 32 bytes. */
  readonly id: Buffer;
  /** SHA-256 of the request's meaning, which must be equal when a key is used again; empty without a key. */
  readonly fingerprint: Buffer;
}

export function levelKey(place: Place): string {
  // '/' is in no id, so two different places never have the same key.
  return `${place.productId}/${place.locationId}`;
}

/** A movement's public id: derived from its content, so that it is known before the row is written. */
export function movementId(place: Place, sequence: number): string {
  return `${levelKey(place)}/${sequence}`;
}

/** Ids are ASCII, so comparing UTF-16 units is comparing bytes. */
export function compareBytes(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function comparePlaces(a: Place, b: Place): number {
  return compareBytes(a.productId, b.productId) || compareBytes(a.locationId, b.locationId);
}
