/** A write without lines: it gives back what expired reservations still hold of these products. */
import { EXPIRY } from './operation.js';
import type { SweepingWrite } from './stock.js';

export function sweepOf(productIds: readonly string[]): SweepingWrite {
  return {
    type: 'SWEEPING',
    operation: EXPIRY,
    atomic: false,
    lines: [],
    productIds,
    reason: null,
    reference: null,
  };
}
