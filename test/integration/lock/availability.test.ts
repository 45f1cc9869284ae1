/** A Redis that is away, silent, full, read-only or unwilling, and what its users are told meanwhile. */
import { startPrivateRedis } from '../../../services/private-redis.js';
import { freePort, type PrivateServer } from '../../../services/private-server.js';
import {
  LockLostError,
  LockUnavailableError,
  type RedisLockService,
  type RedisLockSettings,
} from '../../../src/lock/index.js';
import {
  deadlineIn,
  CollectedLog,
  errorOf,
  LockServices,
  LONG,
  uniqueKey,
} from '../../support/lock-services.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';

let server: PrivateServer;
beforeEach(async () => {
  server = await startPrivateRedis();
});
const services = new LockServices();
afterEach(async () => {
  await services.stopAll();
  await server.stop();
});

const start = (settings: Partial<RedisLockSettings> = {}) =>
  services.start({ url: server.url, ...settings });
const redis = () => services.redis(server.url);

async function untilAway(service: RedisLockService): Promise<void> {
  await until('Redis is away', () => !service.health().available);
}

async function untilBack(service: RedisLockService): Promise<void> {
  await until('Redis is back', () => service.health().available);
}

async function isServed(service: RedisLockService): Promise<void> {
  await service.release(await service.acquire(uniqueKey(), deadlineIn(5_000)));
}

describe('when Redis becomes unavailable', () => {
  test('waiting and new callers are rejected at once, and service resumes by itself', async () => {
    const key = uniqueKey();
    const log = new CollectedLog();
    const service = await start({ log });
    expect(service.health()).toMatchObject({ available: true });
    expect(service.health()).not.toHaveProperty('reason');
    const lease = await service.acquire(key, deadlineIn(0));
    const waiting = Array.from({ length: 50 }, () =>
      errorOf(service.acquire(key, deadlineIn(60_000))),
    );
    await server.kill('SIGKILL');
    for (const error of await Promise.all(waiting)) {
      expect(error).toBeInstanceOf(LockUnavailableError);
    }
    expect(service.health()).toMatchObject({ available: false });
    const trips = service.stats().roundTrips;
    const refused = await errorOf(service.acquire(uniqueKey(), deadlineIn(60_000)));
    expect(refused).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(await errorOf(service.release(lease))).toBeInstanceOf(LockUnavailableError);
    expect(service.stats().roundTrips).toBe(trips);
    expect(service.stats()).toMatchObject({ unavailable: 51, releasesFailed: 1, waitersNow: 0 });

    await server.restart();
    await untilBack(service);
    await isServed(service);
    expect(log.lines.map(({ level, message }) => [level, message])).toEqual([
      ['warn', 'Redis does not serve the lock.'],
      ['info', 'Redis serves the lock again.'],
    ]);
  });

  test('no error, health report or log line contains the address or the password', async () => {
    await redis().config('SET', 'requirepass', 's3cret');
    const log = new CollectedLog();
    const service = await start({ url: server.url.replace('//', '//:s3cret@'), log });
    await server.kill('SIGKILL');
    await untilAway(service);
    const error = await errorOf(service.acquire(uniqueKey(), deadlineIn(0)));
    const told = [error.stack, error.cause, service.health(), log.lines];
    expect(JSON.stringify(told)).not.toMatch(/s3cret|127\.0\.0\.1|localhost/);
    expect(JSON.stringify(told)).toMatch(/connection/);
  });

  test('without closing connections, it counts as unavailable after the command timeout', async () => {
    const key = uniqueKey();
    const service = await start({ commandTimeoutMs: 1_000 });
    await server.kill('SIGSTOP');
    const error = await errorOf(service.acquire(key, deadlineIn(60_000)));
    expect(error.message).toBe('The lock is unavailable: Redis has not answered in 1000 ms.');
    await server.kill('SIGCONT');
    await untilBack(service);
    // The stopped server had our question in its socket, and carried it out when it went on.
    const left = redis();
    await until('it is given up', async () => (await left.exists(key)) === 0);
    await isServed(service);
  });

  test('a process whose event loop was blocked for longer than that does not report Redis unavailable', async () => {
    // The proxy is in this process, so the question gets no further either.
    const proxy = await startTcpProxy(server.url);
    const service = await start({ url: proxy.via(server.url), commandTimeoutMs: 600 });
    const acquired = service.acquire(uniqueKey(), deadlineIn(60_000));
    await new Promise<void>((resolve) => {
      process.nextTick(() => {
        const busyUntilMs = performance.now() + 3_000;
        while (performance.now() < busyUntilMs);
        resolve();
      });
    });
    await service.release(await acquired);
    expect(service.health().available).toBe(true);
    await services.stopAll();
    await proxy.stop();
  });

  test('before the start, start succeeds and the service becomes available when Redis does', async () => {
    const port = await freePort();
    const log = new CollectedLog();
    const service = services.make({ url: `redis://127.0.0.1:${port}`, log });
    const health = await service.start();
    expect(health.available).toBe(false);
    expect(health.reason).toMatch(/ECONNREFUSED/);
    expect(await errorOf(service.acquire(uniqueKey(), deadlineIn(0)))).toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
    const late = await startPrivateRedis({ port });
    await untilBack(service);
    await isServed(service);
    expect(log.warnings()).toHaveLength(1);
    await services.stopAll();
    await late.stop();
  });
});

