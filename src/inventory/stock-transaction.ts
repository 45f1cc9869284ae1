/**
 * The way of one request through its products: check the form, sort the lines, have each product's lines decided, and
 * answer in the order in which they were asked.
 *
 * In PARTIAL mode the products are independent: each product's lines wait for that product alone, and no lock is held
 * while another is waited for. ALL_OR_NOTHING wants all its products at once.
 */
import {
  compareBytes,
  isValidQuantity,
  type DecidedVerdict,
  type OperationName,
  type StockLine,
} from './stock.js';
import {
  IdempotencyKeyReusedError,
  checkRequest,
  type Caller,
  type CheckedRequest,
  type LineResult,
  type StockRequest,
  type StockResponse,
} from './stock-request.js';
import type { OrderLimits, StockOrder } from './stock-service.js';
import type { WriteResult } from './stock-store.js';

/** The transactional work at the end of the way: StockService's decreaseStock or increaseStock. */
export type CarryOut = (order: StockOrder, limits: OrderLimits) => Promise<WriteResult>;

export interface StockTransactionSettings {
  /** The most lines that are decided together, unless they are all or nothing. */
  readonly batchMax: number;
}

export class StockTransaction {
  constructor(
    private readonly name: OperationName,
    private readonly carryOut: CarryOut,
    private readonly settings: StockTransactionSettings,
  ) {}

  /** @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was done then. */
  async execute(request: StockRequest, caller: Caller): Promise<StockResponse> {
    const checked = checkRequest(this.name, request, caller.principal);
    const orders = ordersOf(checked, this.settings.batchMax);
    const results = await Promise.all(orders.map((order) => this.carryOut(order, caller)));
    const verdicts: (DecidedVerdict | undefined)[] = [];
    for (const [i, order] of orders.entries()) {
      const result = results[i];
      if (result?.outcome !== 'DECIDED') throw new IdempotencyKeyReusedError();
      order.lines.forEach((line, at) => (verdicts[line.index] = result.verdicts[at]));
    }
    return respond(checked.lines, verdicts);
  }
}

/**
 * PARTIAL: the lines of one product, at most `batchMax` at a time, products in byte order; lines whose quantity is out
 * of range need no product. ALL_OR_NOTHING: everything at once.
 */
function ordersOf(request: CheckedRequest, batchMax: number): readonly StockOrder[] {
  const { lines, operation, reason, reference } = request;
  const order = (of: Pick<StockOrder, 'lines' | 'productIds' | 'atomic'>): StockOrder => {
    return { operation, reason, reference, ...of };
  };
  const invalid = lines.filter((line) => !isValidQuantity(line.quantity));
  if (request.mode === 'ALL_OR_NOTHING') {
    const productIds = [...new Set(lines.map((line) => line.productId))].sort(compareBytes);
    // One line that can't be carried out decides for all: no turn is needed to say so.
    return [order({ lines, productIds: invalid.length === 0 ? productIds : [], atomic: true })];
  }
  const orders: StockOrder[] = [];
  if (invalid.length > 0) orders.push(order({ lines: invalid, productIds: [], atomic: false }));
  const valid = invalid.length > 0 ? lines.filter((line) => !invalid.includes(line)) : lines;
  for (const [productId, ofProduct] of byProductInOrder(valid)) {
    for (let from = 0; from < ofProduct.length; from += batchMax) {
      const chunk = ofProduct.slice(from, from + batchMax);
      orders.push(order({ lines: chunk, productIds: [productId], atomic: false }));
    }
  }
  return orders;
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
