/**
 * Shared by deducting and increasing: divides a checked request into writes and joins their results into one response,
 * in the order of the request's lines.
 *
 * In PARTIAL mode products are independent: each product's lines wait for that product alone, and no lock is held
 * during the wait for another one. ALL_OR_NOTHING needs the turns of all its products at once.
 */
import {
  compareBytes,
  isPossible,
  type DecidedVerdict,
  type StockLine,
  type StockWrite,
} from './stock.js';
import { isReservationFailure } from './reservation.js';
import {
  IdempotencyKeyReusedError,
  type CheckedRequest,
  type LineResult,
  type StockResponse,
} from './stock-request.js';
import type { WriteResult } from './stock-store.js';

export interface StockTransactionSettings {
  /** The most lines that are decided together in PARTIAL mode. */
  readonly batchMax: number;
}

/** @throws IdempotencyKeyReusedError */
export function verdictsOf(
  write: StockWrite,
  result: WriteResult | undefined,
): readonly DecidedVerdict[] {
  switch (result?.outcome) {
    case 'DECIDED':
      return result.verdicts;
    case 'REFUSED': {
      const { outcome, failure, replayed } = result;
      if (isReservationFailure(failure)) {
        throw new Error(
          `These lines close no reservation, but the store answered ${failure.code}.`,
        );
      }
      return write.lines.map(() => ({ outcome, failure, replayed }));
    }
    case 'KEY_REUSED':
      throw new IdempotencyKeyReusedError(result.answerExpired);
    case undefined:
      throw new Error('The store gave no result for a write.');
  }
}

/**
 * PARTIAL: a write for each `batchMax` lines of one product, products in byte order; lines whose quantity is out of
 * range need no product. ALL_OR_NOTHING: one write.
 */
export function writesOf(request: CheckedRequest, batchMax: number): readonly StockWrite[] {
  const { lines, operation, reason, reference } = request;
  const write = (of: Pick<StockWrite, 'lines' | 'productIds' | 'atomic'>): StockWrite => {
    return { type: 'LINES', operation, reason, reference, ...of };
  };
  const [only, another] = lines;
  if (only && !another) {
    // Fast path for the most frequent request; the result is the same as below.
    const productIds = isPossible(only) ? [only.productId] : [];
    return [write({ lines, productIds, atomic: request.mode === 'ALL_OR_NOTHING' })];
  }
  const invalid = lines.filter((line) => !isPossible(line));
  if (request.mode === 'ALL_OR_NOTHING') return [write({ ...allAtOnce(lines), atomic: true })];
  const writes: StockWrite[] = [];
  if (invalid.length > 0) writes.push(write({ lines: invalid, productIds: [], atomic: false }));
  const valid = invalid.length > 0 ? lines.filter((line) => !invalid.includes(line)) : lines;
  for (const [productId, ofProduct] of byProductInOrder(valid)) {
    for (let from = 0; from < ofProduct.length; from += batchMax) {
      const chunk = ofProduct.slice(from, from + batchMax);
      writes.push(write({ lines: chunk, productIds: [productId], atomic: false }));
    }
  }
  return writes;
}

/** Lines that are decided together, and the products whose turns they need. */
export function allAtOnce(lines: readonly StockLine[]): Pick<StockWrite, 'lines' | 'productIds'> {
  // One line out of range refuses all lines, so no turn is needed.
  const turnIsNeeded = lines.every(isPossible);
  const productIds = turnIsNeeded ? [...new Set(lines.map((line) => line.productId))] : [];
  return { lines, productIds: productIds.sort(compareBytes) };
}

function byProductInOrder(lines: readonly StockLine[]): readonly [string, StockLine[]][] {
  const byProduct = new Map<string, StockLine[]>();
  for (const line of lines) {
    const ofProduct = byProduct.get(line.productId);
    if (ofProduct) ofProduct.push(line);
    else byProduct.set(line.productId, [line]);
  }
  return [...byProduct].sort(([a], [b]) => compareBytes(a, b));
}

/** @throws IdempotencyKeyReusedError */
export function responseOf(
  lines: readonly StockLine[],
  writes: readonly StockWrite[],
  resultsOfWrites: readonly WriteResult[],
): StockResponse {
  const verdicts: (DecidedVerdict | undefined)[] = [];
  for (const [i, write] of writes.entries()) {
    const ofWrite = verdictsOf(write, resultsOfWrites[i]);
    write.lines.forEach((line, at) => (verdicts[line.index] = ofWrite[at]));
  }
  const results = lines.map((line): LineResult => {
    const verdict = verdicts[line.index];
    if (!verdict) throw new Error(`The store gave no verdict for line ${line.index}.`);
    return { line, verdict };
  });
  return {
    results,
    successfulItems: results.filter((result) => result.verdict.outcome === 'APPLIED'),
    failedItems: results.filter((result) => result.verdict.outcome === 'REFUSED'),
    replayed: results.every((result) => result.verdict.replayed),
  };
}
