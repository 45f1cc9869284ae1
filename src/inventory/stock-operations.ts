/** The operations on stock that callers can request. */
import { DeductStockTransaction } from './deduct-stock-transaction.js';
import { IncreaseStockTransaction } from './increase-stock-transaction.js';
import type { StockService } from './lanes/stock-service.js';
import type { Operations } from './operation.js';
import type { ReservationCatalogue } from './reservation.js';
import { ReservationService } from './reservation-service.js';
import { SetStockTransaction } from './set-stock-transaction.js';
import type { StockTransactionSettings } from './stock-transaction.js';
import { TransferStockTransaction } from './transfer-stock-transaction.js';

export interface StockOperations {
  readonly deductStock: DeductStockTransaction;
  readonly increaseStock: IncreaseStockTransaction;
  readonly setStock: SetStockTransaction;
  readonly transferStock: TransferStockTransaction;
  readonly reservations: ReservationService;
}

export function stockOperations(
  stock: Pick<StockService, 'decreaseStock' | 'increaseStock' | 'carryOut'>,
  operations: Operations,
  catalogue: Pick<ReservationCatalogue, 'reservationById'>,
  settings: StockTransactionSettings,
): StockOperations {
  return {
    deductStock: new DeductStockTransaction(stock, operations, settings),
    increaseStock: new IncreaseStockTransaction(stock, operations, settings),
    setStock: new SetStockTransaction(stock, operations),
    transferStock: new TransferStockTransaction(stock, operations),
    reservations: new ReservationService(stock, operations, catalogue),
  };
}
