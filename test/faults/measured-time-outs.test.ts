/** `LOCK_TTL_MS=auto` on real servers: a slow database moves it up, a fast one down, and no lease is lost. */
import { jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { stockLockKey } from '../../src/inventory/lanes/turns.js';
import { givenUrl } from '../support/fresh-database.js';
import { closeClient } from '../support/graphql-client.js';
import { holdRow, untilRowsAreWaitedFor } from '../support/innodb.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { brief, callStock, deduction } from '../support/stock-calls.js';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

jest.setTimeout(240_000);

const PATIENCE_MS = 150_000;
/** Each way; a transaction is a few round trips. */
const SLOW_MS = 110;
const AUTO = { LOCK_TTL_MS: 'auto', LOCK_WAIT_MS: 'auto', LOG_LEVEL: 'info' };

let shop: Shop;
let proxy: TcpProxy;

beforeAll(async () => {
  shop = await Shop.open();
  proxy = await startTcpProxy(shop.database.url);
});

afterAll(async () => {
  closeClient();
  await proxy.stop();
  await shop.close();
});

async function metric(server: ServerProcess, name: string): Promise<number> {
  const page = await (await fetch(`${server.origin}/metrics`)).text();
  const line = page.split('\n').find((each) => each.startsWith(`${name} `));
  if (line === undefined) throw new Error(`No ${name} in:\n${page}`);
  return Number(line.split(' ')[1]);
}

/** Deducts one unit after another until the time to live is as wanted. @returns how many. */
async function deductUntil(
  server: ServerProcess,
  id: string,
  isWanted: (ttlSeconds: number) => boolean,
): Promise<number> {
  let deducted = 0;
  await until(
    'the time to live has moved',
    async () => {
      const answers = await Promise.all(
        [1, 2, 3].map(() => callStock(server.graphqlUrl, deduction({ [id]: 1 }))),
      );
      for (const answer of answers) expect(brief(answer)).toEqual([expect.any(Number)]);
      deducted += answers.length;
      return isWanted(await metric(server, 'stockade_lock_ttl_seconds'));
    },
    PATIENCE_MS,
  );
  return deducted;
}

test('[F6] a slow database moves the time to live up, and no lease is lost', async () => {
  const id = await shop.newProduct(1_000);
  const server = await shop.startServer('redis', {
    ...AUTO,
    MYSQL_URL: proxy.via(shop.database.url),
  });
  expect(await metric(server, 'stockade_lock_ttl_seconds')).toBe(5);
  const atOnce = await deductUntil(server, id, () => true);
  proxy.delay(SLOW_MS);
  const slowly = await deductUntil(server, id, (seconds) => seconds > 5);
  expect(await metric(server, 'stockade_lock_leases_lost_total')).toBe(0);
  expect(server.output()).toContain('LOCK_TTL_MS=auto follows how long commits take.');
  expect(await shop.onHand(id)).toBe(1_000 - atOnce - slowly);
  proxy.delay(0);
  await server.stop();
});

test('[F2] a fast database moves it down, and an owner that dies then costs so much', async () => {
  const id = await shop.newProduct(100_000);
  const [holder, next] = (await shop.startServers(2, 'redis', AUTO)) as [
    ServerProcess,
    ServerProcess,
  ];
  const deducted = await deductUntil(holder, id, (seconds) => seconds === 3);

  const redis = new Redis(givenUrl('REDIS_URL'));
  const held = await holdRow(shop.database.url, id);
  const lost = callStock(holder.graphqlUrl, deduction({ [id]: 1 }));
  await untilRowsAreWaitedFor(shop.database.sequelize);
  const waiting = callStock(next.graphqlUrl, deduction({ [id]: 1 }));
  // The owner has kept the lock since its life was longer; the next renewal makes it shorter.
  await until('the lock has the shorter life', async () => {
    const leftMs = await redis.pttl(stockLockKey(id));
    return leftMs > 0 && leftMs <= 3_000;
  });
  await holder.kill('SIGKILL');
  await held.release();
  redis.disconnect();

  expect((await lost).kind).toBe('UNKNOWN');
  expect(brief(await waiting)).toEqual([100_000 - deducted - 1]);
  expect(await shop.problems()).toEqual([]);
  await next.stop();
});
