/** The write that nobody asked for: gives back what expired reservations still hold of these products. */
import { identifyOperation } from './operation.js';
import type { StockWrite } from './stock.js';

export function sweepOf(productIds: readonly string[]): StockWrite {
  return {
    operation: identifyOperation('expireReservations', null, null, []),
    atomic: false,
    lines: [],
    productIds,
    reason: null,
    reference: null,
    reservation: null,
  };
}
