/**
 * A failover in which the present connections stay open: the address leads new connections to the new primary, and what
 * is connected stays at the old one, as after a planned switch, or one in DNS or of a service's address. Every process
 * must find out by itself that it is left behind, for its commands and for its inbox.
 */
import type { Redis } from 'ioredis';
import { LockArena } from '../../support/lock-arena.js';
import { expectOneAtATimeBut } from '../../support/holds.js';
import { systemNowMs, type LockProcess } from '../../support/lock-process.js';
import { until, within } from '../../support/until.js';

const KEY = 'lock:{contended}';
const PROCESSES = 3;
/** Two holders at most until the next renewal, and that is due within the claim time or a third of the time to live. */
const TTL_MS = 2_000;
const OVERLAP_MAX_MS = TTL_MS / 3 + 500;

let first: LockArena;
let second: LockArena;

beforeEach(async () => {
  first = await LockArena.open(['--repl-diskless-sync-delay', '0']);
  second = await LockArena.open();
});

afterEach(async () => {
  await first.close();
  await second.close();
});

test('[F16] contention goes on at the new primary after a failover that leaves all connections open', async () => {
  await second.redis.replicaof('127.0.0.1', first.server.port);
  const address = await first.proxy();
  const url = address.via(first.server.url);
  const processes = await Promise.all(
    Array.from({ length: PROCESSES }, () => first.start({ ttlMs: TTL_MS }, { url })),
  );
  await until('the replica in step', async () => (await linkOf(second.redis)) === 'up');

  const fromMs = systemNowMs();
  const competing = processes.map((process) =>
    process.compete({
      ...{ key: KEY, waiters: 10, fromMs, untilMs: fromMs + 14_000, holdMs: 1, witness: null },
    }),
  );
  await until('leases', async () => (await acquiredBy(processes)).every((count) => count > 50));
  const beganMs = systemNowMs();
  await first.redis.call('FAILOVER', 'TO', '127.0.0.1', second.server.port);
  await until('the switch', async () => (await roleOf(second.redis)) === 'master');
  address.leadTo(second.server.url, { present: 'stay' });
  const switchedMs = systemNowMs();

  const outcomes = await within(45_000, 'the end', Promise.all(competing));
  const holds = outcomes.flatMap((outcome) => [...outcome.holds]);
  expectOneAtATimeBut(holds, beganMs, switchedMs + OVERLAP_MAX_MS);
  for (const { failures } of outcomes) {
    expect(Object.keys(failures).filter((code) => code !== 'LOCK_UNAVAILABLE')).toEqual([]);
  }
  // Each has its turns again, without a restart, and has told that it was away.
  for (const [at, process] of processes.entries()) {
    const later = outcomes[at]?.holds.filter(({ startMs }) => startMs > switchedMs + 4_000) ?? [];
    expect(later.length).toBeGreaterThan(20);
    const { available, since } = await process.health();
    expect(available).toBe(true);
    expect(Date.now() - since.getTime()).toBeLessThan(systemNowMs() - beganMs + 100);
  }
  expect(await connectedTo(first.redis)).toEqual([]);
});

test('[F16] a process whose inbox alone was left behind moves it to the server of its commands', async () => {
  const address = await first.proxy();
  const url = address.via(first.server.url);
  const process = await first.start({ ttlMs: TTL_MS }, { url });
  address.leadTo(second.server.url, { present: 'stay' });
  // Both are primaries, as when an address moves to a new server while the old one still runs.
  await first.killConnections('normal');
  await until('the commands at the second server', async () =>
    (await connectedTo(second.redis)).some((name) => name.startsWith('lock:')),
  );
  await until('the inbox there, too', async () =>
    (await connectedTo(second.redis)).some((name) => name.startsWith('lock-inbox:')),
  );
  expect(await connectedTo(first.redis)).toEqual([]);
  await until('health', async () => (await process.health()).available);
});

test('[F16] a process whose commands alone were left behind moves them to the server of its inbox', async () => {
  const address = await first.proxy();
  const url = address.via(first.server.url);
  const process = await first.start({ ttlMs: TTL_MS }, { url });
  address.leadTo(second.server.url, { present: 'stay' });
  await first.killConnections('pubsub');
  await until('both at the second server', async () => {
    const names = await connectedTo(second.redis);
    return ['lock:', 'lock-inbox:'].every((kind) => names.some((name) => name.startsWith(kind)));
  });
  expect(await connectedTo(first.redis)).toEqual([]);
  await until('health', async () => (await process.health()).available);
});

test('[F16] a hand-over without a listener at its server reaches no subscriber of a replica', async () => {
  await second.redis.replicaof('127.0.0.1', first.server.port);
  await until('the replica in step', async () => (await linkOf(second.redis)) === 'up');
  const [holder] = await first.startMany(1, { ttlMs: TTL_MS });
  if (!holder) throw new Error('It was to start.');
  const heard: string[] = [];
  const listener = second.redis.duplicate();
  listener.on('message', (_: string, message: string) => heard.push(message));
  await listener.subscribe('lock:inbox:absent', 'mark');
  await holder.acquire(KEY, 0);
  await first.redis.rpush(`${KEY}:queue`, 'absent:1');
  await holder.release(KEY);
  expect((await holder.stats()).handOffs.skipped).toBe(1);
  await first.redis.publish('mark', 'the end');
  await until('what was published after it', () => heard.length > 0);
  listener.disconnect();
  expect(heard).toEqual(['the end']);
});

async function acquiredBy(processes: readonly LockProcess[]): Promise<number[]> {
  const stats = await Promise.all(processes.map((process) => process.stats()));
  return stats.map(({ acquired }) => acquired);
}

async function roleOf(redis: Redis): Promise<string> {
  return String((await redis.role())[0]);
}

async function linkOf(replica: Redis): Promise<string | undefined> {
  return /^master_link_status:(\w+)/m.exec(await replica.info('replication'))?.[1];
}

/** The names of a lock's connections at this server. */
async function connectedTo(redis: Redis): Promise<string[]> {
  const list = String(await redis.client('LIST'));
  return [...list.matchAll(/\bname=(lock\S*)/g)].map(([, name]) => name ?? '');
}
