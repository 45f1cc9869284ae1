import { givenUrl } from '../support/fresh-database.js';
import { closeClient } from '../support/graphql-client.js';
import { deadlocksIn } from '../support/innodb.js';
import { runApp, type RunningApp } from '../support/running-app.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import {
  askStock,
  brief,
  callStock,
  deduction,
  type Answer,
  type StockCall,
} from '../support/stock-calls.js';

afterAll(closeClient);

/** A thousand buyers on a slow machine shall be answered by stock, not by the clock. */
const PATIENT = { LOCK_WAIT_MS: '40000', REQUEST_TIMEOUT_MS: '50000' };

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;
  let servers: ServerProcess[];
  let app: RunningApp;

  beforeAll(async () => {
    shop = await Shop.open();
    servers = await shop.startServers(3, stockLock, PATIENT);
    app = await runApp(shop.database.url, {
      STOCK_LOCK: stockLock,
      REDIS_URL: givenUrl('REDIS_URL'),
    });
  });

  afterAll(async () => {
    await app.stop();
    await Promise.all(servers.map((server) => server.stop()));
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  const levels = {
    'at resolver level': (call: StockCall): Promise<Answer> => askStock(app.ask.resolvers, call),
    'over HTTP, by three processes': (call: StockCall, buyer: number): Promise<Answer> =>
      callStock(servers[buyer % servers.length]?.graphqlUrl ?? '', call),
  };

  describe.each(Object.entries(levels))('%s', (_, ask) => {
    const buy = (buyers: number, callOf: (buyer: number) => StockCall): Promise<Answer[]> =>
      Promise.all(Array.from({ length: buyers }, (_, buyer) => ask(callOf(buyer), buyer)));

    test('ten buyers of ten units each get one, and none is left', async () => {
      const id = await shop.newProduct(10);
      const answers = await buy(10, () => deduction({ [id]: 1 }));
      expect(answers.flatMap(brief).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(await shop.onHand(id)).toBe(0);
    });

    test('[R2] of ten buyers of five units five get one and five are refused with INSUFFICIENT_STOCK', async () => {
      const id = await shop.newProduct(5);
      const answers = await buy(10, () => deduction({ [id]: 1 }));
      const refused = Array<string>(5).fill('INSUFFICIENT_STOCK');
      expect(answers.flatMap(brief).sort()).toEqual([0, 1, 2, 3, 4, ...refused]);
      expect(await shop.onHand(id)).toBe(0);
    });

    test.each(['PARTIAL', 'ALL_OR_NOTHING'] as const)(
      '[R10] ten buyers of two products in opposite orders never deadlock (%s)',
      async (mode) => {
        const round = async () => {
          const [first = '', second = ''] = await shop.newProducts(2, 10);
          const answers = await buy(10, (buyer) =>
            deduction(buyer % 2 === 0 ? { [first]: 1, [second]: 1 } : { [second]: 1, [first]: 1 }, {
              mode,
            }),
          );
          expect(answers.flatMap(brief).sort()).toEqual(
            Array.from({ length: 20 }, (_, i) => Math.floor(i / 2)),
          );
          expect([await shop.onHand(first), await shop.onHand(second)]).toEqual([0, 0]);
        };
        expect(await deadlocksIn(shop.database.sequelize, round)).toBe('NONE');
      },
    );
  });

  test('[R6] [R14] of a thousand buyers of a hundred units exactly a hundred get one', async () => {
    const id = await shop.newProduct(100);
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, buyer) =>
        callStock(servers[buyer % servers.length]?.graphqlUrl ?? '', deduction({ [id]: 1 })),
      ),
    );
    const outcomes = answers.flatMap(brief);
    const taken = outcomes.filter((outcome) => typeof outcome === 'number');
    expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(outcomes.filter((outcome) => outcome === 'INSUFFICIENT_STOCK')).toHaveLength(900);
    expect(await shop.onHand(id)).toBe(0);
    expect(await shop.problems()).toEqual([]);
  });
});
