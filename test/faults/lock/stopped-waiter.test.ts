/**
 * A process that is stopped still has its connection, so a lock can be handed to it while it does not run. It must
 * claim the lock within the claim time, which bounds the delay of the other waiters.
 */
import { LockArena } from '../../support/lock-arena.js';
import type { LockProcess, RemoteLease } from '../../support/lock-process.js';
import { pass, within } from '../../support/until.js';

/** So long that a test which waits for its end fails. */
const TTL_MS = 20_000;
/** Eight times that of a server: a lease that was claimed must outlast a process that stands still for a moment. */
const CLAIM_TTL_MS = 4_000;
/** Beyond the claim time: a pause of the machine, but no second claim. */
const MARGIN_MS = 3_500;
const WAIT_MS = 60_000;
const SETTINGS = { ttlMs: TTL_MS, claimTtlMs: CLAIM_TTL_MS };
const KEY = 'lock:{waiter}';

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

test.each([1, 2])(
  '[F14] %i paused processes at the head of the queue cost at most the claim time each',
  async (n) => {
    const [holder, live, ...stopped] = await arena.startMany(2 + n, SETTINGS);
    if (!holder || !live) throw new Error('They were to start.');
    await holder.acquire(KEY, 0);
    const waiting: { process: LockProcess; lease: Promise<RemoteLease> }[] = [];
    for (const process of stopped) {
      waiting.push({ process, ...(await arena.queueUp(process, KEY, WAIT_MS)) });
    }
    const { lease } = await arena.queueUp(live, KEY, WAIT_MS);
    for (const one of stopped) one.signal('SIGSTOP');
    const { askedMs } = await holder.release(KEY);
    const had = await within(TTL_MS, 'the live waiter', lease);
    expect(had.atMs - askedMs).toBeLessThanOrEqual(n * CLAIM_TTL_MS + MARGIN_MS);

    // Their grants are unread. A process that accepts one now is a second holder.
    for (const one of stopped) one.signal('SIGCONT');
    await pass(500);
    for (const one of stopped) expect(await one.stats()).toMatchObject({ heldNow: 0, acquired: 0 });
    expect(await live.lease(KEY)).toMatchObject({ state: 'held' });

    // They still want it, and each gets its turn after the one whose turn it was.
    let current = { process: live, lease: had };
    while (waiting.length > 0) {
      const { doneMs, askedMs: releasedMs } = await current.process.release(KEY);
      const turns = waiting.map(async (one) => ({ ...one, one, lease: await one.lease }));
      const next = await within(TTL_MS, 'the next turn', Promise.race(turns));
      expect(next.lease.atMs).toBeGreaterThan(releasedMs);
      expect(next.lease.atMs - doneMs).toBeLessThanOrEqual(CLAIM_TTL_MS + MARGIN_MS);
      expect(next.lease.fencingToken).toBeGreaterThan(current.lease.fencingToken);
      waiting.splice(waiting.indexOf(next.one), 1);
      current = next;
    }
  },
);

test('[F12] [F14] a waiter whose deadline passes while it is paused hands on the lock that it was handed', async () => {
  const [holder, stopped, live] = await arena.startMany(3, SETTINGS);
  if (!holder || !stopped || !live) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  const waitMs = CLAIM_TTL_MS + 1_500;
  const impatient = await arena.queueUp(stopped, KEY, waitMs);
  stopped.signal('SIGSTOP');
  await holder.release(KEY);
  const { lease } = await arena.queueUp(live, KEY, WAIT_MS);
  await within(TTL_MS, 'the live waiter', lease);
  // When it runs again its own patience is over as well as its claim.
  await pass(waitMs - CLAIM_TTL_MS);
  stopped.signal('SIGCONT');
  await expect(impatient.lease).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
  expect(await live.lease(KEY)).toMatchObject({ state: 'held' });
  await live.release(KEY);
  // No waiter is left: the lock is free once the late process gives up its place, without waiting for a claim to end.
  await holder.acquire(KEY, MARGIN_MS);
  expect(await stopped.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, timeouts: 1 });
});

test('[F14] a waiter that is paused for less than the claim time is granted the lock', async () => {
  const [holder, waiter] = await arena.startMany(2, SETTINGS);
  if (!holder || !waiter) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  const { lease } = await arena.queueUp(waiter, KEY, WAIT_MS);
  waiter.signal('SIGSTOP');
  await holder.release(KEY);
  await pass(CLAIM_TTL_MS / 4);
  waiter.signal('SIGCONT');
  await within(5_000, 'its turn', lease);
  // The claim became a lease of the whole length, renewed as any other.
  await pass(1.5 * CLAIM_TTL_MS);
  expect(await waiter.lease(KEY)).toMatchObject({ state: 'held' });
  await expect(holder.acquire(KEY, 0)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
});
