/** The writes that tests of a StockStore hand to it, and what they read in its results. */
import { Operations } from '../../src/inventory/operation.js';
import type { Reservation } from '../../src/inventory/reservation.js';
import {
  checkRequest,
  type LinesOperation,
  type StockRequest,
} from '../../src/inventory/stock-request.js';
import type { ApplyOptions, StockStore, WriteResult } from '../../src/inventory/stock-store.js';
import type {
  ClosingWrite,
  CreatingWrite,
  LineChange,
  StockLine,
  StockWrite,
} from '../../src/inventory/stock.js';
import { systemClock, systemRandomBytes } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';

export const operations = new Operations(systemRandomBytes);

export function write(
  name: LinesOperation,
  request: Partial<StockRequest> & Pick<StockRequest, 'items'>,
): StockWrite {
  const { mode, ...checked } = checkRequest(
    operations,
    name,
    { mode: 'PARTIAL', ...request },
    null,
  );
  return { type: 'LINES', ...checked, atomic: mode === 'ALL_OR_NOTHING', productIds: [] };
}

/** Applies the writes for a patient caller of 20 s, under no lock, where the options say nothing else. */
export function applyTo(
  store: StockStore,
  writes: readonly StockWrite[],
  options: Partial<ApplyOptions> = {},
): Promise<readonly WriteResult[]> {
  return store.apply(writes, {
    deadline: Deadline.in(20_000, systemClock),
    contended: false,
    impatient: false,
    fencingTokenOf: () => null,
    ...options,
  });
}

/** The verdicts in short: what remains, or the failure's code. */
export function outcomes(result: WriteResult | undefined): readonly unknown[] {
  if (result?.outcome === 'REFUSED') return [result.failure.code];
  if (result?.outcome !== 'DECIDED') return [result?.outcome];
  return result.verdicts.map((v) => (v.outcome === 'APPLIED' ? v.remaining : v.failure.code));
}

export function lines(units: Readonly<Record<string, number>>): StockRequest['items'] {
  return Object.entries(units).map(([productId, quantity]) => ({ productId, quantity }));
}

export function reserve(
  units: Readonly<Record<string, number>>,
  {
    ttlSeconds = 600,
    key = null,
    principal = null,
  }: { ttlSeconds?: number; key?: string | null; principal?: string | null } = {},
): CreatingWrite {
  const operation = operations.identify('reserveStock', principal, key, []);
  return {
    type: 'CREATING',
    operation,
    reservationId: operations.newReservationId(),
    ttlSeconds,
    ...together(linesOf(units, { type: 'HOLD' })),
  };
}

export function reservationOf(result: WriteResult | undefined): Reservation {
  if (result?.outcome !== 'DECIDED' || !result.reservation) throw new Error('None was made.');
  return result.reservation;
}

export function close(
  create: CreatingWrite,
  closeAs: ClosingWrite['closeAs'],
  { principal = null }: { principal?: string | null } = {},
): ClosingWrite {
  const name = closeAs === 'COMMITTED' ? 'commitReservation' : 'releaseReservation';
  const change: LineChange = { type: closeAs === 'COMMITTED' ? 'TAKE_HELD' : 'FREE' };
  return {
    type: 'CLOSING',
    operation: operations.identify(name, principal, null, []),
    reservationId: create.reservationId,
    closeAs,
    mayManage: false,
    ...together(create.lines.map((line) => ({ ...line, change }))),
  };
}

function together(ofWrite: readonly StockLine[]) {
  const productIds = ofWrite.map(({ productId }) => productId).sort();
  return { atomic: true, lines: ofWrite, productIds, reason: null, reference: null };
}

function linesOf(units: Readonly<Record<string, number>>, change: LineChange): StockLine[] {
  return Object.entries(units).map(([productId, quantity], index) => ({
    index,
    productId,
    locationId: 'default',
    quantity,
    change,
  }));
}
