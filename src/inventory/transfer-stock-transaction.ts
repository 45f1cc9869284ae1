/** Moves stock of one product from one location to another, in one transaction. */
import { InvalidRequestError, checkId, checkText, type Operations } from './operation.js';
import type { StockFailure, StockWrite } from './stock.js';
import type { Caller } from './stock-request.js';
import type { StockService } from './lanes/stock-service.js';
import { allAtOnce, verdictsOf } from './stock-transaction.js';

export interface TransferStockRequest {
  readonly productId: string;
  readonly fromLocationId: string;
  readonly toLocationId: string;
  readonly quantity: number;
  readonly idempotencyKey?: string | null | undefined;
  readonly reason?: string | null | undefined;
  readonly reference?: string | null | undefined;
}

export type TransferStockResult =
  | {
      readonly outcome: 'TRANSFERRED';
      readonly productId: string;
      /** Of the ledger line for the source, then of the one for the destination. */
      readonly movementIds: readonly string[];
      readonly replayed: boolean;
    }
  | { readonly outcome: 'REFUSED'; readonly failure: StockFailure };

export class TransferStockTransaction {
  constructor(
    private readonly stock: Pick<StockService, 'carryOut'>,
    private readonly operations: Operations,
  ) {}

  /** @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was applied then. */
  async execute(request: TransferStockRequest, caller: Caller): Promise<TransferStockResult> {
    const write = checkTransfer(this.operations, request, caller.principal);
    const verdicts = verdictsOf(write, await this.stock.carryOut(write, caller.deadline));
    const failures = verdicts.flatMap((v) => (v.outcome === 'REFUSED' ? [v.failure] : []));
    // One line failed and has the cause; the other was aborted because of it.
    const failure = failures.find(({ code }) => code !== 'ABORTED') ?? failures[0];
    if (failure) return { outcome: 'REFUSED', failure };
    return {
      outcome: 'TRANSFERRED',
      productId: request.productId,
      movementIds: verdicts.flatMap((v) =>
        v.outcome === 'APPLIED' && v.movementId !== null ? [v.movementId] : [],
      ),
      replayed: verdicts.every(({ replayed }) => replayed),
    };
  }
}

function checkTransfer(
  operations: Operations,
  request: TransferStockRequest,
  principal: string | null,
): StockWrite {
  const { productId, fromLocationId, toLocationId, quantity, idempotencyKey } = request;
  checkId(productId, 'productId');
  checkId(fromLocationId, 'fromLocationId');
  checkId(toLocationId, 'toLocationId');
  if (fromLocationId === toLocationId) {
    throw new InvalidRequestError(
      `A transfer needs two different locations; got ${fromLocationId} twice.`,
      'toLocationId',
    );
  }
  const reason = checkText(request.reason, 'reason');
  const reference = checkText(request.reference, 'reference');
  const meaning = [reason, reference, productId, fromLocationId, toLocationId, quantity];
  return {
    operation: operations.identify('transferStock', principal, idempotencyKey, meaning),
    atomic: true,
    ...allAtOnce([
      {
        index: 0,
        productId,
        locationId: fromLocationId,
        quantity,
        change: { type: 'TAKE', kind: 'TRANSFER_OUT' },
      },
      {
        index: 1,
        productId,
        locationId: toLocationId,
        quantity,
        change: { type: 'PUT', kind: 'TRANSFER_IN' },
      },
    ]),
    reason,
    reference,
    type: 'LINES',
  };
}
