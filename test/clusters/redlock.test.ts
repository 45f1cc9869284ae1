/**
 * `STOCK_LOCK=redlock`: each lock is a majority's of three independent Redis. One that dies changes nothing; when two
 * are dead, deductions go on under row locks, or are refused where that is asked for.
 */
import type { PrivateServer } from '../../services/private-server.js';
import { startSeveralRedis, type SeveralRedis } from '../../services/redis-several.js';
import { RedlockService, type RedisLockSettings } from '../../src/lock/index.js';
import { Buyer, lockStateOf, untilLockIs } from '../support/buyers.js';
import { closeClient } from '../support/graphql-client.js';
import { describeLockContract, PATIENT } from '../support/lock-contract.js';
import { CollectedLog, deadlineIn, errorOf, uniqueKey } from '../support/lock-services.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction, linesOf } from '../support/stock-calls.js';
import { until } from '../support/until.js';
import { metric } from '../support/watcher.js';

let several: SeveralRedis;
let shop: Shop;
const services: RedlockService[] = [];
const servers: ServerProcess[] = [];

beforeAll(async () => {
  [several, shop] = await Promise.all([startSeveralRedis(3), Shop.open()]);
});

afterEach(async () => {
  const stopped = services.splice(0);
  await Promise.all(stopped.map((service) => service.stop()));
  for (const service of stopped) {
    expect(service.stats()).toMatchObject({ waitersNow: 0, heldNow: 0 });
  }
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await Promise.all(several.servers.map((redis) => redis.restart()));
});

afterAll(async () => {
  await several.stop();
  await shop.close();
  closeClient();
});

async function start(settings: Partial<RedisLockSettings> = {}): Promise<RedlockService> {
  const service = new RedlockService({ url: several.url, ...settings });
  services.push(service);
  await service.start();
  return service;
}

async function startServers(count: number, env: Record<string, string> = {}): Promise<void> {
  const settings = { REDIS_URL: several.url, LOG_LEVEL: 'info', ...env };
  servers.push(...(await shop.startServers(count, 'redlock', settings)));
}

function serverAt(place: number): ServerProcess {
  const server = servers[place % servers.length];
  if (!server) throw new Error('No server runs.');
  return server;
}

async function buy(server: ServerProcess, id: string): Promise<string | undefined> {
  const [line] = linesOf(await callStock(server.graphqlUrl, deduction({ [id]: 1 })));
  return line?.outcome === 'REFUSED' ? line.code : line?.outcome;
}

function at(places: readonly number[]): PrivateServer[] {
  return several.servers.filter((_, place) => places.includes(place));
}

function restart(...places: readonly number[]): Promise<unknown> {
  return Promise.all(at(places).map((redis) => redis.restart()));
}

function kill(...places: readonly number[]): Promise<unknown> {
  return Promise.all(at(places).map((redis) => redis.kill('SIGKILL')));
}

describe('the lock', () => {
  describeLockContract((settings) => start(settings));

  test('a dead minority changes nothing, is named, and takes part again', async () => {
    const log = new CollectedLog();
    const [one, other] = [await start({ ...PATIENT, log }), await start(PATIENT)];
    const key = uniqueKey();
    const lease = await one.acquire(key, deadlineIn(0));
    await kill(1);
    await until('it is noticed', () => one.health().reason !== undefined);
    expect(one.health()).toMatchObject({
      ...{ available: true, quorum: 2 },
      reason: expect.stringMatching(/^Redis 2 of 3: /) as string,
    });
    expect(await errorOf(other.acquire(key, deadlineIn(0)))).toMatchObject({
      code: 'LOCK_TIMEOUT',
    });
    await one.release(lease);
    await other.release(await other.acquire(key, deadlineIn(20_000)));
    await several.servers[1]?.restart();
    await until('all serve', () => one.health().reason === undefined);
    expect(log.lines.map(({ message, details }) => [message, details])).toEqual([
      ['Redis does not serve the lock.', expect.objectContaining({ redis: 'Redis 2 of 3' })],
      ['Redis serves the lock again.', expect.objectContaining({ redis: 'Redis 2 of 3' })],
    ]);
  });

  test('without a majority waiters and new callers are refused at once, and a lease ends in its time', async () => {
    const settings = { ...PATIENT, ttlMs: 4_000 };
    const [one, other] = [await start(settings), await start(settings)];
    const key = uniqueKey();
    const lease = await one.acquire(key, deadlineIn(0));
    const waiting = errorOf(other.acquire(key, deadlineIn(30_000)));
    await kill(0, 2);
    expect(await waiting).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
      message: 'The lock is unavailable: 1 of 3 Redis serve it, and 2 must.',
    });
    await until('it is noticed', () => !one.health().available);
    expect(await errorOf(one.acquire(uniqueKey(), deadlineIn(5_000)))).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
    await until('the lease is lost', () => lease.state === 'lost');
    expect(lease.signal.aborted).toBe(true);
    await restart(0, 2);
    await until('a majority serves', () => one.health().available && other.health().available);
    await other.release(await other.acquire(key, deadlineIn(5_000)));
  });

  test('fewer than three independent servers are refused', () => {
    const [first = '', second = ''] = several.url.split(',');
    for (const url of [first, `${first},${second}`, 'redis+cluster://a:1,b:1,c:1']) {
      expect(() => new RedlockService({ url })).toThrow('at least three independent servers');
    }
  });
});