describe('when Redis is reachable and cannot serve locks', () => {
  test('[F17] because its memory is full, it counts as unavailable, and held locks can still be released', async () => {
    const key = uniqueKey();
    // So long that the other has claimed the lock in any case: it could not take it anew from a full Redis.
    const [service, other] = [await start(LONG), await start(LONG)];
    const lease = await service.acquire(key, deadlineIn(0));
    const waiting = other.acquire(key, deadlineIn(60_000));
    const client = redis();
    await until('it is queued', async () => (await client.llen(`${key}:queue`)) === 1);
    await client.config('SET', 'maxmemory', '1');
    await service.release(lease);
    await other.release(await waiting);
    expect(await client.exists(key)).toBe(0);
    const error = await errorOf(service.acquire(uniqueKey(), deadlineIn(0)));
    expect(error.message).toBe('The lock is unavailable: the memory of Redis is full.');
    await client.config('SET', 'maxmemory', '0');
    await untilBack(service);
    await isServed(service);
  });

  test('because it has become a replica, it counts as unavailable until it is promoted', async () => {
    const service = await start();
    const client = redis();
    await client.call('REPLICAOF', '127.0.0.1', '1');
    // A connection that is lost meanwhile is told first.
    await until('the reason', async () => {
      const error = await errorOf(service.acquire(uniqueKey(), deadlineIn(0)));
      return error.message === 'The lock is unavailable: Redis is a read-only replica.';
    });
    await client.call('REPLICAOF', 'NO', 'ONE');
    await untilBack(service);
    await isServed(service);
  });
});

describe('when Redis refuses the client', () => {
  test.each([
    [
      'for a wrong password',
      (url: string) => url.replace('//', '//:wrong@'),
      /refuses the password/,
    ],
    ['for a missing password', (url: string) => url, /wants a password/],
    [
      'for want of permissions',
      (url: string) => url.replace('//', '//weak:pw@'),
      /the Redis user may not run a command that the lock needs/,
    ],
    [
      'for want of a channel',
      (url: string) => url.replace('//', '//deaf:pw@'),
      /may not use the channels lock:inbox:\*/,
    ],
    [
      'for a database that is not there',
      (url: string) => `${url.replace('//', '//:right@')}/99`,
      /has no such database/,
    ],
  ])('%s, the start fails and says why', async (_name, urlOf, message) => {
    const client = redis();
    await client.call(
      'ACL',
      'SETUSER',
      'weak',
      'on',
      '>pw',
      '~lock:*',
      '&lock:*',
      '+@all',
      '-evalsha',
    );
    await client.call('ACL', 'SETUSER', 'deaf', 'on', '>pw', '~lock:*', 'resetchannels', '+@all');
    await client.config('SET', 'requirepass', 'right');
    const service = services.make({ url: urlOf(server.url) });
    const error = await errorOf(service.start());
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect(error.message).toMatch(message);
    const admin = services.redis(server.url.replace('//', '//:right@'));
    const left = async () => String(await admin.client('LIST')).match(/name=lock/g)?.length ?? 0;
    await until('no connection is left', async () => (await left()) === 0);
  });

  test('for one key only, acquiring that key alone is refused', async () => {
    await redis().call('ACL', 'SETUSER', 'some', 'on', '>pw', '~lock:*', '&lock:inbox:*', '+@all');
    const service = await start({ url: server.url.replace('//', '//some:pw@') });
    const error = await errorOf(service.acquire('elsewhere:{1}', deadlineIn(0)));
    expect(error.message).toBe(
      'The lock elsewhere:{1} cannot be acquired: the Redis user may not touch its key.',
    );
    expect(service.health().available).toBe(true);
    await isServed(service);
  });

  test('a Redis user with only the documented permissions can use every function', async () => {
    await redis().call(
      ...(['ACL', 'SETUSER', 'least', 'on', '>pw', '~lock:*', '&lock:inbox:*', '-@all'] as const),
      ...['+evalsha', '+eval', '+subscribe', '+publish', '+get', '+set', '+del', '+pttl'],
      ...['+pexpire', '+time', '+lpop', '+rpush', '+llen', '+lpos', '+lrem'],
    );
    const url = server.url.replace('//', '//least:pw@');
    const [one, other] = [await start({ url }), await start({ url })];
    const key = uniqueKey('least');
    const lease = await one.acquire(key, deadlineIn(0));
    const waiting = other.acquire(key, deadlineIn(60_000));
    const client = redis();
    await until('it is queued', async () => (await client.llen(`${key}:queue`)) === 1);
    await one.release(lease);
    await other.release(await waiting);
    expect(other.stats().wakeUps.grant).toBe(1);
  });
});

