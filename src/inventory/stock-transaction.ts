/**
 * The way of one request through its products: check the form, sort the lines, have each product's lines decided, and
 * answer in the order in which they were asked.
 *
 * In PARTIAL mode the products are independent: each product's lines wait for that product alone, and no lock is held
 * while another is waited for. ALL_OR_NOTHING wants all its products at once.
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
  checkRequest,
  type Caller,
  type CheckedRequest,
  type LineResult,
  type LinesOperation,
  type StockRequest,
  type StockResponse,
} from './stock-request.js';
import type { Deadline } from '../time/deadline.js';
import type { WriteResult } from './stock-store.js';

/** The transactional work at the end of the way: StockService's decreaseStock or increaseStock. */
export type CarryOut = (write: StockWrite, deadline: Deadline) => Promise<WriteResult>;

export interface StockTransactionSettings {
  /** The most lines that are decided together, unless they are all or nothing. */
  readonly batchMax: number;
}

export class StockTransaction {
  constructor(
    private readonly name: LinesOperation,
    private readonly carryOut: CarryOut,
    private readonly settings: StockTransactionSettings,
  ) {}

  /** @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was done then. */
  async execute(request: StockRequest, caller: Caller): Promise<StockResponse> {
    const checked = checkRequest(this.name, request, caller.principal);
    const writes = writesOf(checked, this.settings.batchMax);
    const results = await Promise.all(writes.map((write) => this.carryOut(write, caller.deadline)));
    const verdicts: (DecidedVerdict | undefined)[] = [];
    for (const [i, write] of writes.entries()) {
      const ofWrite = verdictsOf(write, results[i]);
      write.lines.forEach((line, at) => (verdicts[line.index] = ofWrite[at]));
    }
    return respond(checked.lines, verdicts);
  }
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
      if (isReservationFailure(failure)) throw new Error('These lines end no reservation.');
      return write.lines.map(() => ({ outcome, failure, replayed }));
    }
    case 'KEY_REUSED':
      throw new IdempotencyKeyReusedError(result.answerExpired);
    case undefined:
      throw new Error('A write was given no result.');
  }
}

/**
 * PARTIAL: the lines of one product, at most `batchMax` at a time, products in byte order; lines whose quantity is out
 * of range need no product. ALL_OR_NOTHING: everything at once.
 */
function writesOf(request: CheckedRequest, batchMax: number): readonly StockWrite[] {
  const { lines, operation, reason, reference } = request;
  const write = (of: Pick<StockWrite, 'lines' | 'productIds' | 'atomic'>): StockWrite => {
    return { type: 'LINES', operation, reason, reference, ...of };
  };
  const [only, another] = lines;
  if (only && !another) {
    // The same as below, and by far the most frequent: one buyer, one product.
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

/** Lines that are decided together, and the products whose turn that needs. */
export function allAtOnce(lines: readonly StockLine[]): Pick<StockWrite, 'lines' | 'productIds'> {
  // One line that can't be carried out decides for all: no turn is needed to say so.
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

function respond(
  lines: readonly StockLine[],
  verdicts: readonly (DecidedVerdict | undefined)[],
): StockResponse {
  const results = lines.map((line): LineResult => {
    const verdict = verdicts[line.index];
    if (!verdict) throw new Error(`Line ${line.index} was given no verdict.`);
    return { line, verdict };
  });
  return {
    results,
    successfulItems: results.filter((result) => result.verdict.outcome === 'APPLIED'),
    failedItems: results.filter((result) => result.verdict.outcome === 'REFUSED'),
    replayed: results.every((result) => result.verdict.replayed),
  };
}
