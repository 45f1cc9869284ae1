/**
 * Change events, from the storage to subscribers.
 *
 * Events are notifications, not the state of record: they may be late, may skip superseded versions and may be lost. A
 * possible loss is reported as an event of its own, so that a subscriber knows when to read again.
 */
import { InvalidRequestError, checkId } from './operation.js';
import type { Product } from './products.js';
import type { StockLevelState } from './stock.js';

/** A level as a committed transaction left it. `version` grows with every change of the level. */
export type ChangedLevel = Pick<
  StockLevelState,
  'productId' | 'locationId' | 'onHand' | 'reserved' | 'version'
>;

/** Called by the storage. Both return at once and never throw: a failure after COMMIT must not change an answer. */
export interface StockChanges {
  /** Called when COMMIT has returned. */
  committed(levels: readonly ChangedLevel[]): void;
  /** Called when the reply to a COMMIT was lost or untrue: levels may have changed since then, to unknown values. */
  uncertain(since: Date): void;
}

export interface StockChange extends ChangedLevel {
  readonly available: number;
  /** Over all locations, read after the change; at most 2147483647. */
  readonly productAvailable: number;
  /** Whether productAvailable is at or below the product's threshold. */
  readonly lowStock: boolean;
  /** As it was read after the change. */
  readonly product: Product;
}

export interface ChangedEvent {
  readonly kind: 'CHANGED';
  readonly change: StockChange;
}

/** Changes may have been missed since then; null if the moment is unknown. */
export interface MissedEvent {
  readonly kind: 'MISSED';
  readonly since: Date | null;
}

/** One object for all watchers that get it. */
export type StockEvent = ChangedEvent | MissedEvent;

export interface StockWatch {
  /**
   * The events from now on, until the iterator's `return` is called. The versions of one level only grow.
   * @param productIds of the products to watch; null for all.
   */
  watch(productIds: readonly string[] | null): Promise<AsyncIterableIterator<StockEvent>>;
}

/** The most products that one subscription may name. */
export const WATCHED_IDS_MAX = 100;

/** The ids without duplicates; null for all products. @throws InvalidRequestError */
export function checkWatchedIds(ids: readonly string[] | null | undefined): string[] | null {
  if (ids == null) return null;
  if (ids.length === 0 || ids.length > WATCHED_IDS_MAX) {
    throw new InvalidRequestError(
      `productIds must have 1 to ${WATCHED_IDS_MAX} ids; got ${ids.length}. Leave it out for all products.`,
      'productIds',
    );
  }
  for (const id of ids) checkId(id, 'productIds');
  return [...new Set(ids)];
}
