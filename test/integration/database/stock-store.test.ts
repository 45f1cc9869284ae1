/** The store on MySQL keeps the contract, and what only MySQL can get wrong: collations, keys as bytes, the pool. */
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { jest } from '@jest/globals';
import { QueryTypes } from 'sequelize';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { MysqlReservationCatalogue } from '../../../src/database/reading/reservation-catalogue.js';
import { MysqlAnswerArchive } from '../../../src/database/writing/answer-archive.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import { Database } from '../../../src/database/connections.js';
import type { StockStore, WriteResult } from '../../../src/inventory/stock-store.js';
import type { StockWrite } from '../../../src/inventory/stock.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { holdRow } from '../../support/innodb.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { heldUnitsContract } from '../../support/held-units-contract.js';
import {
  HELD_UNITS_MAX,
  stockStoreContract,
  type StockStoreBed,
} from '../../support/stock-store-contract.js';
import { outcomes, write } from '../../support/stock-writes.js';

jest.setTimeout(60_000);

beforeAll(() => {
  // Sequelize warns of each connection that was lost at COMMIT, which is what the faults are.
  jest.spyOn(console, 'warn').mockReturnValue();
});

/** The store's way to MySQL leads through a proxy that can break it at COMMIT. */
async function openBed(): Promise<StockStoreBed> {
  const fresh = await createFreshDatabase();
  const proxy = await MysqlProxy.start(fresh.url);
  const writing = new Database({ url: proxy.url, poolMax: 10, commitsMax: 4 });
  const database = new Database({ url: fresh.url, poolMax: 4, commitsMax: 2 });
  const catalogue = new MysqlProductCatalogue(database);
  const reservations = new MysqlReservationCatalogue(database);
  const archive = new MysqlAnswerArchive(database);
  const soon = () => Deadline.in(10_000, systemClock);
  const change = async (sql: string, replacements: unknown[]) => {
    await fresh.sequelize.query(sql, { replacements });
  };
  return {
    store: new MysqlStockStore(writing.writer),
    bounded: [
      new MysqlStockStore(writing.writer, { heldUnitsMax: HELD_UNITS_MAX }),
      new MysqlStockStore(writing.writer, { heldUnitsMax: HELD_UNITS_MAX }),
    ],
    createProduct: async (id, quantity) => {
      const product = { id, name: id, quantity, locationId: 'default', lowStockThreshold: null };
      expect(await catalogue.createProduct(product, soon())).toBe('CREATED');
    },
    createLocation: (id) => change('INSERT INTO locations (id, name) VALUES (?, ?)', [id, id]),
    level: async (productId, locationId) => {
      const [level] = await fresh.sequelize.query<{ onHand: number; reserved: number }>(
        `SELECT on_hand AS onHand, reserved FROM stock_levels WHERE product_id = ? AND location_id = ?`,
        { replacements: [productId, locationId], type: QueryTypes.SELECT },
      );
      return level ?? null;
    },
    ledger: async (productId) => {
      const page = { direction: 'BACKWARD', limit: 100, before: null } as const;
      const { edges } = await catalogue.movements(page, productId, soon());
      return edges
        .map(({ node }) => node)
        .filter(({ locationId }) => locationId === 'default')
        .reverse();
    },
    reservation: (id) => reservations.reservationById(id, soon()),
    passTime: async (seconds) => {
      for (const [table, column] of [
        ['reservations', 'created_at'],
        ['reservations', 'expires_at'],
        ['reservation_lines', 'held_until'],
        ['stock_operations', 'created_at'],
      ]) {
        await change(`UPDATE ${table} SET ${column} = ${column} - INTERVAL ? SECOND`, [seconds]);
      }
    },
    expireAnswers: async () => {
      await archive.expireAnswers(1, 500, soon());
    },
    loseNextCommit: (how) => {
      proxy.atCommit(how === 'APPLIED' ? 'CUT_AFTER' : 'CUT_BEFORE');
    },
    holdLevel: async (productId) => {
      const stranger = await holdRow(fresh.url, productId);
      return () => stranger.release();
    },
    problems: async () => (await fresh.verifyLedger()).problems,
    close: async () => {
      expect(proxy.faultsLeft).toBe(0);
      await Promise.all([writing.close(), database.close()]);
      await proxy.stop();
      await fresh.drop();
    },
  };
}

stockStoreContract(openBed);

describe('what one principal may hold', () => {
  heldUnitsContract(openBed);
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
    expect(await catalogue.createProduct(product, Deadline.in(10_000, systemClock))).toBe(
      'CREATED',
    );
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
