/**
 * Redis killed while many buyers are under way, in several processes at once. `redis-away.test.ts` shows one process.
 */
import { Redis } from 'ioredis';
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import { DistributedLockManager, RedisLockService } from '../../src/lock/index.js';
import { closeClient } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { brief, callStock, deduction, increase, type Answer } from '../support/stock-calls.js';
import { checkStorm } from '../support/storm-checks.js';
import { chooseSeed, planStorm, runStorm } from '../support/storm.js';
import { until } from '../support/until.js';

let redis: PrivateServer;
let shop: Shop;

beforeAll(async () => {
  redis = await startPrivateRedis();
  shop = await Shop.open();
});

afterAll(async () => {
  closeClient();
  const problems = await shop.problems();
  await shop.close();
  await redis.stop();
  expect(problems).toEqual([]);
});

function startServers(count: number, env: Record<string, string> = {}): Promise<ServerProcess[]> {
  return shop.startServers(count, 'redis', {
    REDIS_URL: redis.url,
    LOCK_TTL_MS: '1000',
    LOG_LEVEL: 'info',
    ...env,
  });
}

async function readiness(server: ServerProcess): Promise<{ status: number; runUnder: unknown }> {
  const response = await fetch(`${server.origin}/ready`);
  const body = (await response.json()) as { deductionsRunUnder?: unknown };
  return { status: response.status, runUnder: body.deductionsRunUnder };
}

async function untilRunUnder(server: ServerProcess, lock: string): Promise<void> {
  await until(
    `deductions run under ${lock}`,
    async () => (await readiness(server)).runUnder === lock,
  );
}

/** The fencing token of the newest line of this product. */
async function newestToken(productId: string): Promise<string | null | undefined> {
  return (await shop.ledgerOf(productId)).at(-1)?.fencingToken;
}

test('a Redis that is killed under load fails no request, and is used again when it is back', async () => {
  const id = await shop.newProduct(10_000);
  const servers = await startServers(2);
  const [server] = servers as [ServerProcess];
  const buy = (buyer: number): Promise<Answer> =>
    callStock(servers[buyer % 2]?.graphqlUrl ?? '', deduction({ [id]: 1 }), {
      signal: AbortSignal.timeout(30_000),
    });
  await buy(0);
  expect(await newestToken(id)).toEqual(expect.stringMatching(/^\d+$/));

  const under = Array.from({ length: 199 }, (_, buyer) => buy(buyer));
  await redis.kill('SIGKILL');
  const away = Array.from({ length: 50 }, (_, buyer) => buy(buyer));
  const remaining = (await Promise.all([...under, ...away])).flatMap(brief);
  expect(remaining.map(Number).sort((a, b) => b - a)).toEqual(
    Array.from({ length: 249 }, (_, i) => 9_998 - i),
  );
  await untilRunUnder(server, 'database');
  expect((await readiness(server)).status).toBe(200);
  // The lease that the owner has kept lasts until its deadline.
  let left = 9_750;
  await until('a line without a lock', async () => {
    left -= 1;
    expect(brief(await buy(0))).toEqual([left]);
    return (await newestToken(id)) === null;
  });
  expect(server.output()).toContain('Redis does not serve the lock.');

  await redis.restart();
  await untilRunUnder(server, 'redis');
  expect(brief(await buy(0))).toEqual([left - 1]);
  expect(await newestToken(id)).toEqual(expect.stringMatching(/^\d+$/));
  expect(server.output()).toContain('Redis serves the lock again.');
  await Promise.all(servers.map((each) => each.stop()));
});

test('a Redis that is killed and comes back empty in a storm loses, doubles and oversells nothing', async () => {
  const stormShop = await Shop.open();
  const products = await stormShop.newProducts(8, 150);
  await stormShop.newLocation('annex');
  const initial = await stormShop.levels();
  const servers = await stormShop.startServers(3, 'redis', {
    REDIS_URL: redis.url,
    LOCK_TTL_MS: '1000',
  });
  const plan = planStorm(chooseSeed('Redis is killed'), {
    operations: 300,
    products,
    locations: ['default', 'annex'],
  });
  const happens = async () => {
    await redis.kill('SIGKILL');
    await redis.restart();
  };
  const storm = await runStorm(plan, {
    targets: () => servers.map((server) => server.graphqlUrl),
    incidents: [0.2, 0.4, 0.6].map((at) => ({ at, happens })),
  });
  await Promise.all(servers.map((server) => server.stop()));
  const { wrong } = await checkStorm(stormShop, initial, storm);
  const tokens = (await stormShop.ledger()).map(({ kind, fencingToken }) => [kind, fencingToken]);
  await stormShop.close();
  expect(wrong).toEqual([]);
  // Some lines were written under Redis' lock, and some without it.
  expect(tokens).toContainEqual(['DEDUCTION', expect.any(String)]);
  expect(tokens).toContainEqual(['DEDUCTION', null]);
});

test('a request whose first lock Redis loses while it waits for the second one still succeeds', async () => {
  const [a = '', b = ''] = await shop.newProducts(2, 10);
  const [server] = (await startServers(1)) as [ServerProcess];
  const stranger = new RedisLockService({ url: redis.url });
  await stranger.start();
  const client = new Redis(redis.url);

  const manager = new DistributedLockManager(stranger, { waitMs: 5_000 });
  const answer = await manager.executeWithLock(`lock:stock:{${b}}`, async () => {
    const both = deduction({ [a]: 1, [b]: 1 }, { mode: 'ALL_OR_NOTHING' });
    const waiting = callStock(server.graphqlUrl, both);
    await until(
      'it has a and waits for b',
      async () => (await client.exists(`lock:stock:{${a}}`)) === 1,
    );
    await client.del(`lock:stock:{${a}}`);
    return await waiting;
  });
  expect(brief(answer)).toEqual([9, 9]);

  await client.quit();
  await stranger.stop();
  await server.stop();
});

test('a process with Redis and one without sell each unit once', async () => {
  const id = await shop.newProduct(60);
  const [withLock] = (await startServers(1)) as [ServerProcess];
  const [withoutLock] = (await startServers(1, { REDIS_URL: 'redis://127.0.0.1:1' })) as [
    ServerProcess,
  ];
  const answers = await Promise.all(
    Array.from({ length: 100 }, (_, buyer) =>
      callStock((buyer % 2 === 0 ? withLock : withoutLock).graphqlUrl, deduction({ [id]: 1 })),
    ),
  );
  const taken = answers.flatMap(brief).filter((outcome) => typeof outcome === 'number');
  expect(taken.sort((x, y) => x - y)).toEqual(Array.from({ length: 60 }, (_, i) => i));
  expect(brief(await callStock(withoutLock.graphqlUrl, increase({ [id]: 5 })))).toEqual([5]);
  await Promise.all([withLock.stop(), withoutLock.stop()]);
});
