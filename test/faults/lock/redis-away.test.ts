/**
 * While Redis is away, the first call waits for one command at most and later calls fail at once, so that callers can
 * use a fallback. The lock uses Redis again, without a restart, once it answers.
 */
import { LockArena } from '../../support/lock-arena.js';
import { RemoteError, systemNowMs, type LockProcess } from '../../support/lock-process.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { pass, until, within } from '../../support/until.js';

const COMMAND_TIMEOUT_MS = 300;
const SETTINGS = { commandTimeoutMs: COMMAND_TIMEOUT_MS };
const WAIT_MS = 10_000;
const KEY = 'lock:{away}';

let arena: LockArena;
let proxy: TcpProxy;
beforeAll(async () => {
  arena = await LockArena.open();
});
beforeEach(async () => {
  proxy = await arena.proxy();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

/** How long the lock let its caller wait before it said that Redis is away. */
async function refusalMs(process: LockProcess, name: string): Promise<number> {
  const askedMs = systemNowMs();
  await expect(process.acquire(KEY, WAIT_MS, name)).rejects.toMatchObject({
    code: 'LOCK_UNAVAILABLE',
  });
  return systemNowMs() - askedMs;
}

/** Each of a hundred callers is refused without a command of its own. */
async function expectAtOnce(process: LockProcess): Promise<void> {
  const hundred = Array.from({ length: 100 }, (_, index) => refusalMs(process, `next-${index}`));
  expect(Math.max(...(await Promise.all(hundred)))).toBeLessThan(WAIT_MS / 2);
}

async function untilBack(process: LockProcess): Promise<void> {
  await until('Redis in use again', async () => (await process.health()).available, 20_000);
}

test('an outage fails the first caller fast and the next at once, and service resumes when Redis is back', async () => {
  const process = await arena.start(SETTINGS, { url: proxy.via(arena.server.url) });
  expect(await process.health()).toMatchObject({ available: true });
  proxy.refuse(true);
  proxy.cut();
  expect(await refusalMs(process, 'first')).toBeLessThan(WAIT_MS / 2);
  expect(await process.health()).toMatchObject({ available: false });
  const before = await process.stats();
  await expectAtOnce(process);
  const after = await process.stats();
  expect(after).toMatchObject({ unavailable: 101, waitersNow: 0, heldNow: 0 });
  expect(after.roundTrips - before.roundTrips).toBeLessThan(10);

  proxy.refuse(false);
  await untilBack(process);
  await process.acquire(KEY, 0);
});

test('a Redis that does not answer costs one caller one command timeout, and later callers nothing', async () => {
  const process = await arena.start(SETTINGS, { url: proxy.via(arena.server.url) });
  proxy.pause('toClient');
  expect(await refusalMs(process, 'first')).toBeLessThan(WAIT_MS / 2);
  const before = await process.stats();
  await expectAtOnce(process);
  // None of the hundred sent anything; the few that were sent are the probes.
  expect((await process.stats()).roundTrips - before.roundTrips).toBeLessThan(10);
  proxy.resume();
  await untilBack(process);
  await process.acquire(KEY, 0);
});

test('callers that wait already are rejected, too', async () => {
  const [holder, waiter] = [
    await arena.start(),
    await arena.start(SETTINGS, { url: proxy.via(arena.server.url) }),
  ];
  await holder.acquire(KEY, 0);
  const names = Array.from({ length: 50 }, (_, index) => `waiter-${index}`);
  const waiting = names.map((name) => waiter.acquire(KEY, WAIT_MS, name));
  await until('the waiters', async () => (await waiter.stats()).waitersNow === 50);
  await until('their place in the queue', async () => (await arena.queued()) === 1);
  proxy.refuse(true);
  proxy.cut();
  const outcomes = await within(WAIT_MS - 2_000, 'all answers', Promise.allSettled(waiting));
  for (const outcome of outcomes) {
    expect(outcome.status === 'rejected' && (outcome.reason as RemoteError).code).toBe(
      'LOCK_UNAVAILABLE',
    );
  }
  // All of them have given up, so the next caller gets the lock when the holder releases it.
  proxy.refuse(false);
  await untilBack(waiter);
  const { askedMs } = await holder.release(KEY);
  const had = await within(WAIT_MS, 'the lock', waiter.acquire(KEY, WAIT_MS, 'after'));
  expect(had.atMs - askedMs).toBeLessThan(4_000);
});

test('a lock that is released during an outage or its end is free once Redis is back', async () => {
  const process = await arena.start(
    { ...SETTINGS, ttlMs: 20_000 },
    { url: proxy.via(arena.server.url) },
  );
  const keys = Array.from({ length: 1_500 }, (_, index) => `lock:stock:{product-${index}}`);
  const [before, during] = [keys.slice(0, 1_000), keys.slice(1_000)];
  expect(await process.acquireMany(keys, WAIT_MS)).toEqual({ OK: keys.length });
  proxy.refuse(true);
  proxy.cut();
  expect(await process.releaseMany(before, 0)).toEqual({ LOCK_UNAVAILABLE: before.length });
  // Goes on through the return, so some fail while those that failed before are being made up for.
  const releasing = process.releaseMany(during, 3);
  proxy.refuse(false);
  const released = await releasing;
  expect(released.LOCK_UNAVAILABLE).toBeGreaterThan(0);
  expect(released.OK).toBeGreaterThan(0);
  await until('all keys free', async () => (await arena.redis.exists(...keys)) === 0, 10_000);
  expect(await process.stats()).toMatchObject({ heldNow: 0 });
});

test('a process that starts during an outage reports it, and uses Redis once it is back', async () => {
  proxy.refuse(true);
  proxy.cut();
  const process = await within(
    10_000,
    'its start',
    arena.start(SETTINGS, { url: proxy.via(arena.server.url), untilAvailable: false }),
  );
  const health = await process.health();
  expect(health.available).toBe(false);
  expect(health.reason).not.toContain('127.0.0.1');
  expect(await refusalMs(process, 'early')).toBeLessThan(WAIT_MS / 2);
  proxy.refuse(false);
  await untilBack(process);
  await process.acquire(KEY, 0);
});

test('[F17] a Redis whose memory is full refuses new holders, and held locks can still be released', async () => {
  const ttlMs = 20_000;
  const [holder, waiter] = await arena.startMany(2, { ttlMs });
  if (!holder || !waiter) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  const { lease } = await arena.queueUp(waiter, KEY, WAIT_MS);
  await arena.redis.config('SET', 'maxmemory', '1');
  try {
    // Handing over needs no memory that was not there before.
    await holder.release(KEY);
    await within(8_000, 'the lock', lease);
    await waiter.release(KEY);
    expect(await arena.redis.exists(KEY)).toBe(0);
    await refusalMs(waiter, 'another');
  } finally {
    await arena.redis.config('SET', 'maxmemory', '0');
  }
  await untilBack(waiter);
  await within(8_000, 'the lock', waiter.acquire(KEY, WAIT_MS, 'later'));
});

describe('[F10] a Redis that is paused', () => {
  test('for longer than the command timeout grants nothing late, and keeps no abandoned lock', async () => {
    const ttlMs = 20_000;
    const [first, second, other] = await arena.startMany(3, { ...SETTINGS, ttlMs });
    if (!first || !second || !other) throw new Error('They were to start.');
    await arena.server.kill('SIGSTOP');
    // The stopped server has their requests in its socket and executes them after they have timed out.
    const asking = [
      ...['a', 'b', 'c'].map((name) => first.acquire(KEY, WAIT_MS, name)),
      ...['d', 'e', 'f'].map((name) => second.acquire(KEY, WAIT_MS, name)),
    ];
    const outcomes = await within(8_000, 'all answers', Promise.allSettled(asking));
    expect(outcomes.map(({ status }) => status)).toEqual(asking.map(() => 'rejected'));
    await pass(2 * COMMAND_TIMEOUT_MS);
    await arena.server.kill('SIGCONT');

    await untilBack(other);
    const resumedMs = systemNowMs();
    const had = await within(ttlMs / 2, 'a free lock', other.acquire(KEY, ttlMs / 2));
    expect(had.atMs - resumedMs).toBeLessThan(8_000);
    for (const one of [first, second]) {
      await untilBack(one);
      expect(await one.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, acquired: 0 });
    }
    expect(await arena.queued()).toBe(0);
    expect(await other.lease(KEY)).toMatchObject({ state: 'held' });
  });

  test('while hundreds of keys are being acquired keeps no abandoned lock', async () => {
    const ttlMs = 20_000;
    const [asking] = await arena.startMany(1, { ...SETTINGS, ttlMs });
    if (!asking) throw new Error('It was to start.');
    const keys = Array.from({ length: 600 }, (_, index) => `lock:stock:{product-${index}}`);
    await arena.server.kill('SIGSTOP');
    // More than a server reads from a connection at a time: some will be done after a new connection has had its say.
    const answers = await within(8_000, 'all answers', asking.acquireMany(keys, WAIT_MS));
    expect(answers).toEqual({ LOCK_UNAVAILABLE: keys.length });
    await arena.server.kill('SIGCONT');
    await untilBack(asking);
    await until('all keys free', async () => (await arena.redis.exists(...keys)) === 0, 10_000);
    expect(await asking.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, acquired: 0 });
  });

  test('for less than the time to live ends no lease', async () => {
    const ttlMs = 7_000;
    const [holder, other] = await arena.startMany(2, { ...SETTINGS, ttlMs });
    if (!holder || !other) throw new Error('They were to start.');
    const { atMs } = await holder.acquire(KEY, 0);
    await arena.server.kill('SIGSTOP');
    // One is due after a third of it. More than half is left then, for a machine that stands still.
    await until('a renewal fails', async () => (await holder.stats()).renewals.failed > 0);
    await arena.server.kill('SIGCONT');
    await untilBack(holder);
    await untilBack(other);
    // Beyond the end that the lease had.
    await pass(atMs + ttlMs + 500 - systemNowMs());
    expect(await holder.lease(KEY)).toMatchObject({ state: 'held', loss: null });
    await expect(other.acquire(KEY, 0)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect((await holder.stats()).leasesLost).toBe(0);
  });

  test('[F13] beyond the time to live ends every lease, and each holder learns it without an answer', async () => {
    const ttlMs = 3_000;
    const [holder, other] = await arena.startMany(2, { ...SETTINGS, ttlMs });
    if (!holder || !other) throw new Error('They were to start.');
    const lost = await holder.acquire(KEY, 0);
    const stoppedMs = systemNowMs();
    await arena.server.kill('SIGSTOP');
    await until('the loss', async () => (await holder.lease(KEY)).aborted, 10_000);
    const { loss } = await holder.lease(KEY);
    expect(loss).toMatchObject({ reason: 'not-renewed-in-time' });
    // By a timer of its own, which a pause of the machine delays.
    expect((loss?.atMs ?? Infinity) - stoppedMs).toBeLessThanOrEqual(ttlMs + 2_000);
    await arena.server.kill('SIGCONT');
    await untilBack(other);
    await untilBack(holder);
    // The renewals that Redis reads when it resumes must not extend a lock that its owner has given up.
    const had = await within(2 * WAIT_MS, 'the lock', other.acquire(KEY, WAIT_MS));
    expect(had.fencingToken).toBeGreaterThan(lost.fencingToken);
    await holder.release(KEY);
    await pass(ttlMs / 2);
    expect(await other.lease(KEY)).toMatchObject({ state: 'held' });
  });
});
