/**
 * What may go wrong for waiters: lost messages, dead and stopped processes in the queue or at its head, herds of
 * waiters, keys that are no locks. The times to live are so long that a forgotten waiter fails its test, and those of
 * hand-overs so long that the test may stand still in between.
 */
import { startPrivateRedis } from '../../../services/private-redis.js';
import type { PrivateServer } from '../../../services/private-server.js';
import {
  Deadline,
  LockTimeoutError,
  LockUnavailableError,
  type RedisLockService,
  type RedisLockSettings,
} from '../../../src/lock/index.js';
import { DEFAULTS } from '../../../src/lock/settings.js';
import {
  deadlineIn,
  errorOf,
  LockServices,
  timeoutOf,
  uniqueKey,
} from '../../support/lock-services.js';
import { startTcpProxy, type ProxiedConnection } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';

const LONG_MS = 600_000;
const CLAIM_MS = 60_000;

let server: PrivateServer;
beforeAll(async () => {
  server = await startPrivateRedis();
});
afterAll(() => server.stop());

const services = new LockServices();
afterEach(() => services.stopAll());

const start = (settings: Partial<RedisLockSettings> = {}) =>
  services.start({ url: server.url, ttlMs: LONG_MS, claimTtlMs: CLAIM_MS, ...settings });
const startFrozen = () =>
  services.startFrozen({ url: server.url, ttlMs: LONG_MS, claimTtlMs: CLAIM_MS });

const redis = () => services.redis(server.url);

async function untilQueued(key: string, processes: number): Promise<void> {
  const client = redis();
  await until('it is queued', async () => (await client.llen(`${key}:queue`)) === processes);
}

async function visit(service: RedisLockService, key: string): Promise<void> {
  await service.release(await service.acquire(key, deadlineIn(30_000)));
}

async function clientsOfRedis(): Promise<number> {
  const info = await redis().info('clients');
  return Number(/^connected_clients:(\d+)/m.exec(info)?.[1]);
}

describe('a wake-up is not lost', () => {
  test('[F1] when the lock is released before the answer to the acquire has arrived', async () => {
    const key = uniqueKey();
    const proxy = await startTcpProxy(server.url);
    const [holder, waiter] = [await start(), await start({ url: proxy.via(server.url) })];
    const lease = await holder.acquire(key, deadlineIn(0));
    proxy.pause('toClient');
    const waiting = waiter.acquire(key, deadlineIn(30_000));
    await untilQueued(key, 1);
    await holder.release(lease);
    proxy.resume();
    await waiter.release(await waiting);
    await proxy.stop();
  });

  test('[F1] when the grant arrives before the answer to the acquire', async () => {
    const key = uniqueKey();
    const proxy = await startTcpProxy(server.url);
    let commands: ProxiedConnection | undefined;
    proxy.hook('toServer', (bytes, connection) => {
      if (bytes.includes('evalsha')) commands = connection;
      return 'pass';
    });
    const [holder, waiter] = [await start(), await start({ url: proxy.via(server.url) })];
    const lease = await holder.acquire(key, deadlineIn(0));
    commands?.pause('toClient');
    const waiting = waiter.acquire(key, deadlineIn(30_000));
    await untilQueued(key, 1);
    let announced = false;
    proxy.hook('toClient', (bytes) => {
      announced ||= bytes.includes(key);
      return 'pass';
    });
    await holder.release(lease);
    await until('the grant is announced', () => announced);
    commands?.resume();
    await waiter.release(await waiting);
    expect(waiter.stats().wakeUps).toMatchObject({ grant: 1, ttl: 0 });
    await proxy.stop();
  });

  test('[F5] when the subscriber loses its connection while callers wait', async () => {
    const key = uniqueKey();
    const [holder, waiter] = [await start(), await start()];
    const lease = await holder.acquire(key, deadlineIn(0));
    const waiting = Promise.all([visit(waiter, key), visit(waiter, key)]);
    await untilQueued(key, 1);
    // A process that no longer listens is skipped, so the message is lost for good.
    await redis().call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await holder.release(lease);
    expect(holder.stats().handOffs).toMatchObject({ remote: 0, skipped: 1 });
    await waiting;
    const { reconnect, ttl } = waiter.stats().wakeUps;
    expect(reconnect + ttl).toBeGreaterThanOrEqual(1);
  });

  test('[F2] when the holder has died without a message', async () => {
    const key = uniqueKey();
    const waiter = await start();
    await redis().set(key, 'dead-process:1', 'PX', 2_000);
    await visit(waiter, key);
    expect(waiter.stats().wakeUps.ttl).toBe(1);
  });
});

