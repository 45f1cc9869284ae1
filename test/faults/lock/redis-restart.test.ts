/**
 * A Redis that comes back empty has lost the owners, the queues and the last tokens. Two holders of one lock are
 * possible then, until the earlier one is told of its loss. The lock does not prevent that; the tokens order them.
 */
import { LockArena } from '../../support/lock-arena.js';
import { RemoteError, type LockProcess, type RemoteLease } from '../../support/lock-process.js';
import { pass, until, within } from '../../support/until.js';

/** A process that stands still for a while must not lose a lease by its own clock before a renewal tells the loss. */
const TTL_MS = 3_000;
/** So must one that was handed the lock. */
const SETTINGS = { ttlMs: TTL_MS, claimTtlMs: TTL_MS / 2 };
const KEY = 'lock:{forgotten}';

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

/** As a server does whose caller is still there: Redis being away is not for ever. */
async function acquireAgain(process: LockProcess, name: string): Promise<RemoteLease> {
  for (;;) {
    try {
      return await process.acquire(KEY, 10_000, name);
    } catch (error) {
      if (!(error instanceof RemoteError) || error.code !== 'LOCK_UNAVAILABLE') throw error;
      await pass(20);
    }
  }
}

async function restartEmpty(): Promise<void> {
  await arena.server.kill('SIGKILL');
  await arena.server.restart();
}

async function flush(): Promise<void> {
  await arena.redis.flushall();
}

test.each([
  ['restarted empty', restartEmpty],
  ['emptied while connected', flush],
])(
  '[F9] a Redis that is %s leaves no caller waiting, and no token is granted again',
  async (_, forget) => {
    const [holder, ...waiters] = await arena.startMany(3, SETTINGS);
    if (!holder) throw new Error('They were to start.');
    const tokens: bigint[] = [];
    for (let round = 0; round < 3; round++) {
      tokens.push((await holder.acquire(KEY, 0)).fencingToken);
      if (round < 2) await holder.release(KEY);
    }
    // Several wait in each process; the first of each is in the queue that is about to be forgotten.
    const waiting = waiters.flatMap((waiter) =>
      ['first', 'second', 'third'].map((name) =>
        acquireAgain(waiter, name).then(async (lease) => {
          tokens.push(lease.fencingToken);
          const { state } = await waiter.lease(name);
          await waiter.release(name);
          return state;
        }),
      ),
    );
    await until('both in the queue', async () => (await arena.queued()) >= 2);
    await forget();

    const states = await within(TTL_MS + 10_000, 'all waiters', Promise.all(waiting));
    expect(states).toEqual(waiting.map(() => 'held'));
    await until('the old holder knows', async () => (await holder.lease(KEY)).aborted);
    expect(await holder.lease(KEY)).toMatchObject({ state: 'lost', loss: { code: 'LOCK_LOST' } });
    await holder.release(KEY);

    for (const [index, token] of tokens.slice(1).entries()) {
      expect(token).toBeGreaterThan(tokens[index] ?? 0n);
    }
    for (const one of [holder, ...waiters]) {
      await until('it serves again', async () => (await one.health()).available);
      expect(await one.stats()).toMatchObject({ heldNow: 0, waitersNow: 0 });
    }
  },
);

test('[F16] the old holder learns of its loss while the new one holds the lock, and does not affect it', async () => {
  const [old, young] = await arena.startMany(2, SETTINGS);
  if (!old || !young) throw new Error('They were to start.');
  await old.acquire(KEY, 0);
  await flush();
  await young.acquire(KEY, 0);
  await until('the old holder knows', async () => (await old.lease(KEY)).aborted);
  expect(await old.lease(KEY)).toMatchObject({ state: 'lost', loss: { reason: 'taken-from-us' } });
  await old.release(KEY);
  await pass(TTL_MS);
  expect(await young.lease(KEY)).toMatchObject({ state: 'held', loss: null });
});

test('a holder of many keys learns of the loss of each lost key, and of no other', async () => {
  const [holder] = await arena.startMany(1, SETTINGS);
  if (!holder) throw new Error('It was to start.');
  const keys = Array.from({ length: 20 }, (_, index) => `lock:{${index}}`);
  for (const key of keys) await holder.acquire(key, 0);
  const taken = keys.slice(0, 10);
  await arena.redis.del(...taken);
  for (const key of taken) {
    await until(`the loss of ${key}`, async () => (await holder.lease(key)).aborted);
    expect(await holder.lease(key)).toMatchObject({
      state: 'lost',
      loss: { reason: 'taken-from-us' },
    });
  }
  await pass(TTL_MS);
  for (const key of keys.slice(10)) {
    expect(await holder.lease(key)).toMatchObject({ state: 'held', loss: null });
  }
  expect(await holder.stats()).toMatchObject({ leasesLost: 10, heldNow: 10 });
});

test('scripts that Redis has forgotten are sent again without an error', async () => {
  const [holder, waiter] = await arena.startMany(2, SETTINGS);
  if (!holder || !waiter) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  await arena.redis.script('FLUSH');
  const { lease } = await arena.queueUp(waiter, KEY, 10_000);
  await arena.redis.script('FLUSH');
  await pass(TTL_MS);
  expect(await holder.lease(KEY)).toMatchObject({ state: 'held' });
  await arena.redis.script('FLUSH');
  await holder.release(KEY);
  await within(5_000, 'the waiter', lease);
  await arena.redis.script('FLUSH');
  await pass(1.2 * TTL_MS);
  expect(await waiter.lease(KEY)).toMatchObject({ state: 'held' });
});
