/**
 * The store on MySQL, asked what would break if this happened before that. The moments are chosen, not hoped for: a
 * statement is held on its way to MySQL until the other side has done its part.
 */
import { jest } from '@jest/globals';
import { Database } from '../../../src/database/connections.js';
import { createProduct } from '../../../src/database/writing/product-creation.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import { committedValue } from '../../../src/database/writing/transactions.js';
import { sweepOf } from '../../../src/inventory/reservation-sweep.js';
import { derivedReservationId } from '../../../src/inventory/reservation.js';
import type { StockStore, WriteResult } from '../../../src/inventory/stock-store.js';
import type { CreatingWrite, StockWrite } from '../../../src/inventory/stock.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { deadlocksIn, untilRowsAreWaitedFor } from '../../support/innodb.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { close, outcomes, reserve, write } from '../../support/stock-writes.js';

let fresh: FreshDatabase;
let proxy: MysqlProxy;
/** Of a process whose statements can be held. */
let slow: Database;
/** Of another process. */
let other: Database;
let slowStore: StockStore;
let otherStore: StockStore;

beforeAll(async () => {
  fresh = await createFreshDatabase();
  proxy = await MysqlProxy.start(fresh.url);
  slow = new Database({ url: proxy.url, poolMax: 8, commitsMax: 4 });
  other = new Database({ url: fresh.url, poolMax: 8, commitsMax: 4 });
  slowStore = new MysqlStockStore(slow.writer);
  otherStore = new MysqlStockStore(other.writer);
});

afterAll(async () => {
  const { problems } = await fresh.verifyLedger();
  await Promise.all([slow.close(), other.close()]);
  await proxy.stop();
  await fresh.drop();
  expect(problems).toEqual([]);
});

const soon = () => Deadline.in(20_000, systemClock);

function apply(
  store: StockStore,
  writes: readonly StockWrite[],
  contended = false,
): Promise<readonly WriteResult[]> {
  return store.apply(writes, {
    deadline: soon(),
    contended,
    impatient: false,
    fencingTokenOf: () => null,
  });
}

const take = (productId: string, quantity = 1) =>
  write('deductStock', { items: [{ productId, quantity }] });
const put = (productId: string, quantity = 1) =>
  write('increaseStock', { items: [{ productId, quantity }] });

async function expireNow({ reservationId }: CreatingWrite): Promise<void> {
  for (const sql of [
    'UPDATE reservations SET expires_at = NOW(6) WHERE id = ?',
    'UPDATE reservation_lines SET held_until = NOW(6) WHERE reservation_id = ? AND held_until IS NOT NULL',
  ]) {
    await fresh.sequelize.query(sql, { replacements: [reservationId] });
  }
}

/** Starts the slow process' write and holds its first statement that matches until the work is done. */
async function whileHeldAt(
  pattern: RegExp,
  writes: readonly StockWrite[],
  work: () => Promise<unknown>,
): Promise<readonly WriteResult[]> {
  const held = proxy.holdAt(pattern);
  const results = apply(slowStore, writes);
  await held;
  await work();
  proxy.letGo();
  return results;
}

