/** Takes stock out, line by line or all lines at once. */
import type { Caller, StockRequest, StockResponse } from './stock-request.js';
import type { StockService } from './lanes/stock-service.js';
import { StockTransaction, type StockTransactionSettings } from './stock-transaction.js';

export class DeductStockTransaction {
  private readonly transaction: StockTransaction;

  constructor(stock: Pick<StockService, 'decreaseStock'>, settings: StockTransactionSettings) {
    const carryOut: StockService['decreaseStock'] = (write, deadline) =>
      stock.decreaseStock(write, deadline);
    this.transaction = new StockTransaction('deductStock', carryOut, settings);
  }

  /** @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was done then. */
  execute(request: StockRequest, caller: Caller): Promise<StockResponse> {
    return this.transaction.execute(request, caller);
  }
}
