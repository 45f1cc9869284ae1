/**
 * A server after a planned failover of Redis that leaves its connections open: everything that talks to Redis (lock,
 * inbox, rate limit, changes and their watchers) finds the new primary by itself. And a Redis that closes idle
 * connections, which must go unnoticed.
 */
import { Redis } from 'ioredis';
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import { closeClient } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction, linesOf } from '../support/stock-calls.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';
import { startWatching, stopWatchers } from '../support/watcher.js';

let shop: Shop;
const redises: PrivateServer[] = [];
const clients: Redis[] = [];
const proxies: TcpProxy[] = [];
const servers: ServerProcess[] = [];

beforeAll(async () => {
  shop = await Shop.open();
});

afterEach(async () => {
  await stopWatchers();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  for (const client of clients.splice(0)) client.disconnect();
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()));
  await Promise.all(redises.splice(0).map((redis) => redis.stop()));
});

afterAll(async () => {
  await shop.close();
  closeClient();
});

async function startRedis(): Promise<{ server: PrivateServer; redis: Redis }> {
  const server = await startPrivateRedis({ args: ['--repl-diskless-sync-delay', '0'] });
  redises.push(server);
  const redis = new Redis(server.url);
  clients.push(redis);
  return { server, redis };
}

/** The server's connections at this Redis, by purpose. */
async function connectedTo(redis: Redis): Promise<string[]> {
  const list = String(await redis.client('LIST'));
  const names = [...list.matchAll(/\bname=([a-z-]+)/g)].map(([, name]) => name ?? '');
  return [...new Set(names)].sort();
}

async function buy(server: ServerProcess, id: string): Promise<string | undefined> {
  const [line] = linesOf(await callStock(server.graphqlUrl, deduction({ [id]: 1 })));
  return line?.outcome;
}

const PURPOSES = [
  'lock',
  'lock-inbox',
  'stock-changes',
  'stock-watch',
  'stockade-fleet',
  'stockade-rate-limit',
];

test('[F16] everything that talks to Redis leaves a demoted primary, and no deduction fails', async () => {
  const [old, young] = [await startRedis(), await startRedis()];
  await young.redis.replicaof('127.0.0.1', old.server.port);
  const address = await startTcpProxy(old.server.url);
  proxies.push(address);
  const env = { REDIS_URL: address.via(old.server.url), RATE_LIMIT_PER_SECOND: '1000' };
  const server = await shop.startServer('redis', { ...env, LOG_LEVEL: 'info' });
  servers.push(server);
  const id = await shop.newProduct(1_000);
  await startWatching(server.graphqlUrl);
  await until(
    'all connections',
    async () => (await connectedTo(old.redis)).length >= PURPOSES.length,
  );
  expect(await connectedTo(old.redis)).toEqual(PURPOSES);

  await until('the replica in step', async () =>
    (await young.redis.info('replication')).includes('master_link_status:up'),
  );
  await old.redis.call('FAILOVER', 'TO', '127.0.0.1', young.server.port);
  await until('the switch', async () => (await young.redis.role())[0] === 'master');
  address.leadTo(young.server.url, { present: 'stay' });

  const outcomes: (string | undefined)[] = [];
  await until('all at the new primary', async () => {
    outcomes.push(await buy(server, id));
    const [left, arrived] = [await connectedTo(old.redis), await connectedTo(young.redis)];
    return left.length === 0 && PURPOSES.every((purpose) => arrived.includes(purpose));
  });
  expect(outcomes.filter((outcome) => outcome !== 'APPLIED')).toEqual([]);
  await until('the lock in use again', async () => {
    await buy(server, id);
    return Number((await shop.ledgerOf(id)).at(-1)?.fencingToken) > 0;
  });
  const log = server.output();
  expect(log).toContain('Redis is a read-only replica');
  expect(log).toContain('Redis serves the lock again.');
  expect(await shop.problems()).toEqual([]);
});

test('a Redis that closes idle connections after five seconds goes unnoticed', async () => {
  const { server: redisServer, redis } = await startRedis();
  // Longer than a server that stands still for a while sends nothing. It says something each second.
  const idleSeconds = 5;
  await redis.config('SET', 'timeout', idleSeconds);
  const server = await shop.startServer('redis', {
    REDIS_URL: redisServer.url,
    LOCK_FALLBACK: 'fail',
    RATE_LIMIT_PER_SECOND: '1000',
  });
  servers.push(server);
  const id = await shop.newProduct(100);
  let lastMs = performance.now();
  const outcomes: (string | undefined)[] = [];
  const statuses = new Set<number>();
  await until(
    'two deductions, each after an idle time longer than the bound',
    async () => {
      statuses.add((await fetch(`${server.origin}/ready`)).status);
      if (performance.now() - lastMs > 1_300 * idleSeconds) {
        outcomes.push(await buy(server, id));
        lastMs = performance.now();
      }
      return outcomes.length === 2;
    },
    60_000,
  );
  expect(outcomes).toEqual(['APPLIED', 'APPLIED']);
  expect([...statuses]).toEqual([200]);
  expect(server.output()).not.toContain('Redis');
});