const CHANGE_LEVELS = /^UPDATE \(/;
const LOCK_RESERVATIONS = /^SELECT id, IF\(status/;

test('a sale between the read and the UPDATE is not overwritten', async () => {
  const a = await fresh.newProduct(10);
  const [result] = await whileHeldAt(CHANGE_LEVELS, [take(a, 3)], () =>
    apply(otherStore, [take(a, 4)]),
  );
  expect(outcomes(result)).toEqual([3]);
  expect(await fresh.onHand(a)).toBe(3);
});

test('the last unit that is sold between the read and the UPDATE is not sold again', async () => {
  const a = await fresh.newProduct(1);
  const [result] = await whileHeldAt(CHANGE_LEVELS, [take(a)], () => apply(otherStore, [take(a)]));
  expect(outcomes(result)).toEqual(['INSUFFICIENT_STOCK']);
  expect(await fresh.onHand(a)).toBe(0);
});

test('stock that went and came back between the read and the UPDATE is another level', async () => {
  const a = await fresh.newProduct(5);
  const [result] = await whileHeldAt(CHANGE_LEVELS, [take(a, 2)], async () => {
    await apply(otherStore, [take(a, 5)]);
    await apply(otherStore, [put(a, 5)]);
  });
  expect(outcomes(result)).toEqual([3]);
  expect(await fresh.onHand(a)).toBe(3);
});

test('[B17] stock that another process has put in is found although it was remembered as none', async () => {
  const a = await fresh.newProduct(3);
  // Changed twice by this process alone, the level is remembered from then on.
  for (let i = 0; i < 3; i += 1) await apply(slowStore, [take(a)]);
  expect(outcomes((await apply(slowStore, [take(a)]))[0])).toEqual(['INSUFFICIENT_STOCK']);
  await apply(otherStore, [put(a, 2)]);
  expect(outcomes((await apply(slowStore, [take(a, 2)]))[0])).toEqual([0]);
});

test('[R10] transactions over the same products in opposite orders never deadlock', async () => {
  const basket = (order: readonly string[]) =>
    write('deductStock', {
      mode: 'ALL_OR_NOTHING',
      items: order.map((productId) => ({ productId, quantity: 1 })),
    });
  const round = async () => {
    const ids: string[] = [];
    for (let i = 0; i < 6; i += 1) ids.push(await fresh.newProduct(1_000));
    const results = Array.from({ length: 30 }, (_, i) =>
      apply(
        i % 2 === 0 ? slowStore : otherStore,
        [basket(i % 3 === 0 ? ids : [...ids].reverse())],
        i % 2 === 0,
      ),
    );
    for (const [result] of await Promise.all(results)) {
      expect(outcomes(result).every((outcome) => typeof outcome === 'number')).toBe(true);
    }
    for (const id of ids) expect(await fresh.onHand(id)).toBe(970);
  };
  expect(await deadlocksIn(fresh.sequelize, round)).toBe('NONE');
});

test.each([
  ['the expiry comes first', LOCK_RESERVATIONS],
  ['the commit has locked the reservation', CHANGE_LEVELS],
])('of a commit and the expiry of one reservation exactly one takes effect: %s', async (_, at) => {
  const a = await fresh.newProduct(5);
  const create = reserve({ [a]: 5 });
  await apply(otherStore, [create]);
  const isCommitFirst = at === CHANGE_LEVELS;
  let sweeping: Promise<unknown> = Promise.resolve();
  const [committed] = await whileHeldAt(at, [close(create, 'COMMITTED')], async () => {
    if (!isCommitFirst) {
      await expireNow(create);
      await apply(otherStore, [sweepOf([a])]);
      return;
    }
    // It waits for the reservation's row, which the commit has locked.
    sweeping = expireNow(create).then(() => apply(otherStore, [sweepOf([a])]));
    await untilRowsAreWaitedFor(fresh.sequelize);
  });
  await sweeping;
  expect(committed?.outcome).toBe(isCommitFirst ? 'DECIDED' : 'REFUSED');
  expect(await fresh.onHand(a)).toBe(isCommitFirst ? 0 : 5);
  const [next] = await apply(otherStore, [take(a, 5)]);
  expect(outcomes(next)).toEqual([isCommitFirst ? 'INSUFFICIENT_STOCK' : 0]);
});

test('two processes that find the same expired reservation give it back once', async () => {
  const a = await fresh.newProduct(4);
  const create = reserve({ [a]: 3 });
  await apply(otherStore, [create]);
  await expireNow(create);
  // Both have found it due. The slow one locks it second.
  const [result] = await whileHeldAt(LOCK_RESERVATIONS, [take(a, 2)], () =>
    apply(otherStore, [take(a, 2)]),
  );
  expect(outcomes(result)).toEqual([0]);
  expect(await fresh.onHand(a)).toBe(0);
});

test('a second call with the key of one that is under way waits, and gets its answer', async () => {
  const a = await fresh.newProduct(5);
  const request = { items: [{ productId: a, quantity: 2 }], idempotencyKey: 'at once' };
  let second: Promise<readonly WriteResult[]> | undefined;
  const [first] = await whileHeldAt(CHANGE_LEVELS, [write('deductStock', request)], async () => {
    second = apply(otherStore, [write('deductStock', request)]);
    await untilRowsAreWaitedFor(fresh.sequelize);
  });
  expect(first).toMatchObject({ verdicts: [{ remaining: 3, replayed: false }] });
  expect((await second)?.[0]).toMatchObject({ verdicts: [{ remaining: 3, replayed: true }] });
  expect(await fresh.onHand(a)).toBe(3);
});

test('a call whose first COMMIT was cut off is carried out once, and replayed to the next call', async () => {
  const a = await fresh.newProduct(5);
  const request = { items: [{ productId: a, quantity: 2 }], idempotencyKey: 'rolled back' };
  jest.spyOn(console, 'warn').mockReturnValue();
  proxy.atCommit('CUT_BEFORE');
  const [first] = await apply(slowStore, [write('deductStock', request)]);
  const [second] = await apply(otherStore, [write('deductStock', request)]);
  expect(first).toMatchObject({ verdicts: [{ remaining: 3, replayed: false }] });
  expect(second).toMatchObject({ verdicts: [{ remaining: 3, replayed: true }] });
  expect(proxy.faultsLeft).toBe(0);
  expect(await fresh.onHand(a)).toBe(3);
});

test.each([0, 5])(
  'of two equal products with %d units that are created at once one is there already',
  async (quantity) => {
    const product = { id: `twice-${quantity}`, name: 'Twice', quantity };
    const rest = { locationId: 'default', lowStockThreshold: null };
    const create = async ({ writer }: Database) =>
      committedValue(await createProduct(writer, { ...product, ...rest }, soon()));
    const held = proxy.holdAt(/^INSERT INTO products/);
    const late = create(slow);
    await held;
    expect(await create(other)).toMatchObject({ id: product.id, onHand: quantity });
    proxy.letGo();
    expect(await late).toBe('ALREADY_EXISTS');
  },
);

test('answers that expire while a call with their key waits are not given, and nothing is applied again', async () => {
  const a = await fresh.newProduct(5);
  const request = { items: [{ productId: a, quantity: 2 }], idempotencyKey: 'expiring' };
  await apply(otherStore, [write('deductStock', request)]);
  const [late] = await whileHeldAt(
    /^INSERT INTO stock_operations/,
    [write('deductStock', request)],
    async () => {
      await fresh.sequelize.query(
        'UPDATE stock_operations SET answer_expired = TRUE, answers = NULL WHERE id = ?',
        { replacements: [write('deductStock', request).operation.id] },
      );
    },
  );
  expect(late).toEqual({ outcome: 'KEY_REUSED', answerExpired: true });
  expect(await fresh.onHand(a)).toBe(3);
});

test('a reservation that an earlier version made under a key is found when the key comes again', async () => {
  const a = await fresh.newProduct(10);
  const write = reserve({ [a]: 2 }, { key: `earlier-${a}` });
  const id = derivedReservationId(write.operation);
  await apply(otherStore, [{ ...write, reservationId: id }]);
  await fresh.sequelize.query(
    'UPDATE stock_operations SET reservation_id = NULL WHERE reservation_id = ?',
    { replacements: [id] },
  );
  const [result] = await apply(otherStore, [reserve({ [a]: 2 }, { key: `earlier-${a}` })]);
  expect(result).toMatchObject({ reservation: { id, status: 'ACTIVE' } });
});
