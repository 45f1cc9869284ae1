/**
 * The product's own lanes on a database of the test file's own, without HTTP and GraphQL in front of them. A foreign
 * session that holds a row's lock makes lines queue up, so a batch holds just what the test wants in it.
 */
import { systemClock, systemRandomBytes } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';
import { Database } from '../../src/database/connections.js';
import { MysqlStockStore } from '../../src/database/writing/stock-store.js';
import { DeductStockTransaction } from '../../src/inventory/deduct-stock-transaction.js';
import { IncreaseStockTransaction } from '../../src/inventory/increase-stock-transaction.js';
import { Operations } from '../../src/inventory/operation.js';
import { LocalTurns, type Turns } from '../../src/inventory/lanes/turns.js';
import type { StockRequest, StockResponse } from '../../src/inventory/stock-request.js';
import {
  StockService,
  type StockServiceSettings,
} from '../../src/inventory/lanes/stock-service.js';
import { createFreshDatabase, type FreshDatabase } from './fresh-database.js';
import { until } from './until.js';

const SETTINGS: StockServiceSettings = {
  turnMaxMs: 5_000,
  lockWaitMs: 10_000,
  batchMax: 512,
  queueMax: 10_000,
  queueMaxPerPrincipal: 10_000,
  commitsMax: 2,
};

/** To be called once in a test file: makes the database and drops it, and verifies the ledger after each test. */
export function useLanes() {
  let fresh: FreshDatabase;
  const opened: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    fresh = await createFreshDatabase();
  });

  afterEach(async () => {
    for (const close of opened.splice(0).reverse()) await close();
    expect((await fresh.verifyLedger()).problems).toEqual([]);
  });

  afterAll(async () => {
    await fresh.drop();
  });

  /** As the composition root builds it; a list of the statements that went to MySQL is kept. */
  function openShop(
    settings: Partial<StockServiceSettings> = {},
    locking: Turns = new LocalTurns(false),
  ) {
    const statements: string[] = [];
    const database = new Database({
      url: fresh.url,
      poolMax: 10,
      commitsMax: settings.commitsMax ?? SETTINGS.commitsMax,
      onStatement: (sql) => statements.push(sql),
    });
    const store = new MysqlStockStore(database.writer);
    const stock = new StockService(store, locking, { ...SETTINGS, ...settings });
    opened.push(async () => {
      await stock.stop(5_000);
      await database.close();
    });
    const batchMax = settings.batchMax ?? SETTINGS.batchMax;
    const operations = new Operations(systemRandomBytes);
    const deducting = new DeductStockTransaction(stock, operations, { batchMax });
    const increasing = new IncreaseStockTransaction(stock, operations, { batchMax });
    const caller = (timeoutMs = 20_000, signal?: AbortSignal) => ({
      principal: null,
      deadline: Deadline.in(timeoutMs, systemClock, signal),
    });
    return {
      stock,
      statements,
      commits: () => statements.filter((sql) => /: COMMIT;?$/.test(sql)).length,
      deduct: (
        request: Partial<StockRequest> & Pick<StockRequest, 'items'>,
        ...limits: Parameters<typeof caller>
      ) => deducting.execute({ mode: 'PARTIAL', ...request }, caller(...limits)),
      increase: (productId: string, quantity: number) =>
        increasing.execute({ mode: 'PARTIAL', items: [{ productId, quantity }] }, caller()),
    };
  }

  /** Another session that has the product's level locked until `release` is called. */
  async function holdLevel(productId: string) {
    const transaction = await fresh.sequelize.transaction();
    const replacements = [productId];
    await fresh.sequelize.query('SELECT * FROM stock_levels WHERE product_id = ? FOR UPDATE', {
      replacements,
      transaction,
    });
    return {
      transaction,
      run: (sql: string) => fresh.sequelize.query(sql, { replacements, transaction }),
      release: () => transaction.commit(),
    };
  }

  return {
    database: () => fresh,
    onClose: (close: () => Promise<void>) => opened.push(close),
    openShop,
    newProduct: (quantity: number) => fresh.newProduct(quantity),
    holdLevel,
    onHand: (productId: string) => fresh.onHand(productId),
  };
}

export type LaneShop = ReturnType<ReturnType<typeof useLanes>['openShop']>;

export function take(
  shop: LaneShop,
  productId: string,
  quantity = 1,
  more: Partial<StockRequest> = {},
) {
  return shop.deduct({ items: [{ productId, quantity }], ...more });
}

/** Waits until a transaction waits for the level's lock: the first line's transaction is under way. */
export async function untilBlocked(shop: LaneShop): Promise<void> {
  await until('a transaction that comes to the level', () =>
    shop.statements.some((sql) => /UPDATE|FOR UPDATE/.test(sql)),
  );
}

export function answers(response: StockResponse): (number | string)[] {
  return response.results.map(({ verdict }) =>
    verdict.outcome === 'APPLIED' ? verdict.remaining : verdict.failure.code,
  );
}
