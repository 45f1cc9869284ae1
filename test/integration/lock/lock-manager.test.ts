/** `executeWithLock` on the real service: one or several locks around a function, given back whatever happens. */
import {
  Deadline,
  DistributedLockManager,
  LockLostError,
  LockTimeoutError,
  type LockHold,
} from '../../../src/lock/index.js';
import { deadlineIn, errorOf, LockServices, uniqueKey } from '../../support/lock-services.js';
import { until } from '../../support/until.js';

const services = new LockServices();
afterEach(() => services.stopAll());

async function start(waitMs = 10_000) {
  const service = await services.start();
  return { service, manager: new DistributedLockManager(service, { waitMs }) };
}

test('executeWithLock runs the function under the lock and returns its result', async () => {
  const key = uniqueKey();
  const { service, manager } = await start();
  const result = await manager.executeWithLock(key, (hold) => {
    expect(hold.signal.aborted).toBe(false);
    expect(hold.fencingTokenOf(key)).toBe(hold.leases[0]?.fencingToken);
    expect(hold.fencingTokenOf('another')).toBeNull();
    expect(service.stats().heldNow).toBe(1);
    return Promise.resolve('done');
  });
  expect(result).toBe('done');
  expect(service.stats().heldNow).toBe(0);
});

test('the lock is released when the function throws, and the error is passed on unchanged', async () => {
  const key = uniqueKey();
  const { manager } = await start();
  const failure = new Error('The work failed.');
  const failing = manager.executeWithLock(key, () => Promise.reject(failure));
  expect(await errorOf(failing)).toBe(failure);
  await manager.executeWithLock(key, () => Promise.resolve(), deadlineIn(0));
});

test('[F19] the lock is released only after the promise of the function has settled', async () => {
  const key = uniqueKey();
  const { service, manager } = await start();
  const redis = services.redis();
  let commit: () => void = () => undefined;
  const committed = new Promise<void>((resolve) => (commit = resolve));
  const working = manager.executeWithLock(key, () => committed);
  await until('it is held', () => service.stats().heldNow === 1);
  expect(await redis.exists(key)).toBe(1);
  commit();
  await working;
  expect(await redis.exists(key)).toBe(0);
});

test('[F18] callers that name the same keys in opposite orders do not deadlock', async () => {
  const [a, b] = [uniqueKey('a'), uniqueKey('b')];
  const [one, other] = [await start(), await start()];
  let done = 0;
  const work = async () => {
    await new Promise(setImmediate);
    done += 1;
  };
  await Promise.all(
    Array.from({ length: 50 }, () => [
      one.manager.executeWithLock([a, b], work),
      other.manager.executeWithLock([b, a], work),
    ]).flat(),
  );
  expect(done).toBe(100);
});

test('a key that is named twice is acquired once, and keys are acquired in byte order', async () => {
  const [upper, lower] = [uniqueKey('Z'), uniqueKey('a')];
  const { manager } = await start();
  const keys = await manager.executeWithLock([lower, upper, lower], (hold: LockHold) =>
    Promise.resolve(hold.leases.map((lease) => lease.key)),
  );
  expect(keys).toEqual([upper, lower]);
});

test('[F18] when the wait for the second lock times out the first is released', async () => {
  const [a, b] = [uniqueKey('a'), uniqueKey('b')];
  const { clock, service } = await services.startFrozen({ ttlMs: 60_000 });
  const manager = new DistributedLockManager(service, { waitMs: 600_000 }, clock);
  const other = await start();
  const lease = await other.service.acquire(b, deadlineIn(0));
  const wait = Deadline.in(1_000, clock);
  const late = errorOf(manager.executeWithLock([a, b], () => Promise.resolve(), wait));
  const redis = services.redis();
  await until('it waits for the second', async () => (await redis.llen(`${b}:queue`)) === 1);
  clock.advance(1_000);
  expect(await late).toBeInstanceOf(LockTimeoutError);
  expect(service.stats().heldNow).toBe(0);
  await other.manager.executeWithLock(a, () => Promise.resolve(), deadlineIn(0));
  await other.service.release(lease);
});

test('[F18] a lease that is lost during the wait for another lock ends it; the function is not called', async () => {
  const [a, b] = [uniqueKey('a'), uniqueKey('b')];
  const { clock, service } = await services.startFrozen({ ttlMs: 60_000 });
  const manager = new DistributedLockManager(service, { waitMs: 600_000 }, clock);
  const other = await start();
  const lease = await other.service.acquire(b, deadlineIn(0));
  let ran = false;
  const lost = errorOf(
    manager.executeWithLock([a, b], () => {
      ran = true;
      return Promise.resolve();
    }),
  );
  const redis = services.redis();
  await until('it waits for the second', async () => (await redis.llen(`${b}:queue`)) === 1);
  await redis.del(a);
  clock.advance(20_000);
  expect(await lost).toEqual(new LockLostError(a, 'taken-from-us'));
  expect(ran).toBe(false);
  await other.service.release(lease);
});

test('the function is told when its lease is lost, and its result stands', async () => {
  const key = uniqueKey();
  const { clock, service } = await services.startFrozen({ ttlMs: 60_000 });
  const manager = new DistributedLockManager(service, { waitMs: 0 }, clock);
  const outcome = await manager.executeWithLock(key, async (hold) => {
    const told = new Promise((resolve) => {
      hold.signal.addEventListener('abort', resolve);
    });
    clock.stopFor(60_000);
    clock.advance(0);
    await told;
    expect(hold.signal.reason).toEqual(new LockLostError(key, 'not-renewed-in-time'));
    return 'what the database said';
  });
  expect(outcome).toBe('what the database said');
});
