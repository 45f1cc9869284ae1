/** A wall clock that is wrong, or is set while the process runs, makes no difference to the lock. */
import { LockArena } from '../../support/lock-arena.js';
import { systemNowMs } from '../../support/lock-process.js';
import { pass, within } from '../../support/until.js';

/** A process that stands still for a while, because the machine does, must not lose its lease. */
const TTL_MS = 3_000;
/** Beyond the time to live, and less than another one. */
const MARGIN_MS = 2_500;
const HOUR_MS = 3_600_000;
const KEY = 'lock:{hours}';

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

test('[F6] wall clocks an hour off grant nothing early, lose no lease, and keep the token order', async () => {
  const [ahead, behind, right] = await Promise.all([
    arena.start({ ttlMs: TTL_MS }, { wallClockOffsetMs: HOUR_MS }),
    arena.start({ ttlMs: TTL_MS }, { wallClockOffsetMs: -HOUR_MS }),
    arena.start({ ttlMs: TTL_MS }),
  ]);
  const processes = [ahead, behind, right];
  let last = 0n;
  for (const process of [...processes, ...processes]) {
    const lease = await process.acquire(KEY, 0);
    expect(lease.fencingToken).toBeGreaterThan(last);
    last = lease.fencingToken;
    await process.release(KEY);
  }

  for (const [index, process] of processes.entries()) await process.acquire(`lock:{${index}}`, 0);
  await pass(1.3 * TTL_MS);
  for (const [index, process] of processes.entries()) {
    const others = processes.filter((other) => other !== process);
    for (const other of others) {
      await expect(other.acquire(`lock:{${index}}`, 0)).rejects.toMatchObject({
        code: 'LOCK_TIMEOUT',
      });
    }
    expect(await process.lease(`lock:{${index}}`)).toMatchObject({ state: 'held', loss: null });
  }
});

test('[F6] setting the wall clock while a lease is held neither ends nor extends it', async () => {
  const [holder, waiter] = await arena.startMany(2, { ttlMs: TTL_MS });
  if (!holder || !waiter) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  const { lease } = await arena.queueUp(waiter, KEY, 20_000);
  const realMs = Date.now();
  expect(await holder.setWallClock(HOUR_MS)).toBeGreaterThan(realMs + HOUR_MS / 2);
  expect(await waiter.setWallClock(HOUR_MS)).toBeGreaterThan(realMs + HOUR_MS / 2);
  expect(await holder.lease(KEY)).toMatchObject({ state: 'held' });
  await pass(1.3 * TTL_MS);
  expect(await holder.lease(KEY)).toMatchObject({ state: 'held', loss: null });
  expect(await waiter.stats()).toMatchObject({ waitersNow: 1, heldNow: 0 });

  // With the wall clock set back, a comparison with it would take an expired lease for a valid one.
  await holder.setWallClock(-HOUR_MS);
  const stoppedMs = systemNowMs();
  holder.signal('SIGSTOP');
  const had = await within(TTL_MS + 10_000, 'the waiter', lease);
  expect(had.atMs - stoppedMs).toBeLessThanOrEqual(TTL_MS + MARGIN_MS);
  holder.signal('SIGCONT');
  expect(await holder.lease(KEY)).toMatchObject({ state: 'lost' });
});
