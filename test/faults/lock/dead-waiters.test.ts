/** A queue may be full of the dead: the release finds the first one that lives, in the one call that it makes. */
import { LockArena } from '../../support/lock-arena.js';
import { until, within } from '../../support/until.js';

const TTL_MS = 10_000;
const CLAIM_TTL_MS = 500;
/** Beyond the claim time, and below the time to live: a pause of the machine. */
const MARGIN_MS = 4_000;
const KEY = 'lock:{dead}';

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

test('[F14] three dead processes in the queue are skipped by one call', async () => {
  // So long a claim that no look at it comes between: a second command of the holder is one for the dead.
  const claimTtlMs = 5_000;
  const [holder, live, ...dead] = await arena.startMany(5, { ttlMs: TTL_MS, claimTtlMs });
  if (!holder || !live) throw new Error('They were to start.');
  const first = await holder.acquire(KEY, 0);
  for (const one of dead) await arena.queueUp(one, KEY, 20_000);
  const { lease } = await arena.queueUp(live, KEY, 20_000);
  const listeners = await arena.listeners();
  await Promise.all(dead.map((one) => one.kill()));
  await until('Redis knows of their end', async () => (await arena.listeners()) === listeners - 3);

  const before = await holder.stats();
  const { askedMs } = await holder.release(KEY);
  const had = await within(TTL_MS, 'the live waiter', lease);
  // None of the dead was waited for, not even for a claim.
  expect(had.atMs - askedMs).toBeLessThan(claimTtlMs);
  expect(had.fencingToken).toBeGreaterThan(first.fencingToken);
  const after = await holder.stats();
  expect(after.handOffs).toMatchObject({ skipped: 3, remote: 1 });
  expect(after.roundTrips - before.roundTrips).toBe(1);
  expect((await live.stats()).wakeUps).toMatchObject({ grant: 1, ttl: 0, reconnect: 0 });
});

test('[F14] when all queued processes are dead the lock is free and its queue is removed', async () => {
  const [holder, next, ...dead] = await arena.startMany(4, { ttlMs: TTL_MS });
  if (!holder || !next) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  for (const one of dead) await arena.queueUp(one, KEY, 20_000);
  const listeners = await arena.listeners();
  await Promise.all(dead.map((one) => one.kill()));
  await until('Redis knows of their end', async () => (await arena.listeners()) === listeners - 2);
  await holder.release(KEY);
  expect((await holder.stats()).handOffs).toMatchObject({ skipped: 2, remote: 0 });
  expect(await arena.queued()).toBe(0);
  await next.acquire(KEY, 0);
});

test('[F14] a process that dies at the moment of its hand-over costs the claim time', async () => {
  const [holder, unlucky, live] = await arena.startMany(3, { ttlMs: TTL_MS });
  if (!holder || !unlucky || !live) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  await arena.queueUp(unlucky, KEY, 20_000);
  const { lease } = await arena.queueUp(live, KEY, 20_000);
  // Stopped first, so that it cannot claim before it dies.
  unlucky.signal('SIGSTOP');
  const { askedMs } = await holder.release(KEY);
  await unlucky.kill();
  const had = await within(TTL_MS, 'the live waiter', lease);
  expect(had.atMs - askedMs).toBeLessThanOrEqual(CLAIM_TTL_MS + MARGIN_MS);
});

test('[F2] [F14] when the process that handed over dies, too, the others wait at most a time to live', async () => {
  const ttlMs = 5_000;
  const [holder, unlucky, live] = await arena.startMany(3, { ttlMs });
  if (!holder || !unlucky || !live) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  await arena.queueUp(unlucky, KEY, 20_000);
  const { lease } = await arena.queueUp(live, KEY, 20_000);
  unlucky.signal('SIGSTOP');
  const { askedMs } = await holder.release(KEY);
  await Promise.all([holder.kill(), unlucky.kill()]);
  const had = await within(TTL_MS, 'the live waiter', lease);
  expect(had.atMs - askedMs).toBeLessThanOrEqual(ttlMs + MARGIN_MS);
});

test('[F14] a process that stops in order leaves the queue and is handed no lock', async () => {
  const [leaving, next, queued] = await arena.startMany(3, { ttlMs: TTL_MS });
  if (!leaving || !next || !queued) throw new Error('They were to start.');
  await leaving.acquire(KEY, 0);
  const { lease: unwanted } = await arena.queueUp(queued, KEY, 20_000);
  const { lease } = await arena.queueUp(next, KEY, 20_000);
  await queued.stopService();
  await expect(unwanted).rejects.toThrow();
  await leaving.stopService();
  await within(5_000, 'the next holder', lease);
  expect(await leaving.lease(KEY)).toMatchObject({ state: 'lost', loss: { reason: 'stopped' } });
});
