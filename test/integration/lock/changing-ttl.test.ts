/** A time to live that changes while the service runs, and services with different ones. */
import { deadlineIn, LockServices, REDIS_URL, uniqueKey } from '../../support/lock-services.js';
import { until } from '../../support/until.js';

const services = new LockServices();
afterEach(() => services.stopAll());

test('the next lock and the next renewal have the time to live of their moment', async () => {
  let ttlMs = 60_000;
  const { clock, service } = await services.startFrozen({ ttlMs: () => ttlMs });
  const redis = services.redis();
  const [early, late] = [uniqueKey(), uniqueKey()];
  const first = await service.acquire(early, deadlineIn(0));
  expect(await redis.pttl(early)).toBeGreaterThan(30_000);

  ttlMs = 9_000;
  const second = await service.acquire(late, deadlineIn(0));
  expect(await redis.pttl(late)).toBeLessThanOrEqual(9_000);
  clock.advance(3_000);
  await until('both are renewed', () => service.stats().renewals.ok >= 2);
  expect(await redis.pttl(early)).toBeLessThanOrEqual(9_000);

  // The lease may not outlast its key.
  clock.stopFor(9_000);
  expect(first.state).toBe('lost');

  ttlMs = 60_000;
  const third = await service.acquire(uniqueKey(), deadlineIn(0));
  expect(await redis.pttl(third.key)).toBeGreaterThan(30_000);
  await Promise.all([second, third].map((lease) => service.release(lease)));
});

test('a renewal whose answer is lost shortens the lease, as it may have shortened the life of the key', async () => {
  let ttlMs = 60_000;
  const proxy = await services.openProxy();
  const { clock, service } = await services.startFrozen({
    url: proxy.via(REDIS_URL),
    ttlMs: () => ttlMs,
  });
  const lease = await service.acquire(uniqueKey(), deadlineIn(0));
  ttlMs = 9_000;
  proxy.pause('toClient');
  clock.advance(20_000);
  await until('Redis has it', async () => (await services.redis().pttl(lease.key)) <= 9_000);
  expect(lease.state).toBe('held');
  clock.advance(9_000);
  expect(lease.state).toBe('lost');
  proxy.resume();
});

test('a waiter with a long time to live waits only as long as that of the dead owner', async () => {
  const proxy = await services.openProxy();
  const owner = await services.start({ url: proxy.via(REDIS_URL), ttlMs: () => 1_000 });
  const waiter = await services.start({ ttlMs: () => 86_400_000 });
  const key = uniqueKey();
  await owner.acquire(key, deadlineIn(0));
  proxy.pause();
  const lease = await waiter.acquire(key, deadlineIn(30_000));
  expect(lease.state).toBe('held');
  expect(await services.redis().pttl(key)).toBeGreaterThan(60_000);
  await waiter.release(lease);
});
