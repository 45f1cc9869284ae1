/** A write without lines: it releases the units of these products that expired reservations still hold. */
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
