/** Messages are lost while the process is not subscribed. They only save time: no waiter depends on one. */
import { LockArena } from '../../support/lock-arena.js';
import { systemNowMs, type RemoteLease } from '../../support/lock-process.js';
import type { TcpProxy } from '../../support/tcp-proxy.js';
import { pass, until, within } from '../../support/until.js';

/** So long that a test which waits for its end fails. */
const TTL_MS = 20_000;
const KEY = 'lock:{deaf}';

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

function killSubscribers(): Promise<number> {
  return arena.killConnections('pubsub');
}

test('[F1] [F5] a release without a listener is no lost wake-up', async () => {
  const [holder, ...waiters] = await arena.startMany(3, { ttlMs: TTL_MS });
  if (!holder) throw new Error('They were to start.');
  await holder.acquire(KEY, 0);
  const leases: Promise<RemoteLease>[] = [];
  for (const waiter of waiters) leases.push((await arena.queueUp(waiter, KEY, 15_000)).lease);
  // Both commands travel at once, so the hand-off finds no listener.
  const [, { askedMs }] = await Promise.all([killSubscribers(), holder.release(KEY)]);
  const turns = waiters.map(async (waiter, index) => {
    const lease = await leases[index];
    await waiter.release(KEY);
    return lease?.atMs ?? Infinity;
  });
  const last = Math.max(...(await within(TTL_MS, 'both waiters', Promise.all(turns))));
  expect(last - askedMs).toBeLessThan(TTL_MS / 2);
});

test('[F5] a connection that is killed repeatedly while many callers wait keeps none of them waiting', async () => {
  // Such a claim that a process which stands still for a while does not lose what it was handed.
  const processes = await arena.startMany(3, { ttlMs: TTL_MS, claimTtlMs: TTL_MS / 2 });
  const fromMs = systemNowMs() + 100;
  const untilMs = fromMs + 4_000;
  const competing = Promise.all(
    processes.map((one) =>
      one.compete({
        ...{ key: KEY, waiters: 8, fromMs, untilMs, holdMs: 3 },
        witness: arena.witness('deaf'),
      }),
    ),
  );
  let kills = 0;
  while (systemNowMs() < untilMs) {
    kills += await killSubscribers();
    await pass(40);
  }
  // Every waiter of the last round gets through as well, soon after the last kill and not after a time to live.
  const outcomes = await within(15_000, 'all waiters', competing);
  expect(kills).toBeGreaterThan(10);
  const holds = outcomes.flatMap(({ holds }) => holds);
  expect(holds.length).toBeGreaterThan(24);
  expect(holds.filter(({ alone, trusted }) => !alone || !trusted)).toEqual([]);
  expect(outcomes.map(({ failures }) => failures)).toEqual([{}, {}, {}]);
  for (const { holds } of outcomes) expect(holds).not.toEqual([]);
  for (const one of processes) {
    expect(await one.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, leasesLost: 0 });
  }
});

test('[F5] a connection that has died silently is noticed while a caller waits', async () => {
  const proxy = await arena.proxy();
  const subscriber = watchSubscriber(proxy);
  const holder = await arena.start({ ttlMs: TTL_MS });
  const deaf = await arena.start(
    { ttlMs: TTL_MS, commandTimeoutMs: 300 },
    { url: proxy.via(arena.server.url) },
  );
  await holder.acquire(KEY, 0);
  const { lease } = await arena.queueUp(deaf, KEY, TTL_MS);
  cutOffSilently(proxy, subscriber());
  // Redis still counts it as a subscriber.
  const { askedMs } = await holder.release(KEY);
  const had = await within(TTL_MS, 'its turn', lease);
  expect(had.atMs - askedMs).toBeLessThan(15_000);

  // And it hears again, so the next hand-over is a message and no timer.
  await deaf.release(KEY);
  await holder.acquire(KEY, 0, 'again');
  const { lease: next } = await arena.queueUp(deaf, KEY, 15_000);
  const grants = (await deaf.stats()).wakeUps.grant;
  await holder.release('again');
  await within(15_000, 'its next turn', next);
  expect((await deaf.stats()).wakeUps.grant).toBe(grants + 1);
});

test('[F4] a process has as many connections after its subscriber was killed as before', async () => {
  const [one] = await arena.startMany(1, { ttlMs: TTL_MS });
  if (!one) throw new Error('It was to start.');
  const before = await arena.connections();
  for (let round = 0; round < 5; round++) {
    await killSubscribers();
    await within(15_000, 'the subscriber again', untilListening());
  }
  await until('as many', async () => (await arena.connections()) === before, 5_000);
  await one.acquire(KEY, 0);
});

/** Finds out which connection subscribes. */
function watchSubscriber(proxy: TcpProxy): () => number {
  let subscriber = 0;
  proxy.hook('toServer', (bytes, { number }) => {
    if (/subscribe/i.test(bytes.toString('latin1'))) subscriber = number;
    return 'pass';
  });
  return () => subscriber;
}

/** As where a router has forgotten a connection: nothing gets through any more, and neither side is told. */
function cutOffSilently(proxy: TcpProxy, deaf: number): void {
  const connection = proxy.connections().find(({ number }) => number === deaf);
  expect(connection).toBeDefined();
  connection?.pause();
}

async function untilListening(): Promise<void> {
  while ((await arena.listeners()) < 1) await pass(10);
}
