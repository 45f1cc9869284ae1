/** Mutual exclusion in the order of arrival, and a typed error for a caller that does not get the lock. */
import {
  Deadline,
  LockAbortedError,
  LockQueueFullError,
  LockTimeoutError,
  type RedisLockService,
  type RedisLockSettings,
} from '../../../src/lock/index.js';
import {
  deadlineIn,
  errorOf,
  LockServices,
  timeoutOf,
  uniqueKey,
} from '../../support/lock-services.js';
import { until } from '../../support/until.js';

const services = new LockServices();
afterEach(() => services.stopAll());

const TTL_MS = 600_000;
/** So long that no lock is lost, and no process passed over, because the test stood still at a hand-over. */
const LONG = { ttlMs: TTL_MS, claimTtlMs: TTL_MS / 2 };
const start = (settings: Partial<RedisLockSettings> = {}) =>
  services.start({ ...LONG, ...settings });

test('a lock has one holder at a time, across services', async () => {
  const key = uniqueKey();
  const processes = await Promise.all([start(), start(), start()]);
  let inside = 0;
  let most = 0;
  const visit = async (service: RedisLockService) => {
    const lease = await service.acquire(key, deadlineIn(10_000));
    inside += 1;
    most = Math.max(most, inside);
    await new Promise(setImmediate);
    inside -= 1;
    await service.release(lease);
  };
  const visits = processes.flatMap((service) => Array.from({ length: 100 }, () => visit(service)));
  await Promise.all(visits);
  expect(most).toBe(1);
  const acquired = processes.map((service) => service.stats().acquired);
  expect(acquired).toEqual([100, 100, 100]);
});

test('[F15] waiters of one process are served in the order of their arrival', async () => {
  const key = uniqueKey();
  const service = await start();
  const order: number[] = [];
  const visit = async (number: number) => {
    const lease = await service.acquire(key, deadlineIn(10_000));
    order.push(number);
    await service.release(lease);
  };
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  await Promise.all(numbers.map(visit));
  expect(order).toEqual(numbers);
});

test('[F15] waiting processes are served in the order in which they queued', async () => {
  const key = uniqueKey();
  const holder = await start();
  const others = await Promise.all(Array.from({ length: 4 }, () => start()));
  const lease = await holder.acquire(key, deadlineIn(0));
  const order: number[] = [];
  const visits: Promise<void>[] = [];
  const redis = services.redis();
  for (const [number, service] of others.entries()) {
    visits.push(
      service.acquire(key, deadlineIn(10_000)).then(async (theirs) => {
        order.push(number);
        await service.release(theirs);
      }),
    );
    await until('it is queued', async () => (await redis.llen(`${key}:queue`)) === number + 1);
  }
  await holder.release(lease);
  await Promise.all(visits);
  expect(order).toEqual([0, 1, 2, 3]);
});

test('a lock without holder and waiters leaves neither its key nor a queue in Redis', async () => {
  const key = uniqueKey();
  const service = await start();
  const redis = services.redis();
  const lease = await service.acquire(key, deadlineIn(0));
  expect(await redis.get(key)).toMatch(/:\d+$/);
  expect(await redis.pttl(key)).toBeGreaterThan(TTL_MS / 2);
  expect(lease.state).toBe('held');
  await service.release(lease);
  expect(lease.state).toBe('released');
  expect(await redis.exists(key, `${key}:queue`)).toBe(0);
});

test('a deadline with nothing left tries once and leaves no ticket in the queue', async () => {
  const key = uniqueKey();
  const [one, other] = [await start(), await start()];
  const lease = await one.acquire(key, deadlineIn(0));
  expect(await errorOf(other.acquire(key, deadlineIn(0)))).toBeInstanceOf(LockTimeoutError);
  expect(await errorOf(one.acquire(key, deadlineIn(0)))).toBeInstanceOf(LockTimeoutError);
  expect(await services.redis().exists(`${key}:queue`)).toBe(0);
  await one.release(lease);
  await other.release(await other.acquire(key, deadlineIn(0)));
});

test('a waiter behind a single try is still served', async () => {
  const key = uniqueKey();
  const [one, other] = [await start(), await start()];
  const lease = await one.acquire(key, deadlineIn(0));
  const tried = errorOf(other.acquire(key, deadlineIn(0)));
  const waiting = other.acquire(key, deadlineIn(10_000));
  expect(await tried).toBeInstanceOf(LockTimeoutError);
  await until('it is queued', async () => (await services.redis().llen(`${key}:queue`)) === 1);
  await one.release(lease);
  await other.release(await waiting);
});