describe('[F14] a process in the queue does not delay the processes behind it', () => {
  test('when it is dead: the release skips it in the same step', async () => {
    const key = uniqueKey();
    const [holder, waiter] = [await start(), await start()];
    const lease = await holder.acquire(key, deadlineIn(0));
    await redis().rpush(`${key}:queue`, 'dead-1:1', 'dead-2:7', 'no ticket at all');
    const waiting = waiter.acquire(key, deadlineIn(30_000));
    await untilQueued(key, 4);
    const before = holder.stats().roundTrips;
    await holder.release(lease);
    expect(holder.stats().roundTrips - before).toBe(1);
    expect(holder.stats().handOffs).toMatchObject({ remote: 1, skipped: 3 });
    await waiter.release(await waiting);
  });

  test('when it is paused: it costs the claim time, not a time to live', async () => {
    const key = uniqueKey();
    const { claimTtlMs } = DEFAULTS;
    const [holder, waiter] = [await start({ claimTtlMs }), await start({ claimTtlMs })];
    const stopped = redis();
    const granted: string[] = [];
    stopped.on('message', (_, message: string) => granted.push(message.split(' ')[0] ?? ''));
    await stopped.subscribe('lock:inbox:stopped-1', 'lock:inbox:stopped-2');
    const lease = await holder.acquire(key, deadlineIn(0));
    await redis().rpush(`${key}:queue`, 'stopped-1:1', 'stopped-2:1');
    const waiting = waiter.acquire(key, deadlineIn(30_000));
    await untilQueued(key, 3);
    await holder.release(lease);
    await waiter.release(await waiting);
    await until('both had their turn', () => granted.length === 2);
    expect(granted).toEqual(['stopped-1:1', 'stopped-2:1']);
  });

  test('[F2] when both it and the holder are dead', async () => {
    const key = uniqueKey();
    const client = redis();
    await client.set(key, 'dead-process:1', 'PX', 200);
    await client.rpush(`${key}:queue`, 'dead-1:1', 'dead-2:1');
    const waiter = await start();
    await visit(waiter, key);
    expect(waiter.stats().handOffs.skipped).toBe(2);
  });
});

test('[F15] a new caller does not overtake the queue of a lock that has expired', async () => {
  const key = uniqueKey();
  const client = redis();
  const [first, newcomer] = [await start(), await start()];
  await client.set(key, 'dead-process:1', 'PX', LONG_MS);
  const waiting = first.acquire(key, deadlineIn(30_000));
  await untilQueued(key, 1);
  await client.del(key);
  expect(await errorOf(newcomer.acquire(key, deadlineIn(0)))).toBeInstanceOf(LockTimeoutError);
  const lease = await waiting;
  expect(lease.state).toBe('held');
  await first.release(lease);
});

describe('a thousand waiters', () => {
  test('[F3] [F4] of one process open no connections and cost a constant number of steps each', async () => {
    const key = uniqueKey();
    const service = await start({ localPassesMax: 1 });
    const lease = await service.acquire(key, deadlineIn(0));
    const one = visit(service, key);
    const withOne = await clientsOfRedis();
    const all = Array.from({ length: 999 }, () => visit(service, key));
    expect(service.stats().waitersNow).toBe(1_000);
    expect(await clientsOfRedis()).toBeLessThanOrEqual(withOne + 1); // That is the one that asks.
    const before = service.stats().roundTrips;
    await service.release(lease);
    await Promise.all([one, ...all]);
    expect(service.stats().roundTrips - before).toBeLessThanOrEqual(1_000);
    expect(service.stats()).toMatchObject({ acquired: 1_001, waits: 1_000, waitersNow: 0 });
  });

  test('[F3] of four processes cost a constant number of steps each, independent of their number', async () => {
    const key = uniqueKey();
    const processes = await Promise.all(
      Array.from({ length: 4 }, () => start({ localPassesMax: 1 })),
    );
    const before = sumOfTrips(processes);
    await Promise.all(
      processes.flatMap((service) => Array.from({ length: 250 }, () => visit(service, key))),
    );
    expect(sumOfTrips(processes) - before).toBeLessThanOrEqual(1_500);
    // Two local turns at most for each of another process: about half of the turns were handed over.
    const handOffs = processes.map((service) => service.stats().handOffs.remote);
    expect(handOffs.reduce((sum, n) => sum + n)).toBeGreaterThanOrEqual(250);
  });

  function sumOfTrips(processes: readonly RedisLockService[]): number {
    return processes.reduce((sum, service) => sum + service.stats().roundTrips, 0);
  }
});

