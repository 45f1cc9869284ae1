/** What /metrics says of a sale, on a real MySQL and a real Redis. */
import { request } from 'node:http';
import { DeductStockDocument, ProductDocument, SetStockDocument } from '../generated/operations.js';
import { givenUrl } from '../support/fresh-database.js';
import { startServer } from '../support/server-process.js';
import { useApp } from '../support/use-app.js';

const app = useApp({ STOCK_LOCK: 'redis', REDIS_URL: process.env.REDIS_URL ?? '' });

/** The values of all series, by their names with labels. */
async function scrape(origin = app.origin): Promise<Map<string, number>> {
  const text = await (await fetch(`${origin}/metrics`)).text();
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at))];
    }),
  );
}

/** How much each series grew during the work. */
async function growthDuring(work: () => Promise<unknown>): Promise<(series: string) => number> {
  const before = await scrape();
  await work();
  const after = await scrape();
  return (series) => {
    const value = after.get(series);
    if (value === undefined) throw new Error(`There is no series ${series}.`);
    return value - (before.get(series) ?? 0);
  };
}

const deduct = (productId: string, quantity: number, idempotencyKey?: string) =>
  app.dataOf(DeductStockDocument, { input: { items: [{ productId, quantity }], idempotencyKey } });

test('lines are counted by operation and outcome, and units only where they were sold', async () => {
  const productId = await app.newProduct(5);
  const grown = await growthDuring(async () => {
    await deduct(productId, 2, `${productId}-once`);
    await deduct(productId, 2, `${productId}-once`);
    await deduct(productId, 9);
    await deduct(`${productId}-none`, 1);
  });
  const lines = (outcome: string) =>
    grown(`stockade_lines_total{operation="deductStock",outcome="${outcome}"}`);
  expect(lines('applied')).toBe(1);
  expect(lines('replayed')).toBe(1);
  expect(lines('INSUFFICIENT_STOCK')).toBe(1);
  expect(lines('PRODUCT_NOT_FOUND')).toBe(1);
  expect(lines('OVERLOADED')).toBe(0);
  expect(grown('stockade_units_total{operation="deductStock"}')).toBe(2);
});

test('requests are counted by their field and the code of their error, and timed', async () => {
  const productId = await app.newProduct(5);
  const send = (query: string) =>
    fetch(app.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    }).then((response) => response.text());
  const grown = await growthDuring(async () => {
    await deduct(productId, 1);
    await app.dataOf(ProductDocument, { id: productId });
    await send('{ noSuchField }');
    await send('{ a: product(id: "a") { id } locations { id } }');
    const input = `{productId: "${productId}", quantity: 1, idempotencyKey: ""}`;
    await send(`mutation { setStock(input: ${input}) { __typename } }`);
  });
  const requests = (operation: string, outcome: string) =>
    grown(`stockade_requests_total{operation="${operation}",outcome="${outcome}"}`);
  expect(requests('deductStock', 'ok')).toBe(1);
  expect(requests('product', 'ok')).toBe(1);
  expect(requests('none', 'GRAPHQL_VALIDATION_FAILED')).toBe(1);
  expect(requests('several', 'ok')).toBe(1);
  expect(requests('setStock', 'BAD_USER_INPUT')).toBe(1);
  expect(grown('stockade_request_seconds_count{operation="deductStock"}')).toBe(1);
});

test('an unexpected error is counted from the first one on, and fails its request', async () => {
  const query = '{ locations { id } }';
  const rename = (from: string, to: string) =>
    app.database.sequelize.query(`RENAME TABLE ${from} TO ${to}`);
  // A defect that no client can cause: the database is not as this program left it.
  await rename('locations', 'locations_moved');
  const grown = await growthDuring(async () => {
    const answer = await fetch(app.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    expect(await answer.text()).toContain('INTERNAL_SERVER_ERROR');
  });
  await rename('locations_moved', 'locations');
  expect(grown('stockade_unexpected_errors_total')).toBe(1);
  const failed = 'stockade_requests_total{operation="locations",outcome="INTERNAL_SERVER_ERROR"}';
  expect(grown(failed)).toBe(1);
});

test('a level that changed since it was remembered is a stale read and a retry, and then a commit', async () => {
  const productId = await app.newProduct(9);
  await deduct(productId, 1);
  const another = await app.startAnother({ STOCK_LOCK: 'none' });
  await another.dataOf(SetStockDocument, {
    input: { productId, quantity: 9, changeFromQuantity: null },
  });
  await another.stop();
  const grown = await growthDuring(() => deduct(productId, 1));
  expect(grown('stockade_stale_reads_total')).toBe(1);
  expect(grown('stockade_transaction_retries_total{cause="lost_race"}')).toBe(1);
  expect(grown('stockade_transactions_total{outcome="committed"}')).toBe(1);
});

test('the state says that it is ready, and what its pools and queues have', async () => {
  await deduct(await app.newProduct(9), 1);
  const values = await scrape();
  expect(values.get('stockade_ready')).toBe(1);
  expect(values.get('stockade_database_writable')).toBe(1);
  expect(values.get('stockade_redis_available{server="Redis"}')).toBe(1);
  expect(values.get('stockade_queue_lines')).toBe(0);
  expect(values.get('stockade_lanes')).toBeGreaterThan(0);
  expect(values.get('stockade_pool_free{pool="writing"}')).toBeGreaterThan(0);
  expect(values.get('stockade_pool_waiting{pool="reading"}')).toBe(0);
  expect(values.get('stockade_commits{state="running"}')).toBe(0);
});

test('the workers behind one port are scraped as one: sums of counters, and the least of states', async () => {
  const server = await startServer({
    ...{ MYSQL_URL: app.database.url, REDIS_URL: givenUrl('REDIS_URL'), WORKERS: '2' },
  });
  try {
    const productId = await app.newProduct(40);
    // Each on a connection of its own, so that both workers get some.
    const query = `mutation { deductStock(input: {items: [{productId: "${productId}", quantity: 2}]}) { replayed } }`;
    for (let sold = 0; sold < 12; sold += 1) {
      const headers = { 'content-type': 'application/json', connection: 'close' };
      await postOnce(server.graphqlUrl, headers, JSON.stringify({ query }));
    }
    const values = await scrape(server.origin);
    expect(values.get('stockade_lines_total{operation="deductStock",outcome="applied"}')).toBe(12);
    expect(values.get('stockade_units_total{operation="deductStock"}')).toBe(24);
    expect(values.get('stockade_requests_total{operation="deductStock",outcome="ok"}')).toBe(12);
    expect(values.get('stockade_ready')).toBe(1);
    expect(values.get('stockade_redis_available{server="Redis"}')).toBe(1);
  } finally {
    await server.stop();
  }
});

function postOnce(url: string, headers: Record<string, string>, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { method: 'POST', agent: false, headers }, (response) => {
      response.resume();
      response.once('end', resolve);
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
