/** The store on MySQL keeps the contract, and what only MySQL can get wrong: collations, keys as bytes, the pool. */
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { jest } from '@jest/globals';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import { Database } from '../../../src/database/connections.js';
import type { StockStore, WriteResult } from '../../../src/inventory/stock-store.js';
import type { StockWrite } from '../../../src/inventory/stock.js';
import { archivedContract } from '../../support/archived-contract.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { delegatedWritesContract } from '../../support/delegated-writes-contract.js';
import { heldUnitsContract } from '../../support/held-units-contract.js';
import { openMysqlBed } from '../../support/mysql-stock-bed.js';
import { stockStoreContract } from '../../support/stock-store-contract.js';
import { outcomes, write } from '../../support/stock-writes.js';

beforeAll(() => {
  // Sequelize warns of each connection that was lost at COMMIT, which is what the faults are.
  jest.spyOn(console, 'warn').mockReturnValue();
});

stockStoreContract(() => openMysqlBed());

describe('writes that processes hand to each other', () => {
  delegatedWritesContract(() => openMysqlBed());
});

describe('what one principal may hold', () => {
  heldUnitsContract(() => openMysqlBed());
});

describe('products that are out of sale', () => {
  archivedContract(() => openMysqlBed());
});

describe('what only MySQL can get wrong', () => {
  let fresh: FreshDatabase;
  let database: Database;
  let store: StockStore;

  beforeAll(async () => {
    fresh = await createFreshDatabase();
    database = new Database({ url: fresh.url, poolMax: 10, commitsMax: 4 });
    store = new MysqlStockStore(database.writer);
  });

  afterAll(async () => {
    const report = await fresh.verifyLedger();
    await database.close();
    await fresh.drop();
    expect(report.problems).toEqual([]);
  });

  async function newProduct(id: string, quantity: number): Promise<string> {
    const product = { id, name: id, quantity, locationId: 'default', lowStockThreshold: null };
    const catalogue = new MysqlProductCatalogue(database);
    const created = await catalogue.createProduct(product, Deadline.in(10_000, systemClock));
    expect(created).toMatchObject({ id, onHand: quantity });
    return id;
  }

  function apply(writes: readonly StockWrite[]): Promise<readonly WriteResult[]> {
    return store.apply(writes, {
      deadline: Deadline.in(10_000, systemClock),
      contended: false,
      impatient: false,
      fencingTokenOf: () => null,
    });
  }

  test('keys are told apart byte by byte', async () => {
    const a = await newProduct('keys', 100);
    const keys = ['k', 'K', 'k ', ' k', 'ké', 'ke\u0301', '🔑', 'k\0'];
    keys.push('x'.repeat(255), '🔑'.repeat(255));
    const items = [{ productId: a, quantity: 1 }];
    for (const idempotencyKey of keys) {
      const [result] = await apply([write('deductStock', { items, idempotencyKey })]);
      expect(result).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: false }] });
    }
    const [last] = await apply([write('deductStock', { items })]);
    expect(outcomes(last)).toEqual([100 - keys.length - 1]);
  });

  test('a level is not filled beyond its bound', async () => {
    const a = await newProduct('full', 999_999_999);
    const items = [2, 1].map((quantity) => ({ productId: a, quantity }));
    const [result] = await apply([write('increaseStock', { items })]);
    expect(outcomes(result)).toEqual(['INVALID_QUANTITY', 1_000_000_000]);
  });
});
