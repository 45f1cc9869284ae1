/** A COMMIT without an answer is not forgotten where the call needs a further transaction before it can go on. */
import { jest } from '@jest/globals';
import { Database } from '../../../src/database/connections.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import type { StockWrite } from '../../../src/inventory/stock.js';
import type { WriteResult } from '../../../src/inventory/stock-store.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { expireReservationsOf } from '../../support/expired-reservations.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { lines, outcomes, reserve, write } from '../../support/stock-writes.js';
import { until } from '../../support/until.js';

/** More than one transaction gives back. */
const RESERVATIONS = 1_100;
const BATCH = 100;
const UNITS = 3_000;

let fresh: FreshDatabase;
let proxy: MysqlProxy;
let database: Database;
let store: MysqlStockStore;

beforeAll(async () => {
  jest.spyOn(console, 'warn').mockReturnValue();
  fresh = await createFreshDatabase();
  proxy = await MysqlProxy.start(fresh.url);
  database = new Database({ url: proxy.url, poolMax: 10, commitsMax: 4, silenceMaxMs: 2_000 });
  store = new MysqlStockStore(database.writer);
});

afterAll(async () => {
  await database.close();
  await proxy.stop();
  await fresh.drop();
});

function apply(writes: readonly StockWrite[]): Promise<readonly WriteResult[]> {
  return store.apply(writes, {
    deadline: Deadline.in(30_000, systemClock),
    contended: false,
    impatient: false,
    fencingTokenOf: () => null,
  });
}

test.each([
  ['without a key', {}],
  ['with a key', { idempotencyKey: 'lost' }],
])(
  'a deduction %s that was applied says so, although many reservations expire before it is settled',
  async (_, key) => {
    const id = await fresh.newProduct(UNITS);
    for (let made = 0; made < RESERVATIONS; made += BATCH) {
      await apply(Array.from({ length: BATCH }, () => reserve({ [id]: 1 })));
    }
    proxy.atCommit('SILENT_AFTER');
    const before = proxy.commitsSeen;
    const deducting = apply([write('deductStock', { items: lines({ [id]: 2 }), ...key })]);
    // It was decided while they held their units. They expire before its connection is cut, after the silence.
    await until('its COMMIT', () => proxy.commitsSeen > before);
    await expireReservationsOf(fresh.sequelize, id);
    const [result] = await deducting;
    expect(proxy.faultsLeft).toBe(0);
    expect(result).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: false }] });
    expect(outcomes(result)).toEqual([UNITS - RESERVATIONS - 2]);
    expect(await fresh.onHand(id)).toBe(UNITS - 2);
    expect((await fresh.verifyLedger()).problems).toEqual([]);
  },
);
