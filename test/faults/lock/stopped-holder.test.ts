/**
 * A holder that is stopped for longer than its time to live loses the lock unawares. When it runs again it must detect
 * the loss before it does anything else, and must not delete the lock of the present owner.
 */
import { LockArena } from '../../support/lock-arena.js';
import { systemNowMs, type LockProcess } from '../../support/lock-process.js';
import { pass, until, within } from '../../support/until.js';

/** A process that stands still for a while, because the machine does, must not lose a lease that is to be held. */
const TTL_MS = 3_000;
/** Beyond the time to live, and less than another one. */
const MARGIN_MS = 2_500;
const KEY = 'lock:{stopped}';

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

async function startThree(): Promise<readonly [LockProcess, LockProcess, LockProcess]> {
  const [first, second, third] = await arena.startMany(3, { ttlMs: TTL_MS });
  if (!first || !second || !third) throw new Error('Three were to start.');
  return [first, second, third];
}

describe('[F6] a holder that is paused beyond its time to live', () => {
  test('[F7] is followed in time under a larger token, learns of its loss, and takes nothing back', async () => {
    const [old, young, other] = await startThree();
    const lost = await old.acquire(KEY, 0);
    const { lease } = await arena.queueUp(young, KEY, 20_000);
    const stoppedMs = systemNowMs();
    old.signal('SIGSTOP');
    const had = await within(TTL_MS + 10_000, 'the next holder', lease);
    expect(had.atMs - stoppedMs).toBeLessThanOrEqual(TTL_MS + MARGIN_MS);
    expect(had.fencingToken).toBeGreaterThan(lost.fencingToken);

    old.signal('SIGCONT');
    expect(await old.lease(KEY)).toMatchObject({ state: 'lost', aborted: true });
    const { loss } = await old.lease(KEY);
    expect(loss).toMatchObject({ code: 'LOCK_LOST' });
    expect(['not-renewed-in-time', 'taken-from-us']).toContain(loss?.reason);

    // Giving back what is lost is no error, however often, and no theft.
    expect(await old.release(KEY)).toMatchObject({ state: 'lost' });
    expect(await old.release(KEY)).toMatchObject({ state: 'lost' });
    await expect(other.acquire(KEY, 0)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(await old.stats()).toMatchObject({ leasesLost: 1, heldNow: 0, waitersNow: 0 });

    // The new holder's renewals go on as if nothing had been.
    await pass(1.2 * TTL_MS);
    expect(await young.lease(KEY)).toMatchObject({ state: 'held', aborted: false, loss: null });
    await young.release(KEY);
    const again = await old.acquire(KEY, 0);
    expect(again.fencingToken).toBeGreaterThan(had.fencingToken);
  });

  test('and releases at the moment of its return takes nothing from the new holder', async () => {
    const [old, young, other] = await startThree();
    await old.acquire(KEY, 0);
    const { lease } = await arena.queueUp(young, KEY, 20_000);
    old.signal('SIGSTOP');
    // The order waits in its mailbox: it is the first thing that the process does.
    const giving = old.release(KEY);
    await within(TTL_MS + 10_000, 'the next holder', lease);
    old.signal('SIGCONT');
    await within(10_000, 'its release', giving);
    await expect(other.acquire(KEY, 0)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(await young.lease(KEY)).toMatchObject({ state: 'held', loss: null });
  });

  test('loses the lock although no other caller wants it, and does not regain it by a late renewal', async () => {
    const [old, other] = await startThree();
    const lost = await old.acquire(KEY, 0);
    old.signal('SIGSTOP');
    await pass(TTL_MS + 100);
    old.signal('SIGCONT');
    expect(await old.lease(KEY)).toMatchObject({ state: 'lost', aborted: true });
    const had = await other.acquire(KEY, 20_000);
    expect(had.fencingToken).toBeGreaterThan(lost.fencingToken);
    await pass(TTL_MS);
    expect(await old.lease(KEY)).toMatchObject({ state: 'lost' });
    expect(await other.lease(KEY)).toMatchObject({ state: 'held' });
  });

  test('because its event loop was blocked learns of the loss before any other code of it runs', async () => {
    const [busy, other] = await startThree();
    await busy.acquire(KEY, 0);
    const { lease } = await arena.queueUp(other, KEY, 20_000);
    expect(await busy.block(KEY, TTL_MS + 200)).toBe('lost');
    await within(10_000, 'the next holder', lease);
    await busy.release(KEY);
    expect(await other.lease(KEY)).toMatchObject({ state: 'held' });
  });
});

describe('[F6] a holder that is paused for less than its time to live', () => {
  test('keeps the lock and continues to renew it', async () => {
    const [holder, other] = await startThree();
    await holder.acquire(KEY, 0);
    for (let round = 0; round < 3; round++) {
      holder.signal('SIGSTOP');
      await pass(0.4 * TTL_MS);
      holder.signal('SIGCONT');
      const renewed = (await holder.stats()).renewals.ok;
      await until('a renewal', async () => (await holder.stats()).renewals.ok > renewed);
    }
    expect(await holder.lease(KEY)).toMatchObject({ state: 'held', aborted: false });
    await expect(other.acquire(KEY, 0)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    expect(await holder.stats()).toMatchObject({ leasesLost: 0, heldNow: 1 });
  });
});
