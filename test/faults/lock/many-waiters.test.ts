/** However many wait in a process, Redis sees one of them: in connections, in its queue and in commands. */
import { RedisLockService, type LockStats } from '../../../src/lock/index.js';
import { LockArena } from '../../support/lock-arena.js';
import { deadlineIn } from '../../support/lock-services.js';
import { pass, until, within } from '../../support/until.js';

const WAITERS = 1_000;
const ROUND_TRIPS_PER_LEASE_MAX = 3;
const KEY = 'lock:{hot}';

let arena: LockArena;
let service: RedisLockService;
beforeAll(async () => {
  arena = await LockArena.open();
});
beforeEach(async () => {
  // No renewal comes between: the first one ever sends its script twice, for one round trip that is counted.
  const settings = { ttlMs: 60_000, commandTimeoutMs: 5_000 };
  service = new RedisLockService({ url: arena.server.url, ...settings });
  await service.start();
  await until('the lock in use', () => service.health().available);
});
afterEach(async () => {
  await service.stop();
  await arena.clear();
});
afterAll(() => arena.close());

/** All of them at once; each gives the lock back as soon as it has it. Resolves with the tokens in their order. */
async function drain(waiters: number, beforeDraining: () => Promise<void>): Promise<bigint[]> {
  const first = await service.acquire(KEY, deadlineIn(0));
  const tokens: bigint[] = [];
  const served = Array.from({ length: waiters }, async () => {
    const lease = await service.acquire(KEY, deadlineIn(30_000));
    tokens.push(lease.fencingToken);
    await service.release(lease);
  });
  await until('all of them waiting', () => service.stats().waitersNow === waiters);
  await beforeDraining();
  await service.release(first);
  await within(30_000, 'all of them served', Promise.all(served));
  return [first.fencingToken, ...tokens];
}

function spent(before: LockStats): number {
  return service.stats().roundTrips - before.roundTrips;
}

test('[F4] a thousand waiters of one process open no connection and send no command', async () => {
  const connections = await arena.connections();
  const before = service.stats();
  await drain(WAITERS, async () => {
    await pass(200);
    expect(await arena.connections()).toBe(connections);
    // One for the first lease, one for the head of the queue.
    expect(spent(before)).toBeLessThanOrEqual(2);
    expect(await arena.queued()).toBeLessThanOrEqual(1);
  });
  expect(await arena.connections()).toBe(connections);
});

test('[F3] serving a thousand waiters takes a few round trips each, counted by the service and by Redis', async () => {
  const before = service.stats();
  const runsBefore = await arena.scriptRuns();
  const tokens = await drain(WAITERS, () => Promise.resolve());
  const bound = ROUND_TRIPS_PER_LEASE_MAX * (WAITERS + 1);
  expect(spent(before)).toBeLessThanOrEqual(bound);
  const runs = (await arena.scriptRuns()) - runsBefore;
  expect(runs).toBeGreaterThan(0);
  expect(runs).toBeLessThanOrEqual(bound);
  // What we count is what Redis sees: no command is hidden from the statistics.
  expect(runs).toBeLessThanOrEqual(spent(before));

  expect(tokens).toHaveLength(WAITERS + 1);
  for (const [index, token] of tokens.slice(1).entries()) {
    expect(token).toBeGreaterThan(tokens[index] ?? 0n);
  }
  expect(service.stats()).toMatchObject({
    acquired: WAITERS + 1,
    timeouts: 0,
    waitersNow: 0,
    heldNow: 0,
  });
});

test('[F20] a thousand waiters behind another process send few commands, and leave nothing when aborted', async () => {
  const holder = await arena.start({ ttlMs: 4_000 });
  await holder.acquire(KEY, 0);
  const connections = await arena.connections();
  const before = service.stats();
  const aborts = Array.from({ length: WAITERS }, () => new AbortController());
  const waiting = aborts.map(({ signal }) => service.acquire(KEY, deadlineIn(20_000, signal)));
  const outcomes = Promise.allSettled(waiting);
  await until('all of them waiting', () => service.stats().waitersNow === WAITERS);
  await pass(5_000);
  expect(await arena.connections()).toBe(connections);
  // The head asks again when the holder's time should be over, which renewals put off: a few times, not a thousand.
  expect(spent(before)).toBeLessThanOrEqual(10);
  for (const abort of aborts) abort.abort();
  const ended = await within(15_000, 'their end', outcomes);
  for (const one of ended) {
    expect(one).toMatchObject({ status: 'rejected', reason: { code: 'LOCK_ABORTED' } });
  }
  await until('their place given up', async () => (await arena.queued()) === 0);
  expect(service.stats()).toMatchObject({ aborts: WAITERS, waitersNow: 0, heldNow: 0 });
  expect(spent(before)).toBeLessThanOrEqual(12);
  await holder.release(KEY);
  expect((await holder.stats()).handOffs.remote).toBe(0);
});
