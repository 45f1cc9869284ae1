/**
 * Subscribers get a notice when they may have missed a change: Redis went away, a process died, the answer to a
 * COMMIT was lost, or the subscriber itself was too slow. No deduction waits for any of it.
 */
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import { MysqlProductCatalogue } from '../../src/database/reading/product-catalogue.js';
import { openPool } from '../../src/database/pool.js';
import { StockFeed } from '../../src/changes/stock-feed.js';
import { systemClock } from '../../src/time/clock.js';
import { closeClient } from '../support/graphql-client.js';
import { heldOnce } from '../support/held-once.js';
import { MysqlProxy } from '../support/mysql-proxy.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction, linesOf } from '../support/stock-calls.js';
import { startTcpProxy } from '../support/tcp-proxy.js';
import { onePool } from '../support/one-pool.js';
import { until } from '../support/until.js';
import { metric, startWatching, stopWatchers, type Watcher } from '../support/watcher.js';

let shop: Shop;
let redis: PrivateServer;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  shop = await Shop.open();
  redis = await startPrivateRedis();
});

afterEach(async () => {
  await stopWatchers();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

afterAll(async () => {
  closeClient();
  await redis.stop();
  const problems = await shop.problems();
  await shop.close();
  expect(problems).toEqual([]);
});

async function serve(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await shop.startServer('redis', { REDIS_URL: redis.url, ...env });
  servers.push(server);
  return server;
}

async function buy(server: ServerProcess, ids: readonly string[]): Promise<void> {
  const units = Object.fromEntries(ids.map((id) => [id, 1]));
  const lines = linesOf(await callStock(server.graphqlUrl, deduction(units)));
  expect(lines.map(({ outcome }) => outcome)).toEqual(ids.map(() => 'APPLIED'));
}

/** Buys until the watcher hears of a purchase: the last thing that it has heard is then the level as it is. */
async function untilHeardAgain(watcher: Watcher, server: ServerProcess, id: string): Promise<void> {
  await until('a change is heard again', async () => {
    const before = watcher.changes().length;
    await buy(server, [id]);
    const onHand = await shop.onHand(id);
    await new Promise((resolve) => setTimeout(resolve, 50));
    return watcher.changes().length > before && watcher.changes().at(-1)?.onHand === onHand;
  });
}

test('Redis killed and back: subscribers get a notice of loss at both moments, and events again after', async () => {
  const [here, there] = [await serve(), await serve()];
  const id = await shop.newProduct(1_000);
  const watcher = await startWatching(here.graphqlUrl);
  await untilHeardAgain(watcher, there, id);
  expect(watcher.missed()).toBe(0);

  await redis.kill('SIGKILL');
  await until('the watcher is told that Redis is gone', () => watcher.missed() > 0);
  await buy(there, [id]);
  const heardWhileAway = watcher.changes().length;
  // What its own process commits it hears all the same.
  await buy(here, [id]);
  await until('the own change', () => watcher.changes().length === heardWhileAway + 1);

  const [toldWhileAway, awayMs] = [watcher.missed(), Date.now()];
  await redis.restart();
  await until('the watcher is told to read again', () => watcher.missed() > toldWhileAway);
  await untilHeardAgain(watcher, there, id);
  for (const event of watcher.events) {
    if (event.__typename !== 'StockChangesMissed') continue;
    // Of its beginning, or of the first purchase that was not told; not of its end.
    expect(Date.parse(event.since ?? '')).toBeLessThanOrEqual(awayMs);
  }
});

test('a connection to Redis that breaks at the publisher or the subscriber gives a notice of loss', async () => {
  const [toPublisher, toWatcher] = await Promise.all([
    startTcpProxy(redis.url),
    startTcpProxy(redis.url),
  ]);
  const here = await serve({ REDIS_URL: toWatcher.via(redis.url), STOCK_LOCK: 'database' });
  const there = await serve({ REDIS_URL: toPublisher.via(redis.url), STOCK_LOCK: 'database' });
  const id = await shop.newProduct(1_000);
  const watcher = await startWatching(here.graphqlUrl);
  await untilHeardAgain(watcher, there, id);
  expect(watcher.missed()).toBe(0);

  // The publisher loses what it says.
  toPublisher.refuse(true);
  toPublisher.cut();
  await buy(there, [id]);
  toPublisher.refuse(false);
  await until('the loss is told', () => watcher.missed() > 0);
  await untilHeardAgain(watcher, there, id);

  const before = watcher.missed();
  toWatcher.cut();
  await until('the deafness is told', () => watcher.missed() > before);
  await untilHeardAgain(watcher, there, id);
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await Promise.all([toPublisher.stop(), toWatcher.stop()]);
});

test('a killed process gives a notice of loss; an orderly stop does not', async () => {
  // A stop that takes longer than it may, on a machine that stands still, is no orderly one.
  const isToldOnce = await heldOnce(3, async () => {
    const [here, leaving, dying] = [await serve(), await serve(), await serve()];
    const id = await shop.newProduct(1_000);
    const watcher = await startWatching(here.graphqlUrl);
    await untilHeardAgain(watcher, dying, id);
    await untilHeardAgain(watcher, leaving, id);
    await leaving.stop();
    await dying.kill('SIGKILL');
    await until('its death is told', () => watcher.missed() > 0);
    await untilHeardAgain(watcher, here, id);
    return watcher.missed() === 1;
  });
  expect(isToldOnce).toBe(true);
});

test.each(['CUT_BEFORE', 'CUT_DURING', 'CUT_AFTER'] as const)(
  'where the answer to a COMMIT is lost (%s), all subscribers get a notice of loss',
  async (fault) => {
    const proxy = await MysqlProxy.start(shop.database.url);
    const [here, there] = [await serve(), await serve({ MYSQL_URL: proxy.url })];
    const id = await shop.newProduct(10);
    const watchers = [await startWatching(here.graphqlUrl), await startWatching(there.graphqlUrl)];
    proxy.atCommit(fault);
    await buy(there, [id]);
    for (const watcher of watchers) {
      await until('the uncertainty is told', () => watcher.missed() > 0);
      await untilHeardAgain(watcher, there, id);
    }
    expect(proxy.faultsLeft).toBe(0);
    await Promise.all(servers.splice(0).map((server) => server.stop()));
    await proxy.stop();
  },
);

test('a product that cannot be read gives a notice of loss to its subscribers alone', async () => {
  const pool = openPool({ url: shop.database.url }, 1);
  const catalogue = new MysqlProductCatalogue(onePool(pool));
  const [id, other] = [await shop.newProduct(10), await shop.newProduct(10)];
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const feed = new StockFeed({
    products: catalogue,
    queueMax: 10,
    log: silent,
    clock: systemClock,
  });
  const level = { productId: id, locationId: 'default', reserved: 0 };
  const [mine, others] = [await feed.watch([id]), await feed.watch([other])];
  feed.committed([{ ...level, onHand: 9, version: 2 }]);
  expect(await mine.next()).toMatchObject({ value: { kind: 'CHANGED', change: { onHand: 9 } } });

  await pool.close();
  const since = new Date();
  feed.committed([{ ...level, onHand: 8, version: 3 }]);
  const { value } = (await mine.next()) as { value: { kind: string; since: Date } };
  expect(value.kind).toBe('MISSED');
  expect(value.since.getTime()).toBeGreaterThanOrEqual(since.getTime());
  expect(feed.stats()).toEqual({ watchers: 2, changes: 1, missed: 1, overflows: 0 });
  const next = others.next();
  await feed.stop();
  expect(await next).toEqual({ done: true, value: undefined });
  expect(feed.stats().watchers).toBe(0);
});

test('a subscriber that does not read has a bounded queue, delays no other, and gets a notice of loss', async () => {
  const server = await serve({ WATCH_QUEUE_MAX: '250' });
  const ids: string[] = [];
  while (ids.length < 300) ids.push(...(await shop.newProducts(20, 10_000)));
  const buyAll = async () => {
    for (let i = 0; i < 300; i += 100) await buy(server, ids.slice(i, i + 100));
  };
  // Large events fill the network's buffers soon.
  const aliases = Array.from({ length: 15 }, (_, i) => `a${i}${'x'.repeat(100)}: version`).join(
    ' ',
  );
  const slow = await startWatching(server.graphqlUrl, {
    document: `subscription { stockChanged { __typename
      ... on StockChange { productId version onHand ${aliases} } ... on StockChangesMissed { since } } }`,
  });
  const quick = await startWatching(server.graphqlUrl);
  slow.pause();
  let rounds = 0;
  await until(
    'more waits for the slow one than is kept',
    async () => {
      await buyAll();
      rounds += 1;
      return (await metric(server.origin, 'stockade_watch_overflows_total')) > 0;
    },
    120_000,
  );
  for (let i = 0; i < 3; i += 1, rounds += 1) await buyAll();
  const isUpToDate = (watcher: Watcher) => {
    const newest = new Map(watcher.changes().map((change) => [change.productId, change.onHand]));
    return ids.every((id) => newest.get(id) === 10_000 - rounds);
  };
  await until('the quick one has heard all', () => isUpToDate(quick));

  slow.resume();
  await until('the slow one is told', () => slow.missed() > 0);
  rounds += 1;
  await buyAll();
  await until('the slow one hears again', () => isUpToDate(slow));
  for (const id of ids) {
    const versions = slow.changes().flatMap((c) => (c.productId === id ? [c.version] : []));
    expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  }
  const changes = await metric(server.origin, 'stockade_watch_changes_total');
  expect(slow.changes().length).toBeLessThan(changes - quick.changes().length);
});
