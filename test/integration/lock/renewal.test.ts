/** How long a lease lasts, and how its holder learns that it is over: by renewal, by the clock, by Redis' word. */
import { LockLostError } from '../../../src/lock/index.js';
import { deadlineIn, LockServices, REDIS_URL, uniqueKey } from '../../support/lock-services.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';

const services = new LockServices();
let proxy: TcpProxy;
beforeEach(async () => {
  proxy = await services.openProxy();
});
afterEach(() => services.stopAll());

const redis = () => services.redis();

const startFrozen = services.startFrozen.bind(services);

test('[F6] a lease is renewed as long as it is held', async () => {
  const key = uniqueKey();
  const { clock, service } = await startFrozen({ ttlMs: 60_000 });
  const lease = await service.acquire(key, deadlineIn(0));
  const ticket = await redis().get(key);
  for (const times of [1, 2, 3, 4, 5]) {
    await redis().pexpire(key, 30_000);
    clock.advance(20_000);
    await until('it is renewed', () => service.stats().renewals.ok === times);
    expect(await redis().pttl(key)).toBeGreaterThan(30_000);
  }
  expect(lease.state).toBe('held');
  expect(await redis().get(key)).toBe(ticket);
  await service.release(lease);
});

test('many leases are renewed by few calls', async () => {
  const { clock, service } = await startFrozen({ ttlMs: 60_000 });
  const keys = Array.from({ length: 1_100 }, () => uniqueKey());
  const leases = await Promise.all(keys.map((key) => service.acquire(key, deadlineIn(0))));
  clock.advance(20_000);
  await until('all are prolonged', () => service.stats().renewals.ok === 1_100);
  const before = service.stats().roundTrips; // By now Redis knows the script.
  clock.advance(20_000);
  await until('all are prolonged again', () => service.stats().renewals.ok === 2_200);
  expect(service.stats().roundTrips - before).toBe(3);
  await Promise.all(leases.map((lease) => service.release(lease)));
});

test('[F6] a holder that was paused beyond its time to live learns of the loss by reading the state', async () => {
  const key = uniqueKey();
  const { clock, service } = await startFrozen({ ttlMs: 60_000 });
  const other = await services.start();
  const lease = await service.acquire(key, deadlineIn(0));
  const { signal } = lease;
  await redis().del(key); // As its expiry would.
  const theirs = await other.acquire(key, deadlineIn(0));
  clock.stopFor(60_000);
  expect(lease.state).toBe('lost');
  expect(signal.aborted).toBe(true);
  expect(signal.reason).toEqual(new LockLostError(key, 'not-renewed-in-time'));
  await service.release(lease);
  expect(theirs.state).toBe('held');
  expect(await redis().exists(key)).toBe(1);
  await other.release(theirs);
});

test('a signal that is first read after the loss is aborted', async () => {
  const key = uniqueKey();
  const { clock, service } = await startFrozen({ ttlMs: 60_000 });
  const lease = await service.acquire(key, deadlineIn(0));
  clock.stopFor(60_000);
  expect(lease.signal.reason).toEqual(new LockLostError(key, 'not-renewed-in-time'));
});

test('a lost lease does not keep the next local waiter from the lock', async () => {
  const key = uniqueKey();
  const { clock, service } = await startFrozen({ ttlMs: 60_000 });
  const lost = await service.acquire(key, deadlineIn(0));
  const waiting = service.acquire(key, deadlineIn(600_000));
  clock.stopFor(60_000);
  expect(lost.state).toBe('lost');
  const next = await waiting;
  expect(next.fencingToken).toBeGreaterThan(lost.fencingToken);
  await service.release(lost);
  expect(next.state).toBe('held');
  await service.release(next);
});

test('[F6] an answer that took longer than the time to live grants no lease', async () => {
  const key = uniqueKey();
  const { clock, service } = await startFrozen({ url: proxy.via(REDIS_URL), ttlMs: 60_000 });
  proxy.pause('toClient');
  const waiting = service.acquire(key, deadlineIn(600_000));
  await until('it is granted', async () => (await redis().exists(key)) === 1);
  const stale = await redis().get(key);
  clock.stopFor(60_000);
  proxy.resume();
  const lease = await waiting;
  expect(lease.state).toBe('held');
  expect(await redis().get(key)).not.toBe(stale);
  await service.release(lease);
});

