/** The user of docs/redis.md: everything that talks to Redis works with its permissions, and meets no refusal. */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import { startPrivateRedis } from '../../../services/private-redis.js';
import type { PrivateServer } from '../../../services/private-server.js';
import { closeClient } from '../../support/graphql-client.js';
import type { ServerProcess } from '../../support/server-process.js';
import { Shop } from '../../support/shop.js';
import { callStock, deduction, linesOf } from '../../support/stock-calls.js';
import { until } from '../../support/until.js';
import { startWatching, stopWatchers } from '../../support/watcher.js';

const [, RULES = ''] =
  /^ACL SETUSER stockade (.+)$/m.exec(readFileSync('docs/redis.md', 'utf8')) ?? [];

let shop: Shop;
let redisServer: PrivateServer;
let redis: Redis;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  shop = await Shop.open();
  redisServer = await startPrivateRedis();
  redis = new Redis(redisServer.url);
});

afterAll(async () => {
  await stopWatchers();
  await Promise.all(servers.map((server) => server.stop()));
  redis.disconnect();
  await redisServer.stop();
  await shop.close();
  closeClient();
});

async function buy(server: ServerProcess, id: string): Promise<string | undefined> {
  const [line] = linesOf(await callStock(server.graphqlUrl, deduction({ [id]: 1 })));
  return line?.outcome;
}

test('the user on the page may lock, hand over, limit, publish and watch, and is refused nothing', async () => {
  await redis.call('ACL', 'SETUSER', 'stockade', ...RULES.split(' '));
  const env = {
    REDIS_URL: `redis://stockade:password@127.0.0.1:${redisServer.port}/1`,
    RATE_LIMIT_PER_SECOND: '1000',
    RATE_LIMIT_BURST: '10',
    LOCK_FALLBACK: 'fail',
    LOG_LEVEL: 'info',
  };
  servers.push(...(await shop.startServers(2, 'redis', env)));
  const [here, there] = servers as [ServerProcess, ServerProcess];
  const id = await shop.newProduct(1_000);
  const watcher = await startWatching(here.graphqlUrl);
  await until('the watcher hears of the other server', async () => {
    expect(await buy(there, id)).toBe('APPLIED');
    return watcher.changes().length > 0;
  });
  const outcomes = await Promise.all(
    Array.from({ length: 100 }, (_, i) => buy(i % 2 === 0 ? here : there, id)),
  );
  expect(new Set(outcomes)).toEqual(new Set(['APPLIED']));
  const tokens = (await shop.ledgerOf(id)).map((line) => line.fencingToken).slice(1);
  expect(tokens).not.toContain(null);
  expect(await redis.call('ACL', 'LOG')).toEqual([]);
  for (const server of servers) expect(server.output()).not.toMatch(/Redis|NOPERM/);
  expect(await shop.problems()).toEqual([]);
});
