/**
 * The bound on what one principal may hold of one product, over all locations and reservations that have not ended.
 * Pure: the store reads what is held in the transaction that decides, with the product's levels locked.
 */
import type { CreatingWrite, StockFailure, StockLine, StockWrite } from './stock.js';

/** Units come back when a checkout ends: seconds, and not milliseconds as where a queue is full. */
const RETRY_AFTER_MS = 10_000;

export interface Holdings {
  /** The most units of one product that one principal may hold. */
  readonly unitsMax: number;
  /** The units held now, by `holderKey`; a holder that is not listed holds none. */
  readonly units: ReadonlyMap<string, number>;
}

/** What has to be read for a decision under a bound. */
export interface Holders {
  /** The products of the reservations to be created. */
  readonly productIds: readonly string[];
  readonly principals: readonly string[];
}

export function holderKey(productId: string, principal: string): string {
  // '/' is in no product's id.
  return `${productId}/${principal}`;
}

/** Null where no write creates a reservation for a principal: nothing is bounded. */
export function holdersOf(writes: readonly StockWrite[]): Holders | null {
  const productIds = new Set<string>();
  const principals = new Set<string>();
  for (const { type, lines, operation } of writes) {
    if (type !== 'CREATING' || operation.principal === null) continue;
    principals.add(operation.principal);
    for (const { productId } of lines) productIds.add(productId);
  }
  if (principals.size === 0) return null;
  return { productIds: [...productIds], principals: [...principals] };
}

/**
 * Temporary, and final for no key: the units may be had when the principal's reservations have ended. No available
 * quantity is named, because the product may have enough.
 */
export const TOO_MUCH_HELD: StockFailure = Object.freeze({
  code: 'OVERLOADED',
  retryAfterMs: RETRY_AFTER_MS,
  of: 'HELD_UNITS',
});

/** What is held after the writes that have been decided so far. */
export class HeldUnits {
  private readonly units: Map<string, number>;

  constructor(private readonly holdings: Holdings) {
    this.units = new Map(holdings.units);
  }

  /** The products of which the write would hold too much. Without a principal there is no bound. */
  exceededBy({ operation: { principal }, lines }: CreatingWrite): ReadonlySet<string> {
    if (principal === null) return new Set();
    const wanted = new Map<string, number>();
    for (const { productId, quantity } of lines) {
      wanted.set(productId, (wanted.get(productId) ?? 0) + quantity);
    }
    const exceeded = [...wanted].filter(([productId, quantity]) => {
      const held = this.units.get(holderKey(productId, principal)) ?? 0;
      return held + quantity > this.holdings.unitsMax;
    });
    return new Set(exceeded.map(([productId]) => productId));
  }

  /** @param sign 1 for a reservation that is created, -1 for one that ends. */
  add(lines: readonly StockLine[], principal: string | null, sign: 1 | -1): void {
    if (principal === null) return;
    for (const { productId, quantity } of lines) {
      const key = holderKey(productId, principal);
      this.units.set(key, (this.units.get(key) ?? 0) + sign * quantity);
    }
  }
}
