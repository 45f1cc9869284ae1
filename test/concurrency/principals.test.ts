/** One principal floods a product; another one is served in its turn, under each way of locking. */
import { DeductStockDocument, ReserveStockDocument } from '../generated/operations.js';
import { bearer, newApiKey } from '../support/api-keys.js';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import { heldOnce } from '../support/held-once.js';
import { median } from '../support/median.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { until } from '../support/until.js';

const REQUESTS = 250;
const LINES = 100;
const BUYS = 15;
/** How many times longer than alone a single line may take beside the flood. It is alone for 3 to 20 ms. */
const RATIO_MAX = 60;
/** Of fewer times a single pause of the machine is the median. */
const BUYS_MIN = 5;
/** Of each request of a flood. */
const SENT_MAX = 4;
/** A pause of the machine spoils one flood; a turn that is not fair, each. */
const FLOODS_MAX = 3;
/** A flood on a slow machine shall be answered by stock, not by the clock. */
const PATIENT = { LOCK_WAIT_MS: '40000', REQUEST_TIMEOUT_MS: '50000' };

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(async () => {
  closeClient();
  await shop.close();
});

test.each(STOCK_LOCKS)(
  "a single line waits for a bounded multiple of its time alone beside another principal's flood, %s",
  async (stockLock) => {
    const server = await shop.startServer(stockLock, {
      ...PATIENT,
      NODE_ENV: 'production',
      AUTH: 'keys',
      RATE_LIMIT_PER_SECOND: '0',
      LANE_QUEUE_MAX: '100000',
    });
    const keyOf = (name: string) =>
      newApiKey(shop.database, `${name}-${stockLock}`, ['read', 'deduct']);
    const [buyer, flooder] = [await keyOf('buyer'), await keyOf('flooder')];
    const productId = await shop.newProduct(10_000_000);
    const take = async (key: string, lines: number) => {
      const items = Array.from({ length: lines }, () => ({ productId, quantity: 1 }));
      const sinceMs = performance.now();
      const { deductStock } = dataOf(
        await send(
          server.graphqlUrl,
          DeductStockDocument,
          { input: { items } },
          {
            headers: bearer(key),
          },
        ),
      );
      const codes = deductStock.results.map(({ __typename }) => __typename);
      expect(new Set(codes)).toEqual(new Set(['DeductedItem']));
      return performance.now() - sinceMs;
    };
    const buy = async () => {
      const times: number[] = [];
      for (let i = 0; i < BUYS; i += 1) times.push(await take(buyer, 1));
      return times;
    };
    await buy();
    const floods: object[] = [];
    const isServedInTurn = async () => {
      const aloneMs = median(await buy());
      const besideMs: number[] = [];
      let [answered, ended] = [0, 0];
      const flood = Array.from({ length: REQUESTS }, async () => {
        let tookMs = 0;
        // Again where it is answered before the buyer has bought.
        for (
          let sent = 0;
          sent === 0 || (sent < SENT_MAX && besideMs.length < BUYS_MIN);
          sent += 1
        ) {
          tookMs = Math.max(tookMs, await take(flooder, LINES));
          answered += 1;
        }
        ended += 1;
        return tookMs;
      });
      // The flood has to stand in the queue before the buyer comes.
      await until('the first of it is answered', () => answered > 0);
      while (ended < REQUESTS && besideMs.length < BUYS) besideMs.push(await take(buyer, 1));
      const floodMs = Math.max(...(await Promise.all(flood)));
      const ratio = median(besideMs) / aloneMs;
      floods.push({ ratio, aloneMs, besideMs, floodMs });
      return besideMs.length >= BUYS_MIN && ratio < RATIO_MAX;
    };
    const isFair = await heldOnce(FLOODS_MAX, isServedInTurn);
    expect({ floods, isFair }).toMatchObject({ isFair: true });
    await server.stop();
    expect(await shop.problems()).toEqual([]);
  },
);

test('a principal that has filled its part of a queue is OVERLOADED and counted, and others are not', async () => {
  const server = await shop.startServer('redis', {
    ...PATIENT,
    NODE_ENV: 'production',
    AUTH: 'keys',
    RATE_LIMIT_PER_SECOND: '0',
    LANE_QUEUE_MAX: '100000',
    LANE_QUEUE_MAX_PER_PRINCIPAL: '50',
  });
  const [buyer, flooder] = await Promise.all(
    ['buyer', 'flooder'].map((name) =>
      newApiKey(shop.database, `${name}-bounded`, ['read', 'deduct']),
    ),
  );
  const productId = await shop.newProduct(10_000_000);
  const take = async (key = '') => {
    const items = Array.from({ length: LINES }, () => ({ productId, quantity: 1 }));
    const headers = bearer(key);
    const { graphqlUrl } = server;
    const response = await send(graphqlUrl, DeductStockDocument, { input: { items } }, { headers });
    const [first] = dataOf(response).deductStock.results;
    return first?.__typename === 'FailedItem' ? first.error : first?.__typename;
  };
  const flood = Array.from({ length: REQUESTS }, () => take(flooder));
  await Promise.race(flood);
  expect(await take(buyer)).toBe('DeductedItem');
  const refused = (await Promise.all(flood)).filter((answer) => answer !== 'DeductedItem');
  expect(refused.length).toBeGreaterThan(0);
  for (const error of refused) {
    expect(error).toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
      retryAfterMs: expect.any(Number) as number,
    });
  }
  const metrics = await (await fetch(`${new URL(server.graphqlUrl).origin}/metrics`)).text();
  expect(metrics).toContain(`stockade_refusals_total{kind="overload"} ${refused.length}`);
  await server.stop();
});

test.each(['none', 'redis'] as const)(
  'reservations of one principal hold its bound together, through two processes, %s',
  async (stockLock) => {
    const bound = 10;
    const servers = await shop.startServers(2, stockLock, {
      NODE_ENV: 'production',
      AUTH: 'keys',
      RESERVED_UNITS_MAX_PER_PRINCIPAL: String(bound),
    });
    const productId = await shop.newProduct(1_000);
    const keyOf = (name: string) =>
      newApiKey(shop.database, `${name}-holding-${stockLock}`, ['read', 'deduct']);
    const keys = await Promise.all(['anna', 'ben'].map(keyOf));
    const reserve = async (i: number) => {
      const { graphqlUrl = '' } = servers[i % 2] ?? {};
      const input = { items: [{ productId, quantity: 1 }] };
      const headers = bearer(keys[i % 4 < 2 ? 0 : 1] ?? '');
      const response = await send(graphqlUrl, ReserveStockDocument, { input }, { headers });
      const { reservation, failedItems } = dataOf(response).reserveStock;
      return reservation ? 'RESERVED' : failedItems[0]?.error;
    };
    const answers = await Promise.all(Array.from({ length: 80 }, (_, i) => reserve(i)));
    const refused = answers.filter((answer) => answer !== 'RESERVED');
    expect(answers.length - refused.length).toBe(2 * bound);
    for (const error of refused) {
      expect(error).toMatchObject({
        code: 'OVERLOADED',
        retryable: true,
        message: expect.stringContaining('Your reservations would hold more units') as string,
      });
    }
    const counts = await Promise.all(
      servers.map(async ({ graphqlUrl }) => {
        const metrics = await (await fetch(`${new URL(graphqlUrl).origin}/metrics`)).text();
        return Number(/^stockade_refusals_total{kind="overload"} (\d+)$/m.exec(metrics)?.[1]);
      }),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(refused.length);
    for (const server of servers) await server.stop();
    expect(await shop.problems()).toEqual([]);
  },
);
