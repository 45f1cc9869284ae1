/** A holder that dies keeps others out for the rest of its time to live, and no longer; one that fails, for no time. */
import { LockArena } from '../../support/lock-arena.js';
import { systemNowMs } from '../../support/lock-process.js';
import { pass, until, within } from '../../support/until.js';

const TTL_MS = 2_000;
/** A waiter that missed the end of the dead holder's time waits for another such time or, at last, for this one. */
const WAIT_MS = 20_000;
/** Beyond the time to live: a pause of the machine. What is promised is a timer's jitter and a round trip. */
const PAUSE_MAX_MS = 5_000;

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

describe('[F2] a holder that is killed', () => {
  test('is followed by the next process within the time to live, repeatedly', async () => {
    const [first, second, third, fourth] = await startFour();
    const key = 'lock:{killed}';
    let holder = { process: first, lease: await first.acquire(key, 0) };
    const queue = [];
    for (const process of [second, third, fourth]) {
      queue.push({ process, ...(await arena.queueUp(process, key, WAIT_MS)) });
    }
    // While it lives it renews, so that its death finds it beyond its first time to live.
    await pass(1.5 * TTL_MS);
    const delaysMs: number[] = [];
    for (const next of queue) {
      const killedMs = systemNowMs();
      await holder.process.kill();
      const lease = await within(TTL_MS + PAUSE_MAX_MS, 'the next holder', next.lease);
      expect(lease.atMs - killedMs).toBeGreaterThan(0);
      delaysMs.push(lease.atMs - killedMs);
      expect(lease.fencingToken).toBeGreaterThan(holder.lease.fencingToken);
      holder = { process: next.process, lease };
    }
    // A pause of the machine delays one of them.
    const [, medianMs = Infinity] = delaysMs.sort((a, b) => a - b);
    expect(medianMs).toBeLessThanOrEqual(1.5 * TTL_MS);
  });

  test('leaves none of its keys behind, however many it held', async () => {
    const [holder, next] = await arena.startMany(2, { ttlMs: TTL_MS });
    if (!holder || !next) throw new Error('Two were to start.');
    const keys = ['lock:{a}', 'lock:{b}', 'lock:{c}', 'lock:{d}', 'lock:{e}'];
    const had = await holder.holdAll(keys, 10_000);
    expect(had.map(({ key }) => key)).toEqual(keys);
    await pass(1.5 * TTL_MS);
    await expect(next.acquire('lock:{e}', 0)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });

    const waiting = next.holdAll([...keys].reverse(), WAIT_MS);
    await holder.kill();
    // All had the same time to live, so they are not waited for one time to live after another, which is longer.
    expect(TTL_MS + PAUSE_MAX_MS).toBeLessThan(keys.length * TTL_MS);
    const got = await within(TTL_MS + PAUSE_MAX_MS, 'the next holder of all', waiting);
    for (const [index, { key, fencingToken }] of got.entries()) {
      expect(key).toBe(keys[index]);
      expect(fencingToken).toBeGreaterThan(had[index]?.fencingToken ?? 0n);
    }
  });

  test('leaves only keys that expire', async () => {
    const [holder, next] = await arena.startMany(2, { ttlMs: TTL_MS });
    if (!holder || !next) throw new Error('Two were to start.');
    await holder.acquire('lock:{gone}', 0);
    const { lease } = await arena.queueUp(next, 'lock:{gone}', WAIT_MS);
    await holder.kill();
    await within(TTL_MS + PAUSE_MAX_MS, 'the next holder', lease);
    await next.release('lock:{gone}');
    expect(await arena.queued()).toBe(0);
    expect(await next.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, leasesLost: 0 });
    // What stays is the counter of fencing tokens, and it does not stay for ever.
    for (const key of await arena.redis.keys('*')) {
      expect(await arena.redis.pttl(key)).toBeGreaterThan(0);
    }
  });

  async function startFour() {
    const [first, second, third, fourth] = await arena.startMany(4, { ttlMs: TTL_MS });
    if (!first || !second || !third || !fourth) throw new Error('Four were to start.');
    return [first, second, third, fourth] as const;
  }
});

describe('[F19] a holder whose function fails', () => {
  test('releases every key at once, and passes on its own error', async () => {
    const [failing, next] = await arena.startMany(2, { ttlMs: 20_000 });
    if (!failing || !next) throw new Error('Two were to start.');
    const keys = ['lock:{x}', 'lock:{y}'];
    await expect(failing.throwUnderLock(keys, 'no such thing')).rejects.toThrow('no such thing');
    // No wait: what is not free now has not been given back.
    for (const key of keys) await next.acquire(key, 0);
    expect(await failing.stats()).toMatchObject({ heldNow: 0, leasesLost: 0, releasesFailed: 0 });
  });
});

describe('[F18] a wait for the second of two keys that fails', () => {
  test('releases the first key, and leaves no ticket in any queue', async () => {
    const [holder, unlucky, next] = await arena.startMany(3, { ttlMs: 20_000 });
    if (!holder || !unlucky || !next) throw new Error('Three were to start.');
    await holder.acquire('lock:{2}', 0);
    const waiting = unlucky.holdAll(['lock:{2}', 'lock:{1}'], 2_000);
    await expect(waiting).rejects.toMatchObject({ code: 'LOCK_TIMEOUT', key: 'lock:{2}' });
    await next.acquire('lock:{1}', 0);
    // A place that stayed in the queue would now be granted to a waiter that has given up.
    await holder.release('lock:{2}');
    await next.acquire('lock:{2}', 0);
    expect(await unlucky.stats()).toMatchObject({ heldNow: 0, waitersNow: 0 });
  });

  test('ends at once when the lease of the first key is lost, and the function is not called', async () => {
    // The next renewal tells it: long before the lease ends by itself, even if the process stands still for a while.
    const [holder, unlucky, next] = await arena.startMany(3, { ttlMs: 3 * TTL_MS });
    if (!holder || !unlucky || !next) throw new Error('Three were to start.');
    await holder.acquire('lock:{2}', 0);
    const waiting = unlucky.holdAll(['lock:{1}', 'lock:{2}'], WAIT_MS);
    await until('its place in the queue', async () => (await arena.queued()) === 1);
    await arena.redis.del('lock:{1}');
    await expect(within(WAIT_MS / 2, 'its end', waiting)).rejects.toMatchObject({
      code: 'LOCK_LOST',
      key: 'lock:{1}',
      reason: 'taken-from-us',
    });
    await until('its place given up', async () => (await arena.queued()) === 0);
    await holder.release('lock:{2}');
    await next.acquire('lock:{2}', 0);
  });
});
