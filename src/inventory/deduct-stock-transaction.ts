/** Takes stock out: each line by itself, or all lines or none. */
import type { StockService } from './lanes/stock-service.js';
import type { Operations } from './operation.js';
import {
  checkRequest,
  type Caller,
  type StockRequest,
  type StockResponse,
} from './stock-request.js';
import { responseOf, writesOf, type StockTransactionSettings } from './stock-transaction.js';

export class DeductStockTransaction {
  constructor(
    private readonly stock: Pick<StockService, 'decreaseStock'>,
    private readonly operations: Operations,
    private readonly settings: StockTransactionSettings,
  ) {}

  /** @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was applied then. */
  async execute(request: StockRequest, caller: Caller): Promise<StockResponse> {
    const checked = checkRequest(this.operations, 'deductStock', request, caller.principal);
    const writes = writesOf(checked, this.settings.batchMax);
    const deadline = caller.deadline.waitingAtMost(checked.maxWaitMs);
    const results = await Promise.all(
      writes.map((write) => this.stock.decreaseStock(write, deadline)),
    );
    return responseOf(checked.lines, writes, results);
  }
}
