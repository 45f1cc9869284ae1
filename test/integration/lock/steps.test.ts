/** Many locks at once: what one process wants within one turn of its event loop goes to Redis as one command. */
import { startPrivateRedis } from '../../../services/private-redis.js';
import type { PrivateServer } from '../../../services/private-server.js';
import { LockUnavailableError, type FencedLease } from '../../../src/lock/index.js';
import { deadlineIn, errorOf, LockServices, uniqueKey } from '../../support/lock-services.js';

const COUNT = 600;
/** As many as one call carries out at most, LIMITS.stepsMax. */
const STEPS_MAX = 256;

const services = new LockServices();
afterEach(() => services.stopAll());

function keysFor(count: number): string[] {
  return Array.from({ length: count }, () => uniqueKey());
}

test('locks of different keys are acquired and released in few round trips, each with its own lease', async () => {
  const service = await services.start({ ttlMs: 600_000 }); // A renewal would be a round trip, too.
  const redis = services.redis();
  const keys = keysFor(COUNT);
  const before = service.stats().roundTrips;
  const leases = await Promise.all(keys.map((key) => service.acquire(key, deadlineIn(0))));
  const taken = service.stats().roundTrips;
  expect(taken - before).toBe(Math.ceil(COUNT / STEPS_MAX));
  expect(leases.map((lease) => lease.key)).toEqual(keys);
  const tokens = await redis.mget(keys.map((key) => `${key}:fence`));
  expect(leases.map((lease) => String(lease.fencingToken))).toEqual(tokens);
  expect(await redis.exists(...keys)).toBe(COUNT);

  await Promise.all(leases.map((lease) => service.release(lease)));
  expect(service.stats().roundTrips - taken).toBe(Math.ceil(COUNT / STEPS_MAX));
  expect(await redis.exists(...keys)).toBe(0);
});

test('a lock that is released and acquired again at once is granted under a larger token', async () => {
  const service = await services.start();
  const keys = keysFor(20);
  let leases = await Promise.all(keys.map((key) => service.acquire(key, deadlineIn(0))));
  for (let round = 0; round < 5; round += 1) {
    const before = leases.map((lease) => lease.fencingToken);
    const again: Promise<FencedLease>[] = [];
    for (const lease of leases) {
      void service.release(lease);
      again.push(service.acquire(lease.key, deadlineIn(0)));
    }
    leases = await Promise.all(again);
    leases.forEach((lease, i) => {
      expect(lease.fencingToken).toBeGreaterThan(before[i] ?? 0n);
    });
  }
});

test('a key that holds something else is refused alone', async () => {
  const service = await services.start();
  const redis = services.redis();
  const keys = keysFor(5);
  const strange = keys[2] ?? '';
  await redis.hset(strange, 'field', 'value');
  const outcomes = await Promise.allSettled(
    keys.map((key) => service.acquire(key, deadlineIn(10_000))),
  );
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...['fulfilled', 'fulfilled', 'rejected', 'fulfilled', 'fulfilled'],
  ]);
  expect(service.health().available).toBe(true);
  expect(await redis.type(strange)).toBe('hash');
});

describe('when the Redis user may not access one of the keys', () => {
  let server: PrivateServer;
  beforeAll(async () => {
    server = await startPrivateRedis();
  });
  afterAll(() => server.stop());

  test('that key alone is refused', async () => {
    const admin = services.redis(server.url);
    await admin.call('ACL', 'SETUSER', 'some', 'on', '>pw', '~lock:*', '&lock:inbox:*', '+@all');
    const service = await services.start({ url: server.url.replace('//', '//some:pw@') });
    const keys = keysFor(3);
    const refused = errorOf(service.acquire('elsewhere:{1}', deadlineIn(10_000)));
    const leases = await Promise.all(keys.map((key) => service.acquire(key, deadlineIn(10_000))));
    expect(await refused).toBeInstanceOf(LockUnavailableError);
    expect(leases.map((lease) => lease.state)).toEqual(['held', 'held', 'held']);
    expect(service.health().available).toBe(true);
  });
});
