/**
 * Many callers share one transaction on a real MySQL, and each gets the answer that it would get alone. Bounds, and
 * baskets beside lanes, are in `lanes-bounds.test.ts`; states without MySQL in `test/unit/inventory/lanes.test.ts`.
 */
import { QueryTypes } from 'sequelize';
import { LocalTurns, type Turns } from '../../src/inventory/lanes/turns.js';
import {
  IdempotencyKeyReusedError,
  type StockResponse,
} from '../../src/inventory/stock-request.js';
import { answers, take, untilBlocked, useLanes, type LaneShop } from '../support/lane-shop.js';
import { SeededRandom } from '../../src/simulation/seeded-random.js';

const lanes = useLanes();

test('[B11] a single request on an idle lane takes one small transaction', async () => {
  const shop = lanes.openShop();
  const product = await lanes.newProduct(10);
  const kinds = async () => {
    shop.statements.length = 0;
    await take(shop, product);
    return shop.statements.map((sql) => /: (\w+)/.exec(sql)?.[1]);
  };
  const reading = ['START', 'SELECT', 'UPDATE', 'INSERT', 'COMMIT'];
  expect(await kinds()).toEqual(reading);
  expect(await kinds()).toEqual(reading);
  // A level that no other process has changed since is remembered, and not read again.
  expect(await kinds()).toEqual(['START', 'UPDATE', 'INSERT', 'COMMIT']);
});

test('[B4] [B17] a remembered level never decides against the stored one', async () => {
  const [one, two] = [lanes.openShop(), lanes.openShop()];
  const product = await lanes.newProduct(4);
  for (const left of [3, 2, 1, 0]) expect(answers(await take(one, product))).toEqual([left]);
  expect(answers(await take(one, product))).toEqual(['INSUFFICIENT_STOCK']);
  await two.increase(product, 2);
  expect(answers(await take(one, product))).toEqual([1]);
  expect(answers(await take(two, product))).toEqual([0]);
  expect(answers(await take(one, product))).toEqual(['INSUFFICIENT_STOCK']);
});

test('[B6] [B8] lines that queue up go in one transaction, in order of arrival, each with its own answer', async () => {
  const shop = lanes.openShop();
  const product = await lanes.newProduct(50);
  const held = await lanes.holdLevel(product);
  const first = take(shop, product);
  await untilBlocked(shop);
  const random = new SeededRandom(7);
  const quantities = Array.from({ length: 60 }, () => random.integer(1, 4));
  const rest = quantities.map((quantity) => take(shop, product, quantity));
  shop.statements.length = 0;
  await held.release();

  // The rule said plainly: too much is refused, and a smaller line behind it may still be served.
  let left = 49;
  const expected = quantities.map((quantity) =>
    quantity <= left ? (left -= quantity) : 'INSUFFICIENT_STOCK',
  );
  expect(answers(await first)).toEqual([49]);
  expect((await Promise.all(rest)).flatMap(answers)).toEqual(expected);
  expect(shop.commits()).toBe(2);
  expect(shop.statements.some((sql) => sql.includes('SAVEPOINT'))).toBe(false);

  const ledger = await lanes
    .database()
    .sequelize.query<{ delta: number }>(
      'SELECT delta FROM stock_movements WHERE product_id = ? AND sequence > 2 ORDER BY entry',
      { replacements: [product], type: QueryTypes.SELECT },
    );
  const taken = quantities.filter((_, i) => expected[i] !== 'INSUFFICIENT_STOCK');
  expect(ledger.map((line) => -line.delta)).toEqual(taken);
});

test('[B6] the number of statements does not grow with the lines', async () => {
  const shop = lanes.openShop();
  const product = await lanes.newProduct(1_000);
  const count = async (lines: number) => {
    const held = await lanes.holdLevel(product);
    const first = take(shop, product);
    await untilBlocked(shop);
    const rest = Array.from({ length: lines }, () => take(shop, product));
    await held.release();
    await first;
    shop.statements.length = 0;
    await Promise.all(rest);
    return shop.statements.length;
  };
  const few = await count(2);
  expect(await count(200)).toBeLessThanOrEqual(few);
});

test('[B1] no caller is answered before COMMIT has returned', async () => {
  const shop = lanes.openShop();
  const product = await lanes.newProduct(5);
  const held = await lanes.holdLevel(product);
  let answered = 0;
  const buyers = Array.from({ length: 5 }, () =>
    take(shop, product).then(async () => {
      answered += 1;
      // Another session sees the line that this answer speaks of.
      const [row] = await lanes
        .database()
        .sequelize.query<{ lines: number }>(
          'SELECT COUNT(*) AS `lines` FROM stock_movements WHERE product_id = ?',
          { replacements: [product], type: QueryTypes.SELECT },
        );
      expect(row?.lines).toBeGreaterThan(answered);
    }),
  );
  await untilBlocked(shop);
  expect(answered).toBe(0);
  await held.release();
  await Promise.all(buyers);
});

describe('[B3] [B17] [R6] processes that have the turn at the same time', () => {
  test.each<[string, Turns]>([
    ['without a lock', new LocalTurns(false)],
    ['with row locks', new LocalTurns(true)],
  ])('never oversell %s, and every line gets a true answer', async (_, locking) => {
    const shops = [
      lanes.openShop({}, locking),
      lanes.openShop({}, locking),
      lanes.openShop({}, locking),
    ];
    const product = await lanes.newProduct(150);
    const random = new SeededRandom(5);
    const buyers = Array.from({ length: 300 }, () => take(random.pick(shops), product));
    const all = (await Promise.all(buyers)).flatMap(answers);
    const remaining = all.filter((answer) => typeof answer === 'number').sort((a, b) => a - b);
    expect(remaining).toEqual(Array.from({ length: 150 }, (__, i) => i));
    expect(all.filter((answer) => answer === 'INSUFFICIENT_STOCK')).toHaveLength(150);
  });
});

