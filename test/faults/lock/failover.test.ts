/**
 * Replication is asynchronous, so a replica may be promoted that lacks a lock which is held. Then two owners hold
 * it at once: the lock does not prevent that. It guarantees that the later owner has the larger token, which the
 * protected resource can compare, and that the earlier owner is told that its lease is lost.
 */
import { Redis } from 'ioredis';
import { heldOnce } from '../../support/held-once.js';
import { LockArena } from '../../support/lock-arena.js';
import { until, within } from '../../support/until.js';

const TTL_MS = 4_000;
/** For a lease whose time is over: a pause of the machine. */
const PAUSE_MAX_MS = 5_000;
const KEY = 'lock:{failover}';

test('[F16] a replica promoted without the key grants it to a second holder, under a larger token', async () => {
  const primary = await LockArena.open(['--repl-diskless-sync-delay', '0']);
  const replication = await primary.proxy();
  const replicaOf = ['--replicaof', '127.0.0.1', String(replication.port)];
  const replica = await LockArena.open(replicaOf);
  const address = await primary.proxy();
  try {
    const old = await primary.start({ ttlMs: TTL_MS }, { url: address.via(primary.server.url) });
    const young = await primary.start({ ttlMs: TTL_MS }, { url: address.via(primary.server.url) });
    await old.acquire(KEY, 0, 'replicated');
    await old.release('replicated');
    await until('replication', async () => isInStep(primary.redis, replica.redis));
    replication.pause('toClient');
    const had = await old.acquire(KEY, 0);

    await primary.server.kill('SIGKILL');
    replication.refuse(true);
    replication.cut();
    await replica.redis.replicaof('NO', 'ONE');
    expect(await replica.redis.exists(KEY)).toBe(0);
    address.leadTo(replica.server.url, { present: 'break' });
    await until('the new primary in use', async () => (await young.health()).available);
    const lease = await within(
      20_000,
      'the second holder',
      acquireSoon(() => young.acquire(KEY, 0)),
    );
    expect(lease.fencingToken).toBeGreaterThan(had.fencingToken);

    await until(
      'the first holder knows',
      async () => (await old.lease(KEY)).aborted,
      TTL_MS + PAUSE_MAX_MS,
    );
    await old.release(KEY);
    expect(await young.lease(KEY)).toMatchObject({ state: 'held', loss: null });
    expect(await replica.redis.exists(KEY)).toBe(1);
  } finally {
    await primary.close();
    await replica.close();
  }
});

test('a primary that is demoted refuses its clients, and serves again when it is promoted', async () => {
  const arena = await LockArena.open();
  try {
    const [holder, waiter] = await arena.startMany(2, { ttlMs: TTL_MS });
    if (!holder || !waiter) throw new Error('They were to start.');
    const had = await holder.acquire(KEY, 0);
    // A connection that happens to be lost at that moment is told instead.
    const isTold = await heldOnce(3, async () => {
      await arena.redis.replicaof('127.0.0.1', 1);
      await expect(within(8_000, 'an answer', waiter.acquire(KEY, 10_000))).rejects.toMatchObject({
        code: 'LOCK_UNAVAILABLE',
      });
      if (((await waiter.health()).reason ?? '').includes('replica')) return true;
      await arena.redis.replicaof('NO', 'ONE');
      await until('in use again', async () => (await waiter.health()).available);
      return false;
    });
    expect(isTold).toBe(true);
    await until(
      'the holder knows',
      async () => (await holder.lease(KEY)).aborted,
      TTL_MS + PAUSE_MAX_MS,
    );
    await arena.redis.replicaof('NO', 'ONE');
    await until('in use again', async () => (await waiter.health()).available);
    const lease = await within(
      20_000,
      'the lock',
      acquireSoon(() => waiter.acquire(KEY, 15_000)),
    );
    expect(lease.fencingToken).toBeGreaterThan(had.fencingToken);
  } finally {
    await arena.close();
  }
});

async function isInStep(primary: Redis, replica: Redis): Promise<boolean> {
  const [ahead, behind] = await Promise.all([offset(primary), offset(replica)]);
  return ahead > 0 && ahead === behind;
}

async function offset(redis: Redis): Promise<number> {
  const info = await redis.info('replication');
  const own = /^slave_repl_offset:(\d+)/m.exec(info) ?? /^master_repl_offset:(\d+)/m.exec(info);
  return Number(own?.[1] ?? 0);
}

async function acquireSoon<T>(acquire: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await acquire();
    } catch (error) {
      if ((error as { code?: string }).code !== 'LOCK_UNAVAILABLE') throw error;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
