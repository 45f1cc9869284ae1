/**
 * Sets the quantity on hand after a count. The difference is written to the ledger as a CORRECTION. The statement that
 * changes the quantity compares it with `changeFromQuantity`, so a change since the count is detected.
 */
import { InvalidRequestError, checkId, checkText, type Operations } from './operation.js';
import {
  DEFAULT_LOCATION_ID,
  type StockFailure,
  type StockLine,
  type StockWrite,
} from './stock.js';
import type { Caller } from './stock-request.js';
import type { StockService } from './lanes/stock-service.js';
import { allAtOnce, verdictsOf } from './stock-transaction.js';

export interface SetStockRequest {
  readonly productId: string;
  readonly locationId?: string | null | undefined;
  readonly quantity: number;
  /** The quantity that the caller expects now; null skips the comparison. Required: undefined is refused. */
  readonly changeFromQuantity?: number | null | undefined;
  readonly idempotencyKey?: string | null | undefined;
  readonly reason?: string | null | undefined;
  readonly reference?: string | null | undefined;
}

export type SetStockResult =
  | {
      readonly outcome: 'SET';
      readonly productId: string;
      /** Null if the quantity was the same before. */
      readonly movementId: string | null;
      readonly replayed: boolean;
    }
  | { readonly outcome: 'REFUSED'; readonly failure: StockFailure };

export class SetStockTransaction {
  constructor(
    private readonly stock: Pick<StockService, 'carryOut'>,
    private readonly operations: Operations,
  ) {}

  /** @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was applied then. */
  async execute(request: SetStockRequest, caller: Caller): Promise<SetStockResult> {
    const write = checkSetStock(this.operations, request, caller.principal);
    const [verdict] = verdictsOf(write, await this.stock.carryOut(write, caller.deadline));
    if (!verdict) throw new Error('The store gave no verdict for a count.');
    if (verdict.outcome === 'REFUSED') return verdict;
    const { movementId, replayed } = verdict;
    return { outcome: 'SET', productId: request.productId, movementId, replayed };
  }
}

function checkSetStock(
  operations: Operations,
  request: SetStockRequest,
  principal: string | null,
): StockWrite {
  const { productId, quantity, changeFromQuantity, idempotencyKey } = request;
  const locationId = request.locationId ?? DEFAULT_LOCATION_ID;
  checkId(productId, 'productId');
  checkId(locationId, 'locationId');
  if (changeFromQuantity === undefined) {
    throw new InvalidRequestError(
      'changeFromQuantity must be given; got none. Send null to set the quantity without a comparison.',
      'changeFromQuantity',
    );
  }
  const reason = checkText(request.reason, 'reason');
  const reference = checkText(request.reference, 'reference');
  const line: StockLine = {
    index: 0,
    productId,
    locationId,
    quantity,
    change: { type: 'SET', changeFrom: changeFromQuantity },
  };
  const meaning = [reason, reference, productId, locationId, quantity, changeFromQuantity];
  return {
    operation: operations.identify('setStock', principal, idempotencyKey, meaning),
    atomic: true,
    ...allAtOnce([line]),
    reason,
    reference,
    type: 'LINES',
  };
}