test('[B4] [B16] a change that another session commits during a batch is seen by all of its lines', async () => {
  const shop = lanes.openShop();
  const product = await lanes.newProduct(10);
  const held = await lanes.holdLevel(product);
  const buyers = Array.from({ length: 4 }, () => take(shop, product));
  await untilBlocked(shop);
  // Seven units leave by another way, with a ledger line as everything has.
  await held.run(`UPDATE stock_levels SET on_hand = on_hand - 7, last_sequence = last_sequence + 1,
                    version = version + 1 WHERE product_id = ?`);
  await held.run(`INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before,
                    quantity_after, available_after, operation_id, line_index)
                  VALUES (?, 'default', 2, 'CORRECTION', -7, 10, 3, 3, RANDOM_BYTES(32), 0)`);
  await held.release();
  expect((await Promise.all(buyers)).flatMap(answers)).toEqual([2, 1, 0, 'INSUFFICIENT_STOCK']);
});

test('[B5] a line that the database rejects fails alone, and the others keep their order', async () => {
  const shop = lanes.openShop();
  const product = await lanes.newProduct(100);
  await lanes.database().sequelize
    .query(`CREATE TRIGGER refuse_poison BEFORE INSERT ON stock_movements FOR EACH ROW
    BEGIN
      IF NEW.reference = 'poison' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'poison'; END IF;
    END`);
  lanes.onClose(async () => {
    await lanes.database().sequelize.query('DROP TRIGGER refuse_poison');
  });
  const held = await lanes.holdLevel(product);
  const first = take(shop, product);
  await untilBlocked(shop);
  const buyers = Array.from({ length: 20 }, (_, i) =>
    take(shop, product, 1, { reference: i === 6 || i === 13 ? 'poison' : 'cart' }),
  );
  const settled = Promise.allSettled([first, ...buyers]);
  await held.release();
  const outcomes = await settled;
  const failed = outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []));
  expect(failed).toEqual([7, 14]);
  const served = outcomes.flatMap((one) => (one.status === 'fulfilled' ? answers(one.value) : []));
  expect(served).toEqual(Array.from({ length: 19 }, (_, i) => 99 - i));
  expect(await lanes.onHand(product)).toBe(81);
});

describe('[B7] one idempotency key in one batch', () => {
  async function inOneBatch(product: string, shop: LaneShop, send: () => Promise<StockResponse>[]) {
    const held = await lanes.holdLevel(product);
    const first = take(shop, product);
    await untilBlocked(shop);
    const sent = Promise.allSettled(send());
    await held.release();
    await first;
    return sent;
  }

  test('has one effect, and the same answer for all its callers', async () => {
    const shop = lanes.openShop();
    const product = await lanes.newProduct(10);
    const outcomes = await inOneBatch(product, shop, () =>
      Array.from({ length: 5 }, () =>
        take(shop, product, 2, { idempotencyKey: `twice-${product}` }),
      ),
    );
    const responses = outcomes.map(
      (outcome) => (outcome as PromiseFulfilledResult<StockResponse>).value,
    );
    expect(responses.map(answers)).toEqual(Array.from({ length: 5 }, () => [7]));
    expect(responses.filter((response) => !response.replayed)).toHaveLength(1);
    expect(await lanes.onHand(product)).toBe(7);
  });

  test('is refused to another request', async () => {
    const shop = lanes.openShop();
    const product = await lanes.newProduct(10);
    const idempotencyKey = `other-${product}`;
    const [one, two] = await inOneBatch(product, shop, () => [
      take(shop, product, 2, { idempotencyKey }),
      take(shop, product, 3, { idempotencyKey }),
    ]);
    expect(one?.status).toBe('fulfilled');
    expect((two as PromiseRejectedResult).reason).toBeInstanceOf(IdempotencyKeyReusedError);
    expect(await lanes.onHand(product)).toBe(7);
  });

  test('[R4] serves a basket that names a product twice and has products in several lanes', async () => {
    const shop = lanes.openShop();
    const [a, b] = [await lanes.newProduct(5), await lanes.newProduct(5)];
    const basket = {
      items: [
        { productId: b, quantity: 1 },
        { productId: a, quantity: 2 },
        { productId: a, quantity: 9 },
        { productId: b, quantity: 0 },
      ],
      idempotencyKey: `basket-${a}`,
    };
    const responses = await Promise.all([
      shop.deduct(basket),
      shop.deduct(basket),
      shop.deduct(basket),
    ]);
    for (const response of [...responses, await shop.deduct(basket)]) {
      expect(answers(response)).toEqual([4, 3, 'INSUFFICIENT_STOCK', 'INVALID_QUANTITY']);
    }
    expect([await lanes.onHand(a), await lanes.onHand(b)]).toEqual([3, 4]);
  });
});

test('[B13] a stop finishes commits under way, refuses waiting lines, and accepts no more', async () => {
  const shop = lanes.openShop();
  const product = await lanes.newProduct(100);
  const held = await lanes.holdLevel(product);
  const first = take(shop, product);
  await untilBlocked(shop);
  const waiting = Array.from({ length: 5 }, () => take(shop, product));
  const stopped = shop.stock.stop(10_000);
  expect((await Promise.all(waiting)).flatMap(answers)).toEqual(
    Array.from({ length: 5 }, () => 'UNAVAILABLE'),
  );
  expect(answers(await take(shop, product))).toEqual(['UNAVAILABLE']);
  await held.release();
  await stopped;
  expect(answers(await first)).toEqual([99]);
  expect(await lanes.onHand(product)).toBe(99);
});