test('[F6] a lease that cannot be renewed is lost at its deadline, not before', async () => {
  const key = uniqueKey();
  const { clock, service } = await startFrozen({ url: proxy.via(REDIS_URL), ttlMs: 60_000 });
  const lease = await service.acquire(key, deadlineIn(0));
  proxy.refuse(true);
  proxy.cut();
  await until('Redis is away', () => !service.health().available);
  clock.advance(59_999);
  expect(lease.state).toBe('held');
  const lost = new Promise<unknown>((resolve) => {
    lease.signal.addEventListener('abort', () => {
      resolve(lease.signal.reason);
    });
  });
  clock.advance(1);
  expect(await lost).toEqual(new LockLostError(key, 'not-renewed-in-time'));
  expect(service.stats()).toMatchObject({ leasesLost: 1, heldNow: 0 });
  await redis().del(key);
});

test('a lease outlives a short outage of Redis, and is renewed right after it', async () => {
  const key = uniqueKey();
  const service = await services.start({ url: proxy.via(REDIS_URL), ttlMs: 60_000 });
  const lease = await service.acquire(key, deadlineIn(0));
  await redis().pexpire(key, 30_000);
  // An outage that is over between two looks at it would never be seen.
  proxy.refuse(true);
  proxy.cut();
  await until('Redis is away', () => !service.health().available);
  proxy.refuse(false);
  await until('Redis is back', () => service.health().available);
  await until('it is prolonged', () => service.stats().renewals.ok === 1);
  expect(await redis().pttl(key)).toBeGreaterThan(30_000);
  expect(lease.state).toBe('held');
  await service.release(lease);
});

test('[F17] a lock whose key was deleted or overwritten is lost at the next renewal', async () => {
  const [deleted, stolen, kept] = [uniqueKey(), uniqueKey(), uniqueKey()];
  const { clock, service } = await startFrozen({ ttlMs: 60_000 });
  const acquire = (key: string) => service.acquire(key, deadlineIn(0));
  const leases = [await acquire(deleted), await acquire(stolen), await acquire(kept)] as const;
  await redis().del(deleted);
  await redis().del(stolen);
  await redis().hset(stolen, 'thief', 'somebody');
  clock.advance(20_000);
  await until('the loss is noticed', () => service.stats().leasesLost === 2);
  expect(leases.map((lease) => lease.state)).toEqual(['lost', 'lost', 'held']);
  expect(leases[0].signal.reason).toEqual(new LockLostError(deleted, 'taken-from-us'));
  await service.release(leases[2]);
  await redis().del(stolen);
});

test('an overwritten lock is noticed by its release at the latest', async () => {
  const key = uniqueKey();
  const service = await services.start();
  const lease = await service.acquire(key, deadlineIn(0));
  const { signal } = lease;
  await redis().set(key, 'thief:1', 'PX', 60_000);
  await service.release(lease);
  expect(lease.state).toBe('lost');
  expect(signal.reason).toEqual(new LockLostError(key, 'taken-from-us'));
  expect(await redis().get(key)).toBe('thief:1');
  await redis().del(key);
});

describe('[F13] a renewal that is under way while the lock is released', () => {
  test('does not mark the lease as lost and renews nothing', async () => {
    const key = uniqueKey();
    const { clock, service } = await startFrozen({ url: proxy.via(REDIS_URL), ttlMs: 60_000 });
    const lease = await service.acquire(key, deadlineIn(0));
    await redis().pexpire(key, 30_000);
    proxy.pause('toClient');
    clock.advance(20_000);
    await until('it is carried out', async () => (await redis().pttl(key)) > 30_000);
    const released = service.release(lease);
    await until('it is gone', async () => (await redis().exists(key)) === 0);
    proxy.resume();
    await released;
    expect(lease.state).toBe('released');
    expect(service.stats()).toMatchObject({ leasesLost: 0, renewals: { ok: 0, failed: 0 } });

    clock.advance(60_000);
    await service.release(await service.acquire(uniqueKey(), deadlineIn(0)));
    expect(await redis().exists(key)).toBe(0);
  });

  test('does not renew the lock of the next holder', async () => {
    const key = uniqueKey();
    const { clock, service } = await startFrozen({ url: proxy.via(REDIS_URL), ttlMs: 60_000 });
    const other = await services.start({ ttlMs: 30_000 });
    const lease = await service.acquire(key, deadlineIn(0));
    // The renewal stays on its way until the lock is another's.
    proxy.pause('toServer');
    clock.advance(20_000);
    await redis().del(key);
    const theirs = await other.acquire(key, deadlineIn(0));
    proxy.resume();
    await until('the loss is noticed', () => lease.state === 'lost');
    expect(await redis().pttl(key)).toBeLessThanOrEqual(30_000);
    await other.release(theirs);
  });
});
