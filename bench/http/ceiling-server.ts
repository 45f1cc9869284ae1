/**
 * Our own server, all of it, over a stock service that touches nothing: what HTTP, GraphQL and the request's form cost.
 * Whatever the real server serves less is what locking, deciding and durably writing cost.
 */
import { pino } from 'pino';
import { loadConfig } from '../../src/config.js';
import { createGraphqlServer } from '../../src/graphql/server.js';
import { DeductStockTransaction } from '../../src/inventory/deduct-stock-transaction.js';
import { IncreaseStockTransaction } from '../../src/inventory/increase-stock-transaction.js';
import { ProductService } from '../../src/inventory/product-service.js';
import { movementId } from '../../src/inventory/stock.js';
import type { StockOrder } from '../../src/inventory/stock-service.js';
import type { ProductCatalogue, WriteResult } from '../../src/inventory/stock-store.js';
import { lockMetrics } from '../../src/metrics.js';

const config = loadConfig(process.env);

/** Grants everything at once. */
const stock = {
  decreaseStock: grant,
  increaseStock: grant,
};

function grant({ lines }: StockOrder): Promise<WriteResult> {
  return Promise.resolve({
    outcome: 'DECIDED',
    verdicts: lines.map((line) => ({
      outcome: 'APPLIED',
      remaining: 1_000_000,
      movementId: movementId(line, 1),
      replayed: false,
    })),
  });
}

const server = createGraphqlServer({
  services: {
    deductStock: new DeductStockTransaction(stock, { batchMax: config.stockBatchMax }),
    increaseStock: new IncreaseStockTransaction(stock, { batchMax: config.stockBatchMax }),
    // Nothing reads in this benchmark.
    products: new ProductService({} as ProductCatalogue),
  },
  log: pino({ level: config.logLevel }),
  host: config.host,
  port: config.port,
  environment: config.environment,
  sandbox: config.sandbox,
  introspection: config.introspection,
  corsOrigins: config.corsOrigins,
  requestTimeoutMs: config.requestTimeoutMs,
  shutdownGraceMs: config.shutdownGraceMs,
  readiness: () => Promise.resolve({ ready: true, details: {} }),
  metrics: lockMetrics(null),
});

process.on('SIGTERM', () => {
  void server.stop().then(() => process.exit(0));
});
await server.start();
