/** A member that is behind the others refuses nothing that another member has already made possible. */
import { createConnection } from 'mysql2/promise';
import { Database } from '../../src/database/connections.js';
import { MysqlStockStore } from '../../src/database/writing/stock-store.js';
import { Deadline } from '../../src/time/deadline.js';
import { systemClock } from '../../src/time/clock.js';
import { runSql, type MysqlCluster } from '../../services/mysql-cluster.js';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import {
  CommitReservationDocument,
  ProductDocument,
  ReserveStockDocument,
} from '../generated/operations.js';
import { createFreshDatabase } from '../support/fresh-database.js';
import { runApp } from '../support/running-app.js';
import { lines, outcomes, write } from '../support/stock-writes.js';
import { until } from '../support/until.js';

let group: MysqlCluster;

beforeAll(async () => {
  group = await startMysqlGroup({ mode: 'multi-primary' });
});

afterAll(async () => {
  await group.stop();
});

test('a deduction at a member that lags waits for the stock that another one has acknowledged', async () => {
  const [ahead, behind] = group.members;
  if (!ahead || !behind) throw new Error('There are three members.');
  const fresh = await createFreshDatabase(ahead.url);
  const url = new URL(fresh.url);
  url.port = String(behind.port);
  await group.caughtUp();
  const database = new Database({ url: url.href, poolMax: 4, commitsMax: 2 });
  const store = new MysqlStockStore(database.writer);

  // The member receives what the others commit, and applies none of it.
  const lag = await createConnection(behind.url);
  await lag.query('FLUSH TABLES WITH READ LOCK');
  const product = await fresh.newProduct(5);
  let isAnswered = false;
  const answer = store
    .apply([write('deductStock', { items: lines({ [product]: 5 }), idempotencyKey: 'lag' })], {
      deadline: Deadline.in(20_000, systemClock),
      contended: false,
      impatient: false,
      fencingTokenOf: () => null,
    })
    .finally(() => (isAnswered = true));
  await until('the transaction waits for the applier', () => isWaiting(behind.url), 15_000);
  expect(isAnswered).toBe(false);
  await lag.query('UNLOCK TABLES');

  const [result] = await answer;
  expect(outcomes(result)).toEqual([0]);
  await lag.end();
  await group.caughtUp();
  expect(await fresh.onHand(product)).toBe(0);
  expect((await fresh.verifyLedger()).problems).toEqual([]);
  await database.close();
  await fresh.drop();
});

test('where queries may be behind, a member that lags answers them at once, and waits before it decides', async () => {
  const [ahead, behind] = group.members;
  if (!ahead || !behind) throw new Error('There are three members.');
  const fresh = await createFreshDatabase(ahead.url);
  const atAhead = await runApp(fresh.url);
  await group.caughtUp();
  const url = withDatabase(behind.url, fresh.url.split('/').at(-1) ?? '');
  const atBehind = await runApp(url, { READ_CONSISTENCY: 'eventual' });
  const id = await atAhead.newProduct(5);
  await group.caughtUp();
  const isThere = async () => (await atBehind.dataOf(ProductDocument, { id })).product !== null;
  expect(await isThere()).toBe(true);

  const lag = await createConnection(behind.url);
  await lag.query('FLUSH TABLES WITH READ LOCK');
  const { reserveStock } = await atAhead.dataOf(ReserveStockDocument, {
    input: { items: [{ productId: id, quantity: 2 }] },
  });
  const reservationId = reserveStock.reservation?.id ?? '';
  const { product } = await atBehind.dataOf(ProductDocument, { id });
  expect(product?.levels[0]).toMatchObject({ onHand: 5, available: 5 });
  const ends = atBehind.dataOf(CommitReservationDocument, { input: { reservationId } });
  await until('the commit waits for the applier', () => isWaiting(behind.url), 15_000);
  await lag.query('UNLOCK TABLES');
  expect((await ends).commitReservation.__typename).toBe('ReservationCommitted');

  await lag.end();
  await Promise.all([atAhead.stop(), atBehind.stop()]);
  await group.caughtUp();
  expect(await fresh.onHand(id)).toBe(3);
  await fresh.drop();
});

async function isWaiting(url: string): Promise<boolean> {
  const sql = `SELECT state FROM information_schema.processlist WHERE state LIKE '%hook on transaction begin%'`;
  return (await runSql(url, [sql])).length > 0;
}