test('a timeout error tells how long the wait was and what was ahead', async () => {
  const key = uniqueKey();
  const one = await start();
  const { clock, service: other } = await services.startFrozen(LONG);
  const lease = await one.acquire(key, deadlineIn(0));
  let isTold = false;
  const onQueued = () => (isTold = true);
  const first = errorOf(other.acquire(key, Deadline.in(60_000, clock), { onQueued }));
  await until('Redis has told what is ahead', () => isTold);
  const second = timeoutOf(other.acquire(key, Deadline.in(40_000, clock)));
  clock.advance(40_000);
  const behind = { waitersAhead: 1 };
  expect(await second).toMatchObject({ code: 'LOCK_TIMEOUT', key, waitedMs: 40_000, behind });
  const holder = (await services.redis().get(key))?.replace(/:\d+$/, '');
  clock.advance(20_000);
  expect(await first).toMatchObject({
    behind: { waitersAhead: 0, processesAhead: 0, holder, holderExpires: true },
  });
  // No waiter is left, so no key of the queue is left at Redis.
  const left = () => services.redis().exists(`${key}:queue`);
  await until('the queue is empty', async () => (await left()) === 0);
  await one.release(lease);
});

test('a waiter whose signal is aborted leaves at once, and the others keep their places', async () => {
  const key = uniqueKey();
  const service = await start();
  const lease = await service.acquire(key, deadlineIn(0));
  const abortion = new AbortController();
  const aborted = errorOf(service.acquire(key, deadlineIn(10_000, abortion.signal)));
  const other = service.acquire(key, deadlineIn(10_000));
  abortion.abort(new Error('The client hung up.'));
  expect(await aborted).toBeInstanceOf(LockAbortedError);
  expect((await aborted).cause).toMatchObject({ message: 'The client hung up.' });
  await service.release(lease);
  await service.release(await other);

  const late = errorOf(service.acquire(key, deadlineIn(0, AbortSignal.abort())));
  expect(await late).toBeInstanceOf(LockAbortedError);
});

test('[F20] more waiters than the queue has room for are refused at once', async () => {
  const key = uniqueKey();
  const service = await start({ queueMax: 100 });
  const lease = await service.acquire(key, deadlineIn(0));
  const visits = Array.from({ length: 10_000 }, () =>
    service.acquire(key, deadlineIn(10_000)).then((theirs) => service.release(theirs)),
  );
  const settled = Promise.allSettled(visits);
  expect(service.stats()).toMatchObject({ waitersNow: 100, queueFull: 9_900 });
  await service.release(lease);
  const refused = (await settled).filter(({ status }) => status === 'rejected');
  expect(refused).toHaveLength(9_900);
  expect((refused[0] as PromiseRejectedResult).reason).toBeInstanceOf(LockQueueFullError);
  expect(service.stats()).toMatchObject({ acquired: 101, waitersNow: 0 });
});

test('[F11] releasing a lease again does nothing, also when another caller holds the lock by then', async () => {
  const key = uniqueKey();
  const service = await start();
  const first = await service.acquire(key, deadlineIn(0));
  await Promise.all([service.release(first), service.release(first)]);
  const second = await service.acquire(key, deadlineIn(0));
  await service.release(first);
  expect(second.state).toBe('held');
  expect(await services.redis().exists(key)).toBe(1);
});

test('[F15] local hand-overs stay within their bounds while another process waits', async () => {
  const key = uniqueKey();
  const settings = { localPassesMax: 3, localTenureMs: 60_000 };
  const [one, other] = [await start(settings), await start(settings)];
  const lease = await one.acquire(key, deadlineIn(0));
  const turns: string[] = [];
  const visit = async (name: string, service: RedisLockService) => {
    const theirs = await service.acquire(key, deadlineIn(10_000));
    turns.push(name);
    await service.release(theirs);
  };
  const foreign = visit('other', other);
  await until('it is queued', async () => (await services.redis().llen(`${key}:queue`)) === 1);
  const local = Array.from({ length: 10 }, () => visit('one', one));
  await one.release(lease);
  await Promise.all([foreign, ...local]);
  expect(turns.indexOf('other')).toBeLessThanOrEqual(3);
});
