/** A lane's queue, batches, waits and turns are bounded; baskets get their turns beside saturated lanes. */
import { LocalTurns, type Turns } from '../../src/inventory/lanes/turns.js';
import { deadlocksIn } from '../support/innodb.js';
import { answers, take, untilBlocked, useLanes } from '../support/lane-shop.js';
import { SeededRandom } from '../../src/simulation/seeded-random.js';

const lanes = useLanes();

describe('bounds', () => {
  test('[B10] no transaction has more lines than the bound, and a busy product leaves room for others', async () => {
    const shop = lanes.openShop({ batchMax: 10, commitsMax: 1 });
    const [crowded, quiet] = [await lanes.newProduct(1_000), await lanes.newProduct(1_000)];
    const held = await lanes.holdLevel(crowded);
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

  test('many lanes are shared between the commit slots, and few lanes go together', async () => {
    const shop = lanes.openShop({ commitsMax: 2 });
    const ids = await Promise.all(Array.from({ length: 80 }, () => lanes.newProduct(10)));
    const widthsFor = async (count: number) => {
      shop.statements.length = 0;
      const taken = await Promise.all(ids.slice(0, count).map((id) => take(shop, id)));
      expect(taken.flatMap(({ failedItems }) => failedItems)).toEqual([]);
      return shop.statements
        .filter((sql) => sql.includes('INSERT INTO stock_movements'))
        .map((sql) => sql.split("'DEDUCTION'").length - 1);
    };
    expect(await widthsFor(80)).toEqual([40, 40]);
    expect(await widthsFor(30)).toEqual([30]);
  });

  test('[B12] one line more than the queue holds is refused as OVERLOADED at once and not written', async () => {
    const shop = lanes.openShop({ queueMax: 20 });
    const product = await lanes.newProduct(100);
    const held = await lanes.holdLevel(product);
    const first = take(shop, product);
    await untilBlocked(shop);
    const queued = Array.from({ length: 20 }, () => take(shop, product));
    const [refused] = (await take(shop, product)).failedItems;
    expect(refused?.verdict).toMatchObject({
      failure: { code: 'OVERLOADED', retryAfterMs: expect.any(Number) as number },
    });
    await held.release();
    await Promise.all([first, ...queued]);
    expect(await lanes.onHand(product)).toBe(79);
  });

  test('[B12] an entry whose wait is over, or whose caller has gone, is left out of the next batch', async () => {
    const shop = lanes.openShop({ lockWaitMs: 300 });
    const product = await lanes.newProduct(100);
    const held = await lanes.holdLevel(product);
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
    expect(answers(await gone)).toEqual(['UNAVAILABLE']);
    expect(await lanes.onHand(product)).toBe(99);
  });

  test('a caller whose deadline passes during its transaction is told that it may have been applied', async () => {
    const shop = lanes.openShop();
    const product = await lanes.newProduct(100);
    const held = await lanes.holdLevel(product);
    const patient = take(shop, product);
    const impatient = shop.deduct({ items: [{ productId: product, quantity: 1 }] }, 200);
    const [refused] = (await impatient).failedItems;
    expect(refused?.verdict).toMatchObject({
      failure: { code: 'UNAVAILABLE', mayHaveApplied: true, retryable: false },
    });
    await held.release();
    expect(answers(await patient)).toEqual([99]);
    expect(await lanes.onHand(product)).toBe(98);
  });

  test('[B9] a turn ends after a bounded number of commits, however many entries wait', async () => {
    let turns = 0;
    const counting: Turns = {
      take: () => {
        turns += 1;
        return new LocalTurns(false).take();
      },
    };
    const perLine = lanes.openShop({ batchMax: 1 }, counting);
    const product = await lanes.newProduct(100);
    await Promise.all(Array.from({ length: 12 }, () => take(perLine, product)));
    expect(turns).toBe(12);
  });
});

describe('[B14] baskets beside lanes', () => {
  test.each<[string, Turns]>([
    ['without a lock', new LocalTurns(false)],
    ['with row locks', new LocalTurns(true)],
  ])('meet no deadlock over level rows %s', async (_, locking) => {
    const shops = [lanes.openShop({}, locking), lanes.openShop({}, locking)];
    const round = async () => {
      const ids = await Promise.all(Array.from({ length: 6 }, () => lanes.newProduct(10_000)));
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
    };
    expect(await deadlocksIn(lanes.database().sequelize, round)).toBe('NONE');
  });

  test('an ALL_OR_NOTHING basket gets its turn beside a saturated lane', async () => {
    const shop = lanes.openShop();
    const [hot, cold] = [await lanes.newProduct(1_000_000), await lanes.newProduct(10)];
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
    expect(await lanes.onHand(cold)).toBe(5);
  });
});
