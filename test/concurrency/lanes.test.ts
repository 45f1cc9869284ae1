/**
 * What could go wrong when many buyers share one transaction, and does not. Every test runs the product's own lanes on
 * a real database; a foreign session that holds a row's lock makes lines queue up, so a batch holds just what the test
 * wants in it.
 */
import { jest } from '@jest/globals';
import { QueryTypes, type Transaction } from 'sequelize';
import { Database } from '../../src/database/connect.js';
import { SequelizeProductCatalogue } from '../../src/database/sequelize-product-catalogue.js';
import { SequelizeStockStore } from '../../src/database/sequelize-stock-store.js';
import { DeductStockTransaction } from '../../src/inventory/deduct-stock-transaction.js';
import { IncreaseStockTransaction } from '../../src/inventory/increase-stock-transaction.js';
import { NoLocking, RowLocking, type StockLocking } from '../../src/inventory/stock-locking.js';
import {
  IdempotencyKeyReusedError,
  type StockRequest,
  type StockResponse,
} from '../../src/inventory/stock-request.js';
import { StockService, type StockServiceSettings } from '../../src/inventory/stock-service.js';
import { createFreshDatabase, type FreshDatabase } from '../support/fresh-database.js';
import { SeededRandom } from '../support/seeded-random.js';

jest.setTimeout(60_000);

const SETTINGS: StockServiceSettings = {
  lockWaitMs: 10_000,
  batchMax: 512,
  queueMax: 10_000,
  commitsMax: 2,
};

