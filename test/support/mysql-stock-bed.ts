/**
 * The store on MySQL as a bed of its contract. Its way leads through a proxy that can break it at COMMIT; in a cluster
 * it may lead to another member than the one where the tests look behind it.
 */
import { expect } from '@jest/globals';
import { QueryTypes } from 'sequelize';
import { Database } from '../../src/database/connections.js';
import { MysqlProductCatalogue } from '../../src/database/reading/product-catalogue.js';
import { MysqlReservationCatalogue } from '../../src/database/reading/reservation-catalogue.js';
import { MysqlAnswerArchive } from '../../src/database/writing/answer-archive.js';
import { MysqlStockStore } from '../../src/database/writing/stock-store.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { systemClock } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';
import { createFreshDatabase } from './fresh-database.js';
import { holdRow } from './innodb.js';
import { MysqlProxy } from './mysql-proxy.js';
import { HELD_UNITS_MAX, type StockStoreBed } from './stock-store-contract.js';

/**
 * @param serverUrl where the database is created and looked at; by default the server of the global setup.
 * @param storeUrl the server that the stores write at; by default the same one.
 */
export async function openMysqlBed(
  serverUrl?: string,
  storeUrl = serverUrl,
): Promise<StockStoreBed> {
  const fresh = await createFreshDatabase(serverUrl);
  const name = fresh.url.split('/').at(-1) ?? '';
  const atStore = storeUrl === undefined ? fresh.url : withDatabase(storeUrl, name);
  const proxy = await MysqlProxy.start(atStore);
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
      expect(await catalogue.createProduct(product, soon())).toMatchObject({ id });
    },
    createLocation: (id) => change('INSERT INTO locations (id, name) VALUES (?, ?)', [id, id]),
    setArchived: async (productId, archived) => {
      expect(await catalogue.setArchived(productId, archived, soon())).not.toBeNull();
    },
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
      const stranger = await holdRow(atStore, productId);
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