describe('[F17] the eviction policy', () => {
  test.each([
    ['noeviction', 0],
    ['allkeys-lru', 1],
  ])('%s gives %i warnings at the start', async (policy, warnings) => {
    await redis().config('SET', 'maxmemory-policy', policy);
    const log = new CollectedLog();
    await start({ log });
    expect(log.warnings()).toHaveLength(warnings);
    for (const warning of log.warnings()) expect(warning).toContain(policy);
  });
});

describe('a stop', () => {
  test('releases held locks, rejects waiters, marks leases as lost, and closes the connections', async () => {
    const key = uniqueKey();
    const [service, other] = [await start({ ttlMs: 600_000 }), await start({ ttlMs: 600_000 })];
    const lease = await service.acquire(key, deadlineIn(0));
    const { signal } = lease;
    const local = errorOf(service.acquire(key, deadlineIn(60_000)));
    const waiting = other.acquire(key, deadlineIn(60_000));
    const client = redis();
    await until('it is queued', async () => (await client.llen(`${key}:queue`)) === 1);

    await Promise.all([service.stop(), service.stop()]);
    expect(await local).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
    expect(lease.state).toBe('lost');
    expect(signal.reason).toEqual(new LockLostError(key, 'stopped'));
    expect(service.health()).toMatchObject({ available: false, reason: 'stopped' });
    await service.release(lease);
    const refused = await errorOf(service.acquire(key, deadlineIn(0)));
    expect(refused).toBeInstanceOf(LockUnavailableError);
    await other.release(await waiting);
    const left = async () => String(await client.client('LIST')).match(/name=lock/g)?.length ?? 0;
    await until('only the other is connected', async () => (await left()) === 2);
  });

  test('gives up an acquire that Redis has not answered yet', async () => {
    const keys = Array.from({ length: 20 }, () => uniqueKey());
    const service = await start({ ttlMs: 600_000 });
    const asked = keys.map((key) => errorOf(service.acquire(key, deadlineIn(60_000))));
    await service.stop();
    for (const error of await Promise.all(asked)) {
      expect(error).toBeInstanceOf(LockUnavailableError);
    }
    const locks = (await redis().keys('lock:test:*')).filter((key) => !key.endsWith(':fence'));
    expect(locks).toEqual([]);
  });

  test('ends in bounded time although Redis does not answer', async () => {
    const service = await start({ commandTimeoutMs: 1_000 });
    await service.acquire(uniqueKey(), deadlineIn(0));
    await server.kill('SIGSTOP');
    await service.stop();
    await server.kill('SIGCONT');
  });

  test('before the start is no error', async () => {
    const service = services.make({ url: server.url });
    expect(await errorOf(service.acquire(uniqueKey(), deadlineIn(0)))).toMatchObject({
      message: 'The lock is unavailable: not started.',
    });
    await service.stop();
  });
});
