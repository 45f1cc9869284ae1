/** Fencing tokens: a later lease has a larger one, whatever happens to Redis between the two. */
import { startPrivateRedis } from '../../../services/private-redis.js';
import type { PrivateServer } from '../../../services/private-server.js';
import { LockLostError, type Lease, type RedisLockService } from '../../../src/lock/index.js';
import { deadlineIn, LockServices, uniqueKey } from '../../support/lock-services.js';
import { until } from '../../support/until.js';

let server: PrivateServer;
beforeAll(async () => {
  server = await startPrivateRedis();
});
afterAll(() => server.stop());

const services = new LockServices();
afterEach(() => services.stopAll());

const start = (ttlMs = 5_000) => services.start({ url: server.url, ttlMs });

async function tokenOf(service: RedisLockService, key: string): Promise<bigint> {
  const lease = await service.acquire(key, deadlineIn(10_000));
  await service.release(lease);
  return lease.fencingToken;
}

test('[F7] [F8] tokens grow in the order of the leases, across processes and local hand-overs', async () => {
  const key = uniqueKey();
  const processes = await Promise.all([start(), start(), start()]);
  const tokens: bigint[] = [];
  const visit = async (service: RedisLockService) => {
    const lease = await service.acquire(key, deadlineIn(10_000));
    tokens.push(lease.fencingToken);
    await service.release(lease);
  };
  await Promise.all(
    processes.flatMap((service) => Array.from({ length: 200 }, () => visit(service))),
  );
  expect(tokens).toHaveLength(600);
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => (a < b ? -1 : 1)));
  const local = processes.map((service) => service.stats().handOffs.local);
  expect(Math.min(...local)).toBeGreaterThan(0);
});

test('a token is a number that SQL and JSON represent exactly', async () => {
  const token = await tokenOf(await start(), uniqueKey());
  expect(token).toBeGreaterThan(0n);
  expect(token).toBeLessThan(BigInt(Number.MAX_SAFE_INTEGER));
});

test('[F9] tokens grow although Redis has lost its data', async () => {
  const key = uniqueKey();
  const service = await start();
  const before = await tokenOf(service, key);
  await services.redis(server.url).flushall();
  expect(await tokenOf(service, key)).toBeGreaterThan(before);
});

test('[F9] tokens grow although the clock of Redis was set back', async () => {
  const key = uniqueKey();
  const service = await start();
  const ahead = (await tokenOf(service, key)) + 3_600_000_000n;
  // What an hour's step back leaves: a counter from the future.
  await services.redis(server.url).set(`${key}:fence`, String(ahead));
  expect(await tokenOf(service, key)).toBe(ahead + 1n);

  const visits = Array.from({ length: 50 }, () => tokenOf(service, key));
  const tokens = await Promise.all(visits);
  expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => (a < b ? -1 : 1)));
  expect(tokens[0]).toBe(ahead + 2n);
});

test('[F16] a holder whose lock is lost with the data of Redis is told; the next token is larger', async () => {
  const key = uniqueKey();
  const { clock, service: stale } = await services.startFrozen({ url: server.url, ttlMs: 60_000 });
  const next = await start(60_000);
  const lost = await stale.acquire(key, deadlineIn(0));
  await services.redis(server.url).flushall();
  const lease: Lease = await next.acquire(key, deadlineIn(0));
  expect(lease.fencingToken).toBeGreaterThan(lost.fencingToken);

  clock.advance(20_000); // Its renewal.
  await until('the loss is noticed', () => lost.state === 'lost');
  expect(lost.signal.reason).toEqual(new LockLostError(key, 'taken-from-us'));
  await stale.release(lost);
  expect(lease.state).toBe('held');
  expect(await services.redis(server.url).exists(key)).toBe(1);
  expect(stale.stats()).toMatchObject({ leasesLost: 1, heldNow: 0 });
});
