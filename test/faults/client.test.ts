/** The client while servers are killed under it: one effect and one answer for each call. */
import { createStockadeClient } from '../../client/stockade-client.js';
import { Shop } from '../support/shop.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const CALLS = 200;
const AT_ONCE = 20;

let shop: Shop;

beforeEach(async () => {
  shop = await Shop.open();
});

afterEach(() => shop.close());

test('each call has one effect and one answer while the server is killed and its connections are cut', async () => {
  const productId = await shop.newProduct(CALLS + 10);
  const env = { LOCK_TTL_MS: '1000' };
  const [first, second] = await shop.startServers(2, 'redis', env);
  if (!first || !second) throw new Error('No servers.');
  const proxy = await startTcpProxy(first.graphqlUrl);
  const client = createStockadeClient({
    url: proxy.via(first.graphqlUrl),
    retries: { tryMs: 5_000, deadlineMs: 60_000 },
  });
  const answers: number[] = [];
  let begun = 0;
  let replayed = 0;
  const buyer = async () => {
    while (begun < CALLS) {
      begun += 1;
      const { results, replayed: again } = await client.deductStock({
        items: [{ productId, quantity: 1 }],
      });
      replayed += again ? 1 : 0;
      for (const line of results) {
        if (line.__typename !== 'DeductedItem') throw new Error(JSON.stringify(line));
        answers.push(line.remaining);
      }
    }
  };
  const buyers = Promise.all(Array.from({ length: AT_ONCE }, buyer));
  await until('some answers', () => answers.length > CALLS / 5);
  // The server has done the work of an answer that is cut.
  let cut = 0;
  proxy.hook('toClient', () => {
    cut += 1;
    return 'cut';
  });
  await until('effects without an answer', () => cut > 0);
  proxy.hook('toClient', null);
  await until('more answers', () => answers.length > CALLS / 2);
  await first.kill('SIGKILL');
  proxy.leadTo(second.graphqlUrl, { present: 'break' });
  await buyers;

  expect(answers).toHaveLength(CALLS);
  // No two calls were answered with the same unit.
  expect(new Set(answers).size).toBe(CALLS);
  expect(await shop.onHand(productId)).toBe(10);
  expect(replayed).toBeGreaterThan(0);
  await proxy.stop();
  await second.stop();
  expect(await shop.problems()).toEqual([]);
});