let fresh: FreshDatabase;
let products = 0;
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
  locking: StockLocking = new NoLocking(),
) {
  const statements: string[] = [];
  const database = new Database({
    url: fresh.url,
    poolMax: 10,
    commitsMax: settings.commitsMax ?? SETTINGS.commitsMax,
    onStatement: (sql) => statements.push(sql),
  });
  const store = new SequelizeStockStore(database.writer);
  const stock = new StockService(store, locking, { ...SETTINGS, ...settings });
  opened.push(async () => {
    await stock.stop(5_000);
    await database.close();
  });
  const batchMax = settings.batchMax ?? SETTINGS.batchMax;
  const deducting = new DeductStockTransaction(stock, { batchMax });
  const increasing = new IncreaseStockTransaction(stock, { batchMax });
  const caller = (timeoutMs = 20_000, signal?: AbortSignal) => ({
    principal: null,
    deadlineMs: performance.now() + timeoutMs,
    signal,
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

type Shop = ReturnType<typeof openShop>;

async function newProduct(quantity: number): Promise<string> {
  products += 1;
  const id = `lane-${String(products).padStart(4, '0')}`;
  const database = new Database({ url: fresh.url, poolMax: 2, commitsMax: 1 });
  const product = { id, name: id, quantity, locationId: 'default', lowStockThreshold: null };
  await new SequelizeProductCatalogue(database).createProduct(product);
  await database.close();
  return id;
}

function take(shop: Shop, productId: string, quantity = 1, more: Partial<StockRequest> = {}) {
  return shop.deduct({ items: [{ productId, quantity }], ...more });
}

/** A session of somebody else's that has the product's level locked until `release` is called. */
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
  } satisfies { transaction: Transaction; run: unknown; release: unknown };
}

/** Waits until somebody waits for the level's lock: the first line's transaction is under way. */
async function untilBlocked(shop: Shop): Promise<void> {
  const giveUpMs = performance.now() + 5_000;
  while (!shop.statements.some((sql) => /UPDATE|FOR UPDATE/.test(sql))) {
    if (performance.now() > giveUpMs) throw new Error('No transaction came to the level.');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function answers(response: StockResponse): (number | string)[] {
  return response.results.map(({ verdict }) =>
    verdict.outcome === 'APPLIED' ? verdict.remaining : verdict.failure.code,
  );
}

async function onHand(productId: string): Promise<number | undefined> {
  const [row] = await fresh.sequelize.query<{ on_hand: number }>(
    'SELECT on_hand FROM stock_levels WHERE product_id = ?',
    { replacements: [productId], type: QueryTypes.SELECT },
  );
  return row?.on_hand;
}

test('a single request on an idle lane goes straight through, in one small transaction', async () => {
  const shop = openShop();
  const product = await newProduct(10);
  const kinds = async () => {
    shop.statements.length = 0;
    await take(shop, product);
    return shop.statements.map((sql) => /: (\w+)/.exec(sql)?.[1]);
  };
  const reading = ['START', 'SELECT', 'UPDATE', 'INSERT', 'COMMIT'];
  expect(await kinds()).toEqual(reading);
  expect(await kinds()).toEqual(reading);
  // What the last answer has told, and nobody has changed since, is not asked again.
  expect(await kinds()).toEqual(['START', 'UPDATE', 'INSERT', 'COMMIT']);
});

test('what is remembered of a level never decides against what is there', async () => {
  const [one, two] = [openShop(), openShop()];
  const product = await newProduct(4);
  for (const left of [3, 2, 1, 0]) expect(answers(await take(one, product))).toEqual([left]);
  expect(answers(await take(one, product))).toEqual(['INSUFFICIENT_STOCK']);
  await two.increase(product, 2);
  expect(answers(await take(one, product))).toEqual([1]);
  expect(answers(await take(two, product))).toEqual([0]);
  expect(answers(await take(one, product))).toEqual(['INSUFFICIENT_STOCK']);
});

test('what queues up goes in one transaction, each line with its own answer, in the order of arrival', async () => {
  const shop = openShop();
  const product = await newProduct(50);
  const held = await holdLevel(product);
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

  const ledger = await fresh.sequelize.query<{ delta: number }>(
    'SELECT delta FROM stock_movements WHERE product_id = ? AND sequence > 2 ORDER BY entry',
    { replacements: [product], type: QueryTypes.SELECT },
  );
  const taken = quantities.filter((_, i) => expected[i] !== 'INSUFFICIENT_STOCK');
  expect(ledger.map((line) => -line.delta)).toEqual(taken);
});

test('the number of statements does not grow with the lines', async () => {
  const shop = openShop();
  const product = await newProduct(1_000);
  const count = async (lines: number) => {
    const held = await holdLevel(product);
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

test('nobody is answered before COMMIT has returned', async () => {
  const shop = openShop();
  const product = await newProduct(5);
  const held = await holdLevel(product);
  let answered = 0;
  const buyers = Array.from({ length: 5 }, () =>
    take(shop, product).then(async () => {
      answered += 1;
      // Another session sees the line that this answer speaks of.
      const [row] = await fresh.sequelize.query<{ lines: number }>(
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

describe('two processes that both believe that it is their turn', () => {
  test.each<[string, StockLocking]>([
    ['without a lock', new NoLocking()],
    ['with row locks', new RowLocking()],
  ])('never oversell %s, and every line gets a true answer', async (_, locking) => {
    const shops = [openShop({}, locking), openShop({}, locking), openShop({}, locking)];
    const product = await newProduct(150);
    const random = new SeededRandom(5);
    const buyers = Array.from({ length: 300 }, () => take(random.pick(shops), product));
    const all = (await Promise.all(buyers)).flatMap(answers);
    const remaining = all.filter((answer) => typeof answer === 'number').sort((a, b) => a - b);
    expect(remaining).toEqual(Array.from({ length: 150 }, (__, i) => i));
    expect(all.filter((answer) => answer === 'INSUFFICIENT_STOCK')).toHaveLength(150);
  });
});

test('a change that somebody else commits in the middle of a batch is seen by all of its lines', async () => {
  const shop = openShop();
  const product = await newProduct(10);
  const held = await holdLevel(product);
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

test('a line that the database will not take fails alone', async () => {
  const shop = openShop();
  const product = await newProduct(100);
  await fresh.sequelize
    .query(`CREATE TRIGGER refuse_poison BEFORE INSERT ON stock_movements FOR EACH ROW
    BEGIN
      IF NEW.reference = 'poison' THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'poison'; END IF;
    END`);
  opened.push(async () => {
    await fresh.sequelize.query('DROP TRIGGER refuse_poison');
  });
  const held = await holdLevel(product);
  const first = take(shop, product);
  await untilBlocked(shop);
  const buyers = Array.from({ length: 20 }, (_, i) =>
    take(shop, product, 1, { reference: i === 6 || i === 13 ? 'poison' : 'cart' }),
  );
  const settled = Promise.allSettled([first, ...buyers]);
  await held.release();
  const outcomes = (await settled).map((outcome, i) => [i, outcome.status] as const);
  const failed = outcomes.filter(([, status]) => status === 'rejected').map(([i]) => i);
  expect(failed).toEqual([7, 14]);
  expect(await onHand(product)).toBe(81);
});

describe('one idempotency key in one batch', () => {
  async function inOneBatch(product: string, shop: Shop, send: () => Promise<StockResponse>[]) {
    const held = await holdLevel(product);
    const first = take(shop, product);
    await untilBlocked(shop);
    const sent = Promise.allSettled(send());
    await held.release();
    await first;
    return sent;
  }

  test('has one effect, and the same answer for all who sent it', async () => {
    const shop = openShop();
    const product = await newProduct(10);
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
    expect(await onHand(product)).toBe(7);
  });

  test('is refused to another request', async () => {
    const shop = openShop();
    const product = await newProduct(10);
    const idempotencyKey = `other-${product}`;
    const [one, two] = await inOneBatch(product, shop, () => [
      take(shop, product, 2, { idempotencyKey }),
      take(shop, product, 3, { idempotencyKey }),
    ]);
    expect(one?.status).toBe('fulfilled');
    expect((two as PromiseRejectedResult).reason).toBeInstanceOf(IdempotencyKeyReusedError);
    expect(await onHand(product)).toBe(7);
  });

  test('serves a basket whose products are in several lanes', async () => {
    const shop = openShop();
    const [a, b] = [await newProduct(5), await newProduct(5)];
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
    expect([await onHand(a), await onHand(b)]).toEqual([3, 4]);
  });
});

describe('bounds', () => {
  test('no transaction has more lines than the bound, and a crowd leaves room for others', async () => {
    const shop = openShop({ batchMax: 10, commitsMax: 1 });
    const [crowded, quiet] = [await newProduct(1_000), await newProduct(1_000)];
    const held = await holdLevel(crowded);
    const first = take(shop, crowded);
    await untilBlocked(shop);
    const crowd = Array.from({ length: 50 }, () => take(shop, crowded));
    const order: string[] = [];
    const watched = crowd.map((answer, i) => answer.then(() => order.push(`crowd-${i}`)));
    const other = take(shop, quiet).then(() => order.push('quiet'));
    shop.statements.length = 0;
    await held.release();
    await Promise.all([first, other, ...watched]);
    // With one transaction at a time and ten lines in each, the quiet product is in the first one or the next.
    expect(order.indexOf('quiet')).toBeLessThan(20);
    const widths = shop.statements
      .filter((sql) => sql.includes('INSERT INTO stock_movements'))
      .map((sql) => sql.split("'DEDUCTION'").length - 1);
    expect(Math.max(...widths)).toBeLessThanOrEqual(10);
  });

  test('one line more than the queue holds is told to come back, at once, and nothing of it is done', async () => {
    const shop = openShop({ queueMax: 20 });
    const product = await newProduct(100);
    const held = await holdLevel(product);
    const first = take(shop, product);
    await untilBlocked(shop);
    const queued = Array.from({ length: 20 }, () => take(shop, product));
    const [refused] = (await take(shop, product)).failedItems;
    expect(refused?.verdict).toMatchObject({
      failure: { code: 'OVERLOADED', retryAfterMs: expect.any(Number) as number },
    });
    await held.release();
    await Promise.all([first, ...queued]);
    expect(await onHand(product)).toBe(79);
  });

  test('who has waited long enough, or has gone, leaves before the next batch is built', async () => {
    const shop = openShop({ lockWaitMs: 300 });
    const product = await newProduct(100);
    const held = await holdLevel(product);
    const first = take(shop, product);
    await untilBlocked(shop);
    const late = take(shop, product);
    const impatient = shop.deduct({ items: [{ productId: product, quantity: 1 }] }, 50);
    const hangUp = new AbortController();
    const gone = shop.deduct(
      { items: [{ productId: product, quantity: 1 }] },
      20_000,
      hangUp.signal,
    );
    hangUp.abort();
    expect(answers(await impatient)).toEqual(['LOCK_TIMEOUT']);
    expect(answers(await late)).toEqual(['LOCK_TIMEOUT']);
    await held.release();
    expect(answers(await first)).toEqual([99]);
    expect(['UNAVAILABLE', 'LOCK_TIMEOUT']).toContain(answers(await gone)[0]);
    expect(await onHand(product)).toBe(99);
  });

  test('who is in a transaction that outlasts the deadline is told that it may have been applied', async () => {
    const shop = openShop();
    const product = await newProduct(100);
    const held = await holdLevel(product);
    const patient = take(shop, product);
    const impatient = shop.deduct({ items: [{ productId: product, quantity: 1 }] }, 200);
    const [refused] = (await impatient).failedItems;
    expect(refused?.verdict).toMatchObject({
      failure: { code: 'UNAVAILABLE', mayHaveApplied: true, retryable: false },
    });
    await held.release();
    expect(answers(await patient)).toEqual([99]);
    expect(await onHand(product)).toBe(98);
  });

  test('a turn is given back after a bounded number of commits, however many wait', async () => {
    let turns = 0;
    const counting: StockLocking = {
      inTurn: (productIds, limits, work) => {
        turns += 1;
        return new NoLocking().inTurn(productIds, limits, work);
      },
    };
    const perLine = openShop({ batchMax: 1 }, counting);
    const product = await newProduct(100);
    await Promise.all(Array.from({ length: 12 }, () => take(perLine, product)));
    expect(turns).toBe(12);
  });
});

describe('baskets beside lanes', () => {
  test.each<[string, StockLocking]>([
    ['without a lock', new NoLocking()],
    ['with row locks', new RowLocking()],
  ])('meet no deadlock over level rows %s', async (_, locking) => {
    const ids = await Promise.all(Array.from({ length: 6 }, () => newProduct(10_000)));
    const shops = [openShop({}, locking), openShop({}, locking)];
    const deadlocks = async () => {
      const [row] = await fresh.sequelize.query<{ raised: number }>(
        `SELECT COUNT AS raised FROM information_schema.innodb_metrics WHERE NAME = 'lock_deadlocks'`,
        { type: QueryTypes.SELECT },
      );
      return Number(row?.raised);
    };
    const before = await deadlocks();
    const random = new SeededRandom(11);
    const work = Array.from({ length: 300 }, () => {
      const shop = random.pick(shops);
      if (random.chance(0.5)) return take(shop, random.pick(ids));
      const items = Array.from({ length: random.integer(2, 4) }, () => ({
        productId: random.pick(ids),
        quantity: 1,
      }));
      return shop.deduct({ items, mode: random.chance(0.7) ? 'ALL_OR_NOTHING' : 'PARTIAL' });
    });
    const responses = await Promise.all(work);
    expect(responses.flatMap(answers).filter((answer) => typeof answer === 'string')).toEqual([]);
    expect(await deadlocks()).toBe(before);
  });

  test('all or nothing gets through beside a saturated lane', async () => {
    const shop = openShop();
    const [hot, cold] = [await newProduct(1_000_000), await newProduct(10)];
    let busy = true;
    const crowd = Array.from({ length: 50 }, async () => {
      while (busy) await take(shop, hot);
    });
    for (let i = 0; i < 5; i += 1) {
      const basket = [hot, cold].map((productId) => ({ productId, quantity: 1 }));
      const response = await shop.deduct({ items: basket, mode: 'ALL_OR_NOTHING' });
      expect(response.failedItems).toEqual([]);
    }
    busy = false;
    await Promise.all(crowd);
    expect(await onHand(cold)).toBe(5);
  });
});

test('a stop finishes what is under way, answers the rest, and takes nothing more', async () => {
  const shop = openShop();
  const product = await newProduct(100);
  const held = await holdLevel(product);
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
  expect(await onHand(product)).toBe(99);
});
