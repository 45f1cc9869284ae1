/**
 * Stockade on a Redis Cluster of three masters, each with a replica: lock, rate limit and news of changes, with a slot
 * that moves, a planned switch, a master that is killed, and one that is killed with its replica.
 */
import { Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import type { PrivateServer } from '../../services/private-server.js';
import { startRedisCluster, type RedisClusterNodes } from '../../services/redis-cluster.js';
import { hashTagOf, parseRedisUrl, serverOf } from '../../src/redis/address.js';
import { CLUSTER_SHARDS } from '../../src/redis/cluster-shards.js';
import { Buyer, lockStateOf, untilLockGoesAway, untilLockIs } from '../support/buyers.js';
import { closeClient } from '../support/graphql-client.js';
import { expectOneAtATimeBut } from '../support/holds.js';
import { describeLockContract } from '../support/lock-contract.js';
import { LockProcess, systemNowMs } from '../support/lock-process.js';
import { deadlineIn, LockServices, uniqueKey } from '../support/lock-services.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction, linesOf } from '../support/stock-calls.js';
import { until, within } from '../support/until.js';
import { startWatching, stopWatchers } from '../support/watcher.js';

const TTL_MS = 2_000;
/** Two holders at most until the next renewal. */
const OVERLAP_MAX_MS = TTL_MS / 3 + 500;
/** After a change, until each process has its turns again. */
const SETTLED_AFTER_MS = 2_500;
const BACK_WITHIN_MS = 20_000;

let nodes: RedisClusterNodes;
let shop: Shop;
const services = new LockServices();
const servers: ServerProcess[] = [];
const processes: LockProcess[] = [];

beforeAll(async () => {
  [nodes, shop] = await Promise.all([startRedisCluster(), Shop.open()]);
});

afterEach(async () => {
  await stopWatchers();
  await services.stopAll();
  await Promise.all(processes.splice(0).map((one) => one.kill()));
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

afterAll(async () => {
  await nodes.stop();
  await shop.close();
  closeClient();
});

/** The key at Redis. */
function placeOf(key: string): string {
  return `lock:${hashTagOf(serverOf(parseRedisUrl(nodes.url), key))}${key}`;
}

async function startServers(
  count: number,
  env: Record<string, string> = {},
): Promise<[ServerProcess, ...ServerProcess[]]> {
  const settings = { REDIS_URL: nodes.url, LOG_LEVEL: 'info', ...env };
  servers.push(...(await shop.startServers(count, 'redis', settings)));
  return servers as [ServerProcess, ...ServerProcess[]];
}

async function buy(server: ServerProcess, id: string): Promise<string | undefined> {
  const [line] = linesOf(await callStock(server.graphqlUrl, deduction({ [id]: 1 })));
  return line?.outcome;
}

/** Products whose last line was written under the lock. */
async function underLock(): Promise<ReadonlySet<string>> {
  const last = new Map((await shop.ledger()).map((line) => [line.productId, line.fencingToken]));
  return new Set([...last].filter(([, token]) => token !== null).map(([id]) => id));
}

test('each shard’s tag lies in the slot that is written beside it, and equal masters have equal shares', async () => {
  const [server] = nodes.servers;
  const redis = services.redis(server?.url);
  for (const { tag, slot } of CLUSTER_SHARDS) {
    expect(await redis.cluster('KEYSLOT', `lock:{${tag}}:x`)).toBe(slot);
  }
  for (const masters of [2, 3, 4, 6, 12]) {
    const shares = CLUSTER_SHARDS.map(({ slot }) => Math.floor((slot * masters) / 16_384));
    const counts = shares.map((share) => shares.filter((other) => other === share).length);
    expect(new Set(counts)).toEqual(new Set([CLUSTER_SHARDS.length / masters]));
  }
});

describe('the lock', () => {
  describeLockContract((settings) => services.start({ ...settings, url: nodes.url }));

  test('a dead holder costs its time to live, and the locks lie at all masters', async () => {
    const process = await LockProcess.spawn();
    processes.push(process);
    await process.open(nodes.url, { ttlMs: 700 }, 0);
    const keys = Array.from({ length: 40 }, () => uniqueKey());
    await Promise.all(keys.map((key) => process.acquire(key, 0)));
    const masters = await Promise.all(keys.map((key) => nodes.masterOf(placeOf(key))));
    expect(new Set(masters.map(({ port }) => port)).size).toBe(3);
    const service = await services.start({ url: nodes.url });
    await process.kill();
    const leases = await Promise.all(keys.map((key) => service.acquire(key, deadlineIn(5_000))));
    await Promise.all(leases.map((lease) => service.release(lease)));
  });

  test.each([
    ['its slot moves to another master', (key: string) => nodes.moveSlot(key)],
    ['an operator makes the replica the master', (key: string) => nodes.failover(key)],
  ])('contention goes on after %s, without two holders for long', async (_, change) => {
    const key = uniqueKey();
    for (let i = 0; i < 3; i += 1) processes.push(await LockProcess.spawn());
    await Promise.all(processes.map((one) => one.open(nodes.url, { ttlMs: TTL_MS }, 0)));
    const fromMs = systemNowMs();
    const terms = { key, waiters: 10, holdMs: 1, witness: null };
    const compete = (fromMs: number, untilMs: number) =>
      Promise.all(processes.map((one) => one.compete({ ...terms, fromMs, untilMs })));
    const competing = compete(fromMs, fromMs + 6_000);
    await until('leases of all', async () => {
      const stats = await Promise.all(processes.map((one) => one.stats()));
      return stats.every(({ acquired }) => acquired > 50);
    });
    const before = await nodes.masterOf(placeOf(key));
    const beganMs = systemNowMs();
    await change(placeOf(key));
    expect(await nodes.masterOf(placeOf(key))).not.toBe(before);
    const changedMs = systemNowMs();
    const outcomes = await within(30_000, 'the end', competing);
    // The change may have taken the rest of the first competition.
    const laterMs = Math.max(systemNowMs(), changedMs + SETTLED_AFTER_MS);
    const later = await within(30_000, 'the end again', compete(laterMs, laterMs + 3_000));
    const holds = [...outcomes, ...later].flatMap((outcome) => [...outcome.holds]);
    expectOneAtATimeBut(holds, beganMs, changedMs + OVERLAP_MAX_MS);
    for (const { failures } of [...outcomes, ...later]) {
      expect(Object.keys(failures).filter((code) => code !== 'LOCK_UNAVAILABLE')).toEqual([]);
    }
    for (const { holds: own } of later) expect(own.length).toBeGreaterThan(20);
  });

  test('a plain server under a cluster’s address is refused', async () => {
    const url = (process.env.REDIS_URL ?? '').replace('redis://', 'redis+cluster://');
    await expect(services.start({ url: url.replace(/\/\d*$/, '') })).rejects.toThrow(
      'it is no Redis Cluster; REDIS_URL must be redis://host:6379',
    );
  });

  test('nodes that none can reach are said, and tried again', async () => {
    const service = services.make({ url: 'redis+cluster://127.0.0.1:1,127.0.0.1:2' });
    expect(await service.start()).toMatchObject({
      available: false,
      reason: expect.stringContaining('no connection to Redis (ECONNREFUSED)') as string,
    });
  });
});

test('the user on the page may do everything at a cluster, and servers share limit, lock and news', async () => {
  const [, rules = ''] =
    /^ACL SETUSER stockade (.+)$/m.exec(readFileSync('docs/redis.md', 'utf8')) ?? [];
  const admins = nodes.servers.map(({ url }) => services.redis(url));
  for (const admin of admins) await admin.call('ACL', 'SETUSER', 'stockade', ...rules.split(' '));
  const [here, there] = (await startServers(2, {
    REDIS_URL: nodes.url.replace('://', '://stockade:password@'),
    RATE_LIMIT_PER_SECOND: '30',
    RATE_LIMIT_BURST: '0',
    LOCK_FALLBACK: 'fail',
  })) as [ServerProcess, ServerProcess];
  const id = await shop.newProduct(10_000);
  const watcher = await startWatching(here.graphqlUrl);
  await until('the watcher hears of the other server', async () => {
    await buy(there, id);
    return watcher.changes().length > 0;
  });
  const fromMs = performance.now();
  const calls = Array.from({ length: 300 }, (_, i) =>
    callStock((i % 2 === 0 ? here : there).graphqlUrl, deduction({ [id]: 1 })),
  );
  const answers = await Promise.all(calls);
  const seconds = Math.ceil((performance.now() - fromMs) / 1_000);
  const applied = answers.filter(({ kind }) => kind === 'ANSWERED');
  const refused = answers.filter(
    (answer) => answer.kind === 'FAULT' && answer.code === 'RATE_LIMITED',
  );
  expect(applied.length).toBeGreaterThan(0);
  expect(applied.length + refused.length).toBe(answers.length);
  // Both together: one window has 30, and so many windows have begun.
  expect(applied.length).toBeLessThanOrEqual(30 * (seconds + 1));
  expect((await underLock()).has(id)).toBe(true);
  for (const admin of admins) expect(await admin.call('ACL', 'LOG')).toEqual([]);
  for (const server of servers) expect(server.output()).not.toMatch(/Redis|NOPERM/);
  expect(await shop.problems()).toEqual([]);
});

test.each([
  ['is killed', 'SIGKILL'],
  ['hangs and keeps its connections', 'SIGSTOP'],
] as const)(
  'no deduction fails when a master %s, and its replica gets the lock',
  async (_, signal) => {
    const running = await startServers(2);
    // At all masters, so that products of the others are sold meanwhile as well.
    const products = await shop.newProducts(8, 1_000_000);
    const key = placeOf(`lock:stock:{${products[0]}}`);
    const killed = await nodes.masterOf(key);
    const buyers = running.flatMap((server) => products.map((id) => new Buyer(server, id)));
    const areUnderLock = async () => {
      const locked = await underLock();
      return products.every((id) => locked.has(id));
    };
    await until('deductions under the lock', areUnderLock);
    const [first] = running;
    const printed = first.output().length;
    const killedMs = performance.now();
    await killed.kill(signal);
    await untilLockGoesAway(first, printed);
    for (const server of running) await untilLockIs(server, 'available', BACK_WITHIN_MS);
    const backMs = Math.round(performance.now() - killedMs);
    expect((await nodes.masterOf(key)).port).not.toBe(killed.port);
    await until('deductions under the lock', areUnderLock);
    for (const buyer of buyers) await buyer.stop();
    const pauseMs = Math.round(Math.max(...buyers.map(({ longestPauseMs }) => longestPauseMs)));
    process.stderr.write(
      `The lock was back after ${backMs} ms; the longest pause of a buyer was ${pauseMs} ms.\n`,
    );
    expect(buyers.flatMap((buyer) => buyer.failures)).toEqual([]);
    expect(await shop.problems()).toEqual([]);
    await killed.kill('SIGCONT');
    await killed.restart();
    await until('a replica again', async () => (await roleOf(killed)) === 'slave', BACK_WITHIN_MS);
  },
);

test('a master that dies with its replica takes its products to the row locks and no others', async () => {
  const [server] = await startServers(1);
  const products = await shop.newProducts(36, 10_000);
  const buyAll = async () => new Set(await Promise.all(products.map((id) => buy(server, id))));
  expect(await buyAll()).toEqual(new Set(['APPLIED']));

  const any = placeOf(`lock:stock:{${products[0]}}`);
  const [master, replica] = [await nodes.masterOf(any), await nodes.replicaOf(any)];
  const isLost = new Map<string, boolean>();
  for (const id of products) {
    isLost.set(id, (await nodes.masterOf(placeOf(`lock:stock:{${id}}`))) === master);
  }
  const shards: string[] = [];
  for (const [at, { tag, slot }] of CLUSTER_SHARDS.entries()) {
    const own = (await nodes.masterOf(`lock:{${tag}}:`)) === master;
    if (own) shards.push(`Redis shard ${at + 1} of 12 (slot ${slot})`);
  }
  await replica.kill('SIGKILL');
  await master.kill('SIGKILL');
  await untilLockIs(server, 'partly away');
  // The owner's leases of the lost shards last until their deadlines.
  await until('the lost shards alone are without locks', async () => {
    expect(await buyAll()).toEqual(new Set(['APPLIED']));
    const locked = await underLock();
    return [...isLost].every(([id, lost]) => locked.has(id) !== lost);
  });
  const { redisAway, ...state } = await lockStateOf(server);
  expect(state).toMatchObject({ lock: 'partly away', deductionsRunUnder: 'redis or database' });
  expect(redisAway).toEqual(shards);
  expect(server.output()).toContain(`"redis":"${redisAway?.[0]}"`);

  await master.restart();
  await replica.restart();
  // The nodes may elect the replica once more when both are back.
  const areUnderLock = async () => {
    expect(await buyAll()).toEqual(new Set(['APPLIED']));
    const locked = await underLock();
    return products.every((id) => locked.has(id));
  };
  await until('all products under the lock', areUnderLock, BACK_WITHIN_MS);
  await untilLockIs(server, 'available', BACK_WITHIN_MS);
  expect(await shop.problems()).toEqual([]);
});

async function roleOf({ port }: PrivateServer): Promise<string | undefined> {
  const redis = new Redis(port, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  redis.on('error', () => undefined);
  try {
    return /^role:(\w+)/m.exec(await redis.info('replication').catch(() => ''))?.[1];
  } finally {
    redis.disconnect();
  }
}