test('servers sell under the lock while a minority is dead, and under row locks while a majority is', async () => {
  await startServers(2);
  const id = await shop.newProduct(1_000_000);
  const buyers = servers.map((server) => new Buyer(server, id));
  const acquired = () => metric(serverAt(0).origin, 'stockade_lock_wait_seconds_count');
  const untilAcquired = async () => {
    const before = await acquired();
    await until('more leases', async () => (await acquired()) > before + 2);
  };
  await untilAcquired();
  await kill(0);
  for (const server of servers) {
    await until('it is told', async () => (await lockStateOf(server)).redisAway?.length === 1);
    expect(await lockStateOf(server)).toMatchObject({
      ...{ lock: 'available', redisAway: ['Redis 1 of 3'], deductionsRunUnder: 'redlock' },
    });
  }
  await untilAcquired();

  await kill(1);
  for (const server of servers) await untilLockIs(server, 'away');
  const sold = buyers.map(({ outcomes }) => outcomes.length);
  await until('sales without the lock', () =>
    buyers.every(({ outcomes }, at) => outcomes.length > (sold[at] ?? 0) + 20),
  );
  expect((await lockStateOf(serverAt(0))).deductionsRunUnder).toBe('database');

  await restart(0, 1);
  for (const server of servers) await untilLockIs(server, 'available');
  await untilAcquired();
  for (const buyer of buyers) await buyer.stop();
  expect(buyers.flatMap((buyer) => buyer.failures)).toEqual([]);
  process.stderr.write(
    `Sold ${buyers.map(({ outcomes }) => outcomes.length).join(' and ')}; the longest pauses were ` +
      `${buyers.map(({ longestPauseMs }) => Math.round(longestPauseMs)).join(' and ')} ms.\n`,
  );
  expect(await shop.problems()).toEqual([]);
});

test('a thousand buyers of a hundred units at three servers get exactly these, in baskets as well', async () => {
  await startServers(3);
  const [hot, other] = await shop.newProducts(2, 100);
  const outcomes = await Promise.all(
    Array.from({ length: 1_000 }, (_, i) => buy(serverAt(i), hot ?? '')),
  );
  expect(outcomes.filter((outcome) => outcome === 'APPLIED')).toHaveLength(100);
  expect(new Set(outcomes)).toEqual(new Set(['APPLIED', 'INSUFFICIENT_STOCK']));
  const baskets = await Promise.all(
    Array.from({ length: 30 }, (_, i) => {
      const call = deduction({ [hot ?? '']: 1, [other ?? '']: 1 }, { mode: 'ALL_OR_NOTHING' });
      return callStock(serverAt(i).graphqlUrl, call);
    }),
  );
  expect(baskets.flatMap(linesOf).some(({ outcome }) => outcome === 'APPLIED')).toBe(false);
  expect([await shop.onHand(hot ?? ''), await shop.onHand(other ?? '')]).toEqual([0, 100]);
  expect(await shop.problems()).toEqual([]);
});

test('with LOCK_FALLBACK=fail a dead majority refuses deductions, and /ready says so', async () => {
  await startServers(1, { LOCK_FALLBACK: 'fail' });
  const [server] = servers as [ServerProcess];
  const id = await shop.newProduct(10);
  expect(await buy(server, id)).toBe('APPLIED');
  await kill(1);
  await until('it is told', async () => (await lockStateOf(server)).redisAway?.length === 1);
  expect(await buy(server, id)).toBe('APPLIED');
  await kill(2);
  await untilLockIs(server, 'away');
  expect(await buy(server, id)).toBe('UNAVAILABLE');
  expect((await fetch(`${server.origin}/ready`)).status).toBe(503);
  await restart(1, 2);
  await untilLockIs(server, 'available');
  expect(await buy(server, id)).toBe('APPLIED');
});
