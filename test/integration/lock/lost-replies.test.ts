/**
 * Answers that arrive late or never. The process must not block itself with what it does not know it has, nor take
 * away what another has by now. Times to live, also of a hand-over, are so long that only a ticket given up can free a
 * lock.
 */
import type { Redis } from 'ioredis';
import { startPrivateRedis } from '../../../services/private-redis.js';
import type { PrivateServer } from '../../../services/private-server.js';
import {
  Deadline,
  LockAbortedError,
  LockTimeoutError,
  LockUnavailableError,
  type RedisLockService,
  type RedisLockSettings,
} from '../../../src/lock/index.js';
import { deadlineIn, errorOf, LockServices, LONG, uniqueKey } from '../../support/lock-services.js';
import { startTcpProxy, type TcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';

let server: PrivateServer;
let proxy: TcpProxy;
let redis: Redis;
beforeAll(async () => {
  server = await startPrivateRedis();
});
afterAll(() => server.stop());

const services = new LockServices();
beforeEach(async () => {
  proxy = await startTcpProxy(server.url);
  redis = services.redis(server.url);
});
afterEach(async () => {
  proxy.resume();
  await services.stopAll();
  await proxy.stop();
});

const direct = () => services.start({ url: server.url, ...LONG });
/** While its clock stands still it greets no server by itself: what passes the proxy next is what the test has sent. */
const proxied = (settings: Partial<RedisLockSettings> = {}) =>
  services.startFrozen({ url: proxy.via(server.url), ...LONG, ...settings });

/** Breaks the connection on which the next answer comes, before it is delivered. */
function loseNextAnswer(): void {
  proxy.hook('toClient', () => {
    proxy.hook('toClient', null);
    return 'cut';
  });
}

/** Breaks the connection on which the next command goes, before the server has it. */
function loseNextCommand(): void {
  proxy.hook('toServer', () => {
    proxy.hook('toServer', null);
    return 'cut';
  });
}

async function untilBack(service: RedisLockService): Promise<void> {
  await until('Redis is back', () => service.health().available);
}

async function untilFree(key: string): Promise<void> {
  await until('it is given up', async () => !(await isTaken(key)));
}

async function isTaken(key: string): Promise<boolean> {
  return (await redis.exists(key)) === 1;
}

describe('[F10] an acquire whose answer is lost', () => {
  test('leaves no lock behind once Redis is back', async () => {
    const key = uniqueKey();
    const { service } = await proxied();
    loseNextAnswer();
    const error = await errorOf(service.acquire(key, deadlineIn(10_000)));
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect(await isTaken(key)).toBe(true);
    await untilBack(service);
    await untilFree(key);
    await service.release(await service.acquire(key, deadlineIn(0)));
  });

  test('leaves no ticket in the queue behind', async () => {
    const key = uniqueKey();
    const holder = await direct();
    const { service } = await proxied();
    const lease = await holder.acquire(key, deadlineIn(0));
    loseNextAnswer();
    await errorOf(service.acquire(key, deadlineIn(10_000)));
    expect(await redis.llen(`${key}:queue`)).toBe(1);
    await untilFree(`${key}:queue`);
    await holder.release(lease);
  });

  test('hands the lock that it was granted to the next process', async () => {
    const key = uniqueKey();
    const { service } = await proxied();
    const other = await direct();
    loseNextAnswer();
    await errorOf(service.acquire(key, deadlineIn(10_000)));
    const theirs = await other.acquire(key, deadlineIn(10_000));
    expect(theirs.state).toBe('held');
    await other.release(theirs);
  });
});

describe('[F11] a release whose answer is lost', () => {
  test('rejects, and releases no lock of another owner when it is repeated', async () => {
    const key = uniqueKey();
    const { service } = await proxied();
    const other = await direct();
    const lease = await service.acquire(key, deadlineIn(0));
    loseNextAnswer();
    expect(await errorOf(service.release(lease))).toBeInstanceOf(LockUnavailableError);
    const theirs = await other.acquire(key, deadlineIn(0));
    await untilBack(service);
    // Answers come in order: when this one is here, the repetition has been carried out.
    await service.release(await service.acquire(uniqueKey(), deadlineIn(0)));
    expect(theirs.state).toBe('held');
    expect(await isTaken(key)).toBe(true);
    expect(service.stats()).toMatchObject({ releasesFailed: 1, heldNow: 0 });
    await other.release(theirs);
  });

  test('is repeated when Redis did not receive it', async () => {
    const key = uniqueKey();
    const { service } = await proxied();
    const lease = await service.acquire(key, deadlineIn(0));
    loseNextCommand();
    expect(await errorOf(service.release(lease))).toBeInstanceOf(LockUnavailableError);
    expect(lease.state).toBe('released');
    await untilFree(key);
  });

  test('and that queued the next local waiter leaves nothing behind', async () => {
    const key = uniqueKey();
    const { service } = await proxied({ localTenureMs: 0 });
    const lease = await service.acquire(key, deadlineIn(0));
    const waiting = errorOf(service.acquire(key, deadlineIn(10_000)));
    loseNextAnswer();
    expect(await errorOf(service.release(lease))).toBeInstanceOf(LockUnavailableError);
    expect(await waiting).toBeInstanceOf(LockUnavailableError);
    await untilFree(key);
    await untilFree(`${key}:queue`);
  });
});

describe('[F12] a grant that arrives too late', () => {
  test('because the caller aborted is given back', async () => {
    const key = uniqueKey();
    const { service } = await proxied();
    const abortion = new AbortController();
    proxy.pause('toClient');
    const aborted = errorOf(service.acquire(key, deadlineIn(10_000, abortion.signal)));
    await until('it is granted', () => isTaken(key));
    abortion.abort();
    expect(await aborted).toBeInstanceOf(LockAbortedError);
    proxy.resume();
    await until('it is given back', async () => !(await isTaken(key)));
    await until('it is counted', () => service.stats().handOffs.givenBack === 1);
    expect(service.stats()).toMatchObject({ acquired: 0, heldNow: 0 });
  });

  test('because the wait timed out is handed to the next process', async () => {
    const key = uniqueKey();
    const { clock, service } = await proxied();
    const other = await direct();
    proxy.pause('toClient');
    const late = errorOf(service.acquire(key, Deadline.in(1_000, clock)));
    await until('it is granted', () => isTaken(key));
    const waiting = other.acquire(key, deadlineIn(10_000));
    clock.advance(1_000);
    expect(await late).toBeInstanceOf(LockTimeoutError);
    proxy.resume();
    await other.release(await waiting);
  });

  test('goes to the next local waiter if there is one', async () => {
    const key = uniqueKey();
    const { clock, service } = await proxied();
    proxy.pause('toClient');
    const late = errorOf(service.acquire(key, Deadline.in(1_000, clock)));
    const next = service.acquire(key, deadlineIn(10_000));
    await until('it is granted', () => isTaken(key));
    clock.advance(1_000);
    expect(await late).toBeInstanceOf(LockTimeoutError);
    proxy.resume();
    await service.release(await next);
    expect(service.stats().handOffs.givenBack).toBe(0);
  });

  test('by a hand-over to a process without waiters is handed on', async () => {
    const key = uniqueKey();
    const { clock, service } = await proxied();
    const [holder, other] = [await direct(), await direct()];
    const lease = await holder.acquire(key, deadlineIn(0));
    let isTold = false;
    const onQueued = () => (isTold = true);
    const late = errorOf(service.acquire(key, Deadline.in(1_000, clock), { onQueued }));
    await until('it is queued', () => isTold);
    const waiting = other.acquire(key, deadlineIn(10_000));
    await until('both are queued', async () => (await redis.llen(`${key}:queue`)) === 2);
    // What the process says, that it leaves the queue, and what it is told both stay on their way.
    proxy.pause();
    await holder.release(lease);
    clock.advance(1_000);
    expect(await late).toBeInstanceOf(LockTimeoutError);
    proxy.resume();
    await other.release(await waiting);
  });
});

test('[F10] a lock held by an abandoned ticket of the same process is released by the next acquire', async () => {
  const key = uniqueKey();
  const service = await direct();
  const first = await service.acquire(key, deadlineIn(0));
  const ticket = (await redis.get(key)) ?? '';
  await service.release(first);
  // As if a question, given up long ago, had been carried out only now.
  await redis.set(key, ticket.replace(/\d+$/, '999999'), 'PX', LONG.ttlMs);
  await service.release(await service.acquire(key, deadlineIn(10_000)));
});