test('a hand-over to another process takes one step, and is confirmed by a renewal if the lease lasts', async () => {
  const key = uniqueKey();
  const one = await start();
  // Its clock stands still, so it claims without a question, and renews when the test says.
  const { clock, service: other } = await startFrozen();
  const lease = await one.acquire(key, deadlineIn(0));
  const waiting = other.acquire(key, deadlineIn(30_000));
  await untilQueued(key, 1);
  const before = one.stats().roundTrips + other.stats().roundTrips;
  await one.release(lease);
  const theirs = await waiting;
  expect(one.stats().roundTrips + other.stats().roundTrips - before).toBe(1);
  expect(other.stats().wakeUps).toMatchObject({ grant: 1, ttl: 0, reconnect: 0 });
  expect(theirs.fencingToken).toBeGreaterThan(lease.fencingToken);
  expect(await redis().pttl(key)).toBeLessThanOrEqual(CLAIM_MS);
  clock.advance(CLAIM_MS / 3);
  await until(
    'the renewal is answered',
    () => other.stats().renewals.ok + other.stats().renewals.failed > 0,
  );
  expect(other.stats().renewals).toMatchObject({ ok: 1, late: 0, failed: 0 });
  expect(await redis().pttl(key)).toBeGreaterThan(LONG_MS / 2);
  expect(theirs.state).toBe('held');
  await other.release(theirs);
});

test('a hand-over that is older than the last answer is checked at Redis first', async () => {
  const key = uniqueKey();
  const [one, other] = [await start(), await start()];
  const lease = await one.acquire(key, deadlineIn(0));
  let had = false;
  const waiting = other.acquire(key, deadlineIn(30_000)).finally(() => (had = true));
  await untilQueued(key, 1);
  const [ticket = ''] = await redis().lrange(`${key}:queue`, 0, -1);
  const asked = other.stats().roundTrips;
  const [seconds] = await redis().time();
  const late = `${ticket} ${Number(seconds) - 60}000000 1 ${key}`;
  await redis().publish(`lock:inbox:${ticket.slice(0, ticket.lastIndexOf(':'))}`, late);
  await until('it asks', () => other.stats().roundTrips > asked);
  await untilQueued(key, 1);
  expect(had).toBe(false);
  await one.release(lease);
  expect((await waiting).fencingToken).toBeGreaterThan(lease.fencingToken);
});

test('locks are served although Redis forgets the scripts', async () => {
  const key = uniqueKey();
  const [one, other] = [await start(), await start()];
  const lease = await one.acquire(key, deadlineIn(0));
  const waiting = other.acquire(key, deadlineIn(30_000));
  await untilQueued(key, 1);
  await redis().script('FLUSH');
  await one.release(lease);
  const theirs = await waiting;
  await redis().script('FLUSH');
  await other.release(theirs);
  await visit(one, key);
});

describe('a key that is not a lock', () => {
  test.each([
    ['of another type', ''],
    ['whose counter is of another type', ':fence'],
  ])('%s is refused at once, and other locks are served', async (_name, suffix) => {
    const key = uniqueKey();
    const service = await start();
    await redis().hset(`${key}${suffix}`, 'field', 'value');
    const error = await errorOf(service.acquire(key, deadlineIn(30_000)));
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect(error.message).toBe(
      `The lock ${key} cannot be acquired: something that is no lock has its key, or one with its suffixes.`,
    );
    expect(service.health().available).toBe(true);
    await visit(service, uniqueKey());

    await redis().del(`${key}${suffix}`);
    await visit(await start(), key);
  });

  test('whose queue is of another type is refused to callers that would have to queue', async () => {
    const key = uniqueKey();
    const [one, other] = [await start(), await start()];
    await redis().hset(`${key}:queue`, 'field', 'value');
    const lease = await one.acquire(key, deadlineIn(0));
    const error = await errorOf(other.acquire(key, deadlineIn(30_000)));
    expect(error).toBeInstanceOf(LockUnavailableError);
    expect(error.message).toMatch(/something that is no lock/);
    await one.release(lease);
    expect(await redis().exists(key)).toBe(0);
  });

  test('and never expires is waited for until the deadline, and the timeout error says so', async () => {
    const key = uniqueKey();
    const { clock, service } = await startFrozen();
    await redis().set(key, 'x'.repeat(1_000));
    let isTold = false;
    const onQueued = () => (isTold = true);
    const late = timeoutOf(service.acquire(key, Deadline.in(1_000, clock), { onQueued }));
    await until('Redis has told who holds it', () => isTold);
    clock.advance(1_000);
    const error = await late;
    expect(error).toMatchObject({ code: 'LOCK_TIMEOUT', behind: { holderExpires: false } });
    expect(error.behind.holder).toBe('x'.repeat(100));
    expect(error.message).toMatch(/which never expires/);
  });

  test('because its counter was changed by another client is repaired', async () => {
    const key = uniqueKey();
    const service = await start();
    await redis().set(`${key}:fence`, 'no number');
    const lease = await service.acquire(key, deadlineIn(0));
    expect(lease.fencingToken).toBeGreaterThan(1_000_000_000_000_000n);
    await service.release(lease);
  });
});
