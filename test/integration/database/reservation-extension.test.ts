/** When a reservation is extended is decided by the database's clock, after its row was waited for. */
import { jest } from '@jest/globals';
import { Database } from '../../../src/database/connections.js';
import { MysqlReservationCatalogue } from '../../../src/database/reading/reservation-catalogue.js';
import { MysqlReservationExtender } from '../../../src/database/writing/reservation-extension.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { untilRowsAreWaitedFor } from '../../support/innodb.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { inTenSeconds } from '../../support/one-pool.js';
import { lines, outcomes, reserve, write } from '../../support/stock-writes.js';
import { until } from '../../support/until.js';

let fresh: FreshDatabase;
let proxy: MysqlProxy;
let database: Database;
let store: MysqlStockStore;
let extender: MysqlReservationExtender;
let catalogue: MysqlReservationCatalogue;

beforeAll(async () => {
  // Sequelize warns of each connection that was lost at COMMIT, which is what the fault is.
  jest.spyOn(console, 'warn').mockReturnValue();
  fresh = await createFreshDatabase();
  proxy = await MysqlProxy.start(fresh.url);
  database = new Database({ url: proxy.url, poolMax: 8, commitsMax: 4 });
  store = new MysqlStockStore(database.writer);
  extender = new MysqlReservationExtender(database.writer);
  catalogue = new MysqlReservationCatalogue(database);
});

afterAll(async () => {
  await database.close();
  await proxy.stop();
  const { problems } = await fresh.verifyLedger();
  await fresh.drop();
  expect(problems).toEqual([]);
});

const apply = async (...writes: Parameters<MysqlStockStore['apply']>[0]) =>
  store.apply(writes, {
    deadline: inTenSeconds(),
    contended: false,
    impatient: false,
    fencingTokenOf: () => null,
  });

const extend = (reservationId: string, ttlSeconds: number) =>
  extender.extend({ reservationId, ttlSeconds }, () => true, inTenSeconds());

async function reserved(units: Readonly<Record<string, number>>, ttlSeconds: number) {
  const create = reserve(units, { ttlSeconds });
  const [result] = await apply(create);
  if (result?.outcome !== 'DECIDED' || !result.reservation) throw new Error('None was made.');
  return result.reservation;
}

test('every line is held until the new moment, and not longer', async () => {
  const [a, b] = [await fresh.newProduct(3), await fresh.newProduct(3)];
  const { id, expiresAt } = await reserved({ [a]: 2, [b]: 3 }, 600);
  const extended = await extend(id, 3_600);
  expect(extended).toMatchObject({ outcome: 'EXTENDED', reservation: { id, status: 'ACTIVE' } });
  const now = await catalogue.reservationById(id, inTenSeconds());
  expect(extended).toEqual({ outcome: 'EXTENDED', reservation: now });
  expect((now?.expiresAt.getTime() ?? 0) - expiresAt.getTime()).toBeGreaterThanOrEqual(3_000_000);
  // Also to an earlier moment: ttlSeconds counts from now.
  await extend(id, 1);
  await until('the expiry', async () => {
    return (await catalogue.reservationById(id, inTenSeconds()))?.status === 'EXPIRED';
  });
  const results = await apply(write('deductStock', { items: lines({ [a]: 3, [b]: 3 }) }));
  expect(results.map(outcomes)).toEqual([[0, 0]]);
  expect(await extend(id, 600)).toEqual({
    outcome: 'REFUSED',
    failure: { code: 'RESERVATION_NOT_ACTIVE', status: 'EXPIRED' },
  });
});

test('an extension that waited for the row until after the expiry is refused', async () => {
  const a = await fresh.newProduct(1);
  const { id } = await reserved({ [a]: 1 }, 1);
  const other = await fresh.sequelize.transaction();
  await fresh.sequelize.query('SELECT id FROM reservations WHERE id = ? FOR UPDATE', {
    replacements: [id],
    transaction: other,
  });
  const extending = extend(id, 600);
  await untilRowsAreWaitedFor(fresh.sequelize);
  await until('the expiry', async () => {
    return (await catalogue.reservationById(id, inTenSeconds()))?.status === 'EXPIRED';
  });
  await other.rollback();
  expect(await extending).toMatchObject({
    outcome: 'REFUSED',
    failure: { code: 'RESERVATION_NOT_ACTIVE', status: 'EXPIRED' },
  });
  const [sold] = await apply(write('deductStock', { items: lines({ [a]: 1 }) }));
  expect(outcomes(sold)).toEqual([0]);
});

test.each(['CUT_BEFORE', 'CUT_AFTER'] as const)(
  'an extension whose COMMIT has no answer is settled: %s',
  async (how) => {
    const a = await fresh.newProduct(1);
    const { id } = await reserved({ [a]: 1 }, 600);
    proxy.atCommit(how);
    expect(await extend(id, 7_200)).toMatchObject({ outcome: 'EXTENDED' });
    expect(proxy.faultsLeft).toBe(0);
    const now = await catalogue.reservationById(id, inTenSeconds());
    expect((now?.expiresAt.getTime() ?? 0) - Date.now()).toBeGreaterThan(7_000_000);
  },
);
