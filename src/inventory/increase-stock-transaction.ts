/** Puts stock in or back, line by line or all lines at once. */
import type { Caller, StockRequest, StockResponse } from './stock-request.js';
import type { StockService } from './lanes/stock-service.js';
import { StockTransaction, type StockTransactionSettings } from './stock-transaction.js';

export class IncreaseStockTransaction {
  private readonly transaction: StockTransaction;

  constructor(stock: Pick<StockService, 'increaseStock'>, settings: StockTransactionSettings) {
    const carryOut: StockService['increaseStock'] = (write, deadline) =>
      stock.increaseStock(write, deadline);
    this.transaction = new StockTransaction('increaseStock', carryOut, settings);
  }

  /** @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was done then. */
  execute(request: StockRequest, caller: Caller): Promise<StockResponse> {
    return this.transaction.execute(request, caller);
  }
}
