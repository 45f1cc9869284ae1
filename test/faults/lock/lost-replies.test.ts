/**
 * A lost reply leaves open whether the server executed the command. In either case the lock has no owner that does not
 * know of it, and is not kept for the rest of a time to live.
 */
import { LockArena } from '../../support/lock-arena.js';
import type { LockProcess } from '../../support/lock-process.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { until, within } from '../../support/until.js';

/** So long that a test which waits for its end fails. */
const TTL_MS = 20_000;
const KEY = 'lock:{unheard}';

let arena: LockArena;
let proxy: TcpProxy;
let deaf: LockProcess;
let other: LockProcess;
beforeAll(async () => {
  arena = await LockArena.open();
});
beforeEach(async () => {
  proxy = await arena.proxy();
  deaf = await arena.start({ ttlMs: TTL_MS }, { url: proxy.via(arena.server.url) });
  other = await arena.start({ ttlMs: TTL_MS });
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

async function isTaken(): Promise<boolean> {
  return (await arena.redis.exists(KEY)) === 1;
}

test('[F10] an acquire that was carried out but not answered is undone, or granted to its caller', async () => {
  proxy.pause('toClient');
  const asking = deaf.acquire(KEY, 10_000).then(
    () => 'had' as const,
    (error: unknown) => error,
  );
  await until('the key taken', isTaken);
  proxy.cut();
  proxy.resume();
  const outcome = await within(15_000, 'an answer', asking);
  if (outcome === 'had') {
    // It asked again with the same name, and Redis knew it.
    expect(await deaf.lease(KEY)).toMatchObject({ state: 'held' });
    await expect(other.acquire(KEY, 0)).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    await deaf.release(KEY);
  } else {
    expect(outcome).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  }
  await within(15_000, 'a free lock', other.acquire(KEY, 10_000));
  expect(await deaf.stats()).toMatchObject({ heldNow: 0, waitersNow: 0 });
});

test('[F11] a release that was carried out but not answered frees the lock once', async () => {
  await deaf.acquire(KEY, 0);
  proxy.pause('toClient');
  const releasing = deaf.release(KEY).then(
    ({ state }) => state,
    (error: unknown) => error,
  );
  await until('the key free', async () => !(await isTaken()));
  // Another owner has the lock before the release is repeated: the repetition must not delete it.
  const had = await other.acquire(KEY, 0);
  proxy.cut();
  proxy.resume();
  const outcome = await within(15_000, 'an answer', releasing);
  if (outcome !== 'released') expect(outcome).toMatchObject({ code: 'LOCK_UNAVAILABLE' });
  await until('Redis in use again', async () => (await deaf.health()).available);
  await deaf.release(KEY);
  expect(await other.lease(KEY)).toMatchObject({ state: 'held' });
  await other.release(KEY);
  const again = await deaf.acquire(KEY, 0);
  expect(again.fencingToken).toBeGreaterThan(had.fencingToken);
});

test('[F11] a release that never arrived is carried out when Redis is back', async () => {
  // Soon tired of a Redis that does not answer.
  const hasty = await arena.start(
    { ttlMs: TTL_MS, commandTimeoutMs: 500 },
    { url: proxy.via(arena.server.url) },
  );
  await hasty.acquire(KEY, 0);
  proxy.pause('toServer');
  await expect(within(15_000, 'an answer', hasty.release(KEY))).rejects.toMatchObject({
    code: 'LOCK_UNAVAILABLE',
  });
  proxy.cut();
  proxy.resume();
  await within(TTL_MS / 2, 'a free lock', other.acquire(KEY, TTL_MS / 2));
  expect(await hasty.stats()).toMatchObject({ heldNow: 0, releasesFailed: 1 });
});

test('[F12] a wait that ends while its grant is under way hands the grant on', async () => {
  await other.acquire(KEY, 0);
  const { lease } = await arena.queueUp(deaf, KEY, 10_000);
  proxy.pause('toClient');
  await other.release(KEY);
  await deaf.abort(KEY);
  await expect(within(5_000, 'the end of the wait', lease)).rejects.toMatchObject({
    code: 'LOCK_ABORTED',
  });
  proxy.resume();
  const { atMs } = await within(TTL_MS / 2, 'a free lock', other.acquire(KEY, TTL_MS / 2, 'again'));
  expect(atMs).toBeGreaterThan(0);
  expect(await deaf.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, acquired: 0 });
  expect(await other.lease('again')).toMatchObject({ state: 'held' });
});

test('[F12] a wait that ends while its first acquire is under way leaves nothing behind', async () => {
  proxy.pause('toClient');
  const asking = deaf.acquire(KEY, 10_000);
  await until('the key taken', isTaken);
  await deaf.abort(KEY);
  await expect(within(5_000, 'the end of the wait', asking)).rejects.toMatchObject({
    code: 'LOCK_ABORTED',
  });
  proxy.resume();
  await until('the lock free', async () => !(await isTaken()), 10_000);
  expect(await deaf.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, acquired: 0, aborts: 1 });
});
