/**
 * Random acquiring, holding, releasing, aborting and timing out by several services, as by several processes, checked
 * for what a lock guarantees: one holder at a time, growing tokens, an answer for each caller, and no keys left behind.
 * The time to live is so long that a leaked key does not expire before the check, and a lease that was handed over
 * lasts longer than a process may stand still.
 *
 * The schedule is drawn from a seed, which fast-check prints on failure; SEED repeats it. Redis and the network add
 * their own timing, so a repetition is likely, not certain, and there is no shrinking.
 */
import fc from 'fast-check';
import {
  DistributedLockManager,
  RedisLockService,
  type Lease,
  type LockStats,
} from '../../../src/lock/index.js';
import { LockArena } from '../../support/lock-arena.js';
import { deadlineIn } from '../../support/lock-services.js';
import { pass, until, within } from '../../support/until.js';

const TTL_MS = 60_000;
const CLAIM_TTL_MS = 5_000;
/** Within which nothing is left; far less than a time to live. */
const CLEAN_WITHIN_MS = 10_000;
const KEYS = ['lock:stock:{a}', 'lock:stock:{b}', 'lock:stock:{c}'];
const SERVICES = 3;
const QUEUE_MAX = 4;

const runs = (numRuns: number) => ({
  numRuns,
  endOnFailure: true,
  ...(process.env.SEED && { seed: Number(process.env.SEED) }),
});

interface Attempt {
  readonly service: number;
  readonly key: string;
  readonly startMs: number;
  readonly waitMs: number;
  readonly holdMs: number;
  readonly abortMs: number | null;
  readonly releases: number;
}

const attempts = fc.array(
  fc.record({
    service: fc.nat({ max: SERVICES - 1 }),
    key: fc.constantFrom(...KEYS.slice(0, 2)),
    startMs: fc.nat({ max: 60 }),
    waitMs: fc.constantFrom(0, 1, 5, 20, 60, 10_000),
    holdMs: fc.constantFrom(0, 0, 1, 5, 15),
    abortMs: fc.option(fc.nat({ max: 40 }), { freq: 4 }),
    releases: fc.constantFrom(1, 1, 1, 2),
  }),
  { minLength: 5, maxLength: 40 },
);

type Harm = 'scripts' | 'subscribers' | 'commands';

const harms = fc.array(
  fc.record({
    startMs: fc.nat({ max: 80 }),
    harm: fc.constantFrom<Harm>('scripts', 'subscribers', 'commands'),
  }),
  { maxLength: 4 },
);

/** What must hold whenever the key has an owner. */
class Witness {
  private readonly holders = new Map<string, Lease>();
  private readonly tokens = new Map<string, bigint>();

  enter(lease: Lease): void {
    expect(this.holders.get(lease.key)).toBe(undefined);
    expect(lease.fencingToken).toBeGreaterThan(this.tokens.get(lease.key) ?? 0n);
    expect(lease).toMatchObject({ state: 'held', signal: { aborted: false } });
    this.holders.set(lease.key, lease);
    this.tokens.set(lease.key, lease.fencingToken ?? 0n);
  }

  leave(lease: Lease): void {
    expect(this.holders.get(lease.key)).toBe(lease);
    expect(lease).toMatchObject({ state: 'held', signal: { aborted: false } });
    this.holders.delete(lease.key);
  }
}

let arena: LockArena;
let services: RedisLockService[];
let connections: number;
beforeAll(async () => {
  arena = await LockArena.open();
});
beforeEach(async () => {
  services = Array.from(
    { length: SERVICES },
    (_, index) =>
      new RedisLockService({
        url: arena.server.url,
        ttlMs: TTL_MS,
        claimTtlMs: CLAIM_TTL_MS,
        commandTimeoutMs: 5_000,
        // Turns between the services are what goes wrong, so there are many of them.
        localPassesMax: 2,
        localTenureMs: 5,
        ...(index === 0 && { queueMax: QUEUE_MAX }),
      }),
  );
  await Promise.all(services.map((service) => service.start()));
  await until('Redis in use', () => services.every((service) => service.health().available));
  connections = await arena.connections();
});
afterEach(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await arena.clear();
});
afterAll(() => arena.close());

function serviceOf(attempt: { readonly service: number }): RedisLockService {
  const service = services[attempt.service];
  if (!service) throw new Error('No such service.');
  return service;
}

async function perform(attempt: Attempt, witness: Witness): Promise<string> {
  await pass(attempt.startMs);
  const service = serviceOf(attempt);
  const abort = new AbortController();
  const aborting =
    attempt.abortMs === null
      ? undefined
      : setTimeout(() => {
          abort.abort();
        }, attempt.abortMs);
  let lease: Lease;
  try {
    lease = await service.acquire(attempt.key, deadlineIn(attempt.waitMs, abort.signal));
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  } finally {
    clearTimeout(aborting);
  }
  witness.enter(lease);
  if (attempt.holdMs > 0) await pass(attempt.holdMs);
  witness.leave(lease);
  const releasing = Array.from({ length: attempt.releases }, () => service.release(lease));
  const failed = (await Promise.allSettled(releasing)).find(({ status }) => status === 'rejected');
  expect(lease.state).not.toBe('held');
  if (failed?.status === 'rejected') return (failed.reason as { code: string }).code;
  return 'HAD';
}

function sum(count: (stats: LockStats) => number): number {
  return services.reduce((total, service) => total + count(service.stats()), 0);
}

/** Nothing waits, nothing is held, and Redis keeps nothing but the counters of tokens, for a time. */
async function expectNothingLeft(): Promise<void> {
  expect(sum(({ waitersNow }) => waitersNow)).toBe(0);
  expect(sum(({ heldNow }) => heldNow)).toBe(0);
  const isFree = async () => (await arena.redis.exists(...KEYS)) === 0;
  await until('no lock taken', isFree, CLEAN_WITHIN_MS);
  await until('empty queues', async () => (await arena.queued()) === 0, CLEAN_WITHIN_MS);
  for (const key of await arena.redis.keys('*')) {
    expect(await arena.redis.pttl(key)).toBeGreaterThan(0);
  }
}

test('[F13] [F20] each key has one holder at a time, each call is answered, and nothing is left in Redis', async () => {
  const property = fc.asyncProperty(attempts, async (schedule) => {
    const before = { had: sum((s) => s.acquired), lost: sum((s) => s.leasesLost) };
    const witness = new Witness();
    const performing = schedule.map((attempt) => perform(attempt, witness));
    const outcomes = await within(12_000, 'an answer for each caller', Promise.all(performing));
    const allowed = ['HAD', 'LOCK_TIMEOUT', 'LOCK_ABORTED', 'LOCK_QUEUE_FULL'];
    expect(outcomes.filter((outcome) => !allowed.includes(outcome))).toEqual([]);
    // A caller that is not aborted and has time gets its turn, unless the queue was full and it was refused at once.
    for (const [index, attempt] of schedule.entries()) {
      if (attempt.waitMs < 10_000 || attempt.abortMs !== null) continue;
      expect(['HAD', 'LOCK_QUEUE_FULL']).toContain(outcomes[index]);
    }
    const had = outcomes.filter((outcome) => outcome === 'HAD').length;
    expect(sum(({ acquired }) => acquired) - before.had).toBe(had);
    expect(sum(({ leasesLost }) => leasesLost)).toBe(before.lost);
    await expectNothingLeft();
  });
  await fc.assert(property, runs(30));
});

test('[F13] the same holds while connections break and Redis forgets the scripts', async () => {
  const property = fc.asyncProperty(attempts, harms, async (schedule, harming) => {
    const witness = new Witness();
    const performing = schedule.map((attempt) => perform(attempt, witness));
    const harmed = harming.map(async ({ startMs, harm }) => {
      await pass(startMs);
      await inflict(harm);
    });
    const outcomes = await within(12_000, 'an answer for each caller', Promise.all(performing));
    await Promise.all(harmed);
    const allowed = [
      ...['HAD', 'LOCK_TIMEOUT', 'LOCK_ABORTED', 'LOCK_QUEUE_FULL'],
      ...(harming.some(({ harm }) => harm === 'commands') ? ['LOCK_UNAVAILABLE'] : []),
    ];
    expect(outcomes.filter((outcome) => !allowed.includes(outcome))).toEqual([]);
    // A connection that was killed last is not missed before its end has arrived.
    await until('all connections', async () => (await arena.connections()) === connections);
    await until('Redis in use', () => services.every((service) => service.health().available));
    await expectNothingLeft();
  });
  await fc.assert(property, runs(20));
});

async function inflict(harm: Harm): Promise<void> {
  if (harm === 'scripts') await arena.redis.script('FLUSH');
  if (harm === 'subscribers') await arena.killConnections('pubsub');
  if (harm === 'commands') await arena.killConnections('normal');
}

test('[F18] a basket of keys is held whole or not at all, and released whatever its function does', async () => {
  const baskets = fc.array(
    fc.record({
      service: fc.nat({ max: SERVICES - 1 }),
      keys: fc.uniqueArray(fc.constantFrom(...KEYS), { minLength: 1, maxLength: KEYS.length }),
      startMs: fc.nat({ max: 40 }),
      waitMs: fc.constantFrom(0, 10, 40, 10_000),
      fails: fc.boolean(),
    }),
    { minLength: 2, maxLength: 15 },
  );
  const property = fc.asyncProperty(baskets, async (schedule) => {
    const witness = new Witness();
    const performing = schedule.map(async (basket) => {
      await pass(basket.startMs);
      const manager = new DistributedLockManager(serviceOf(basket), { waitMs: 10_000 });
      const work = async ({ leases }: { readonly leases: readonly Lease[] }) => {
        expect(leases.map(({ key }) => key)).toEqual([...basket.keys].sort());
        for (const lease of leases) witness.enter(lease);
        await pass(1);
        for (const lease of leases) witness.leave(lease);
        if (basket.fails) throw new Error('The work fails.');
        return 'done';
      };
      const { waitMs } = basket;
      return manager
        .executeWithLock(basket.keys, work, deadlineIn(waitMs))
        .catch((error: unknown) => (error as { code?: string }).code ?? (error as Error).message);
    });
    const outcomes = await within(12_000, 'an answer for each caller', Promise.all(performing));
    for (const [index, { fails, waitMs }] of schedule.entries()) {
      const own = fails ? 'The work fails.' : 'done';
      const others = waitMs < 10_000 ? ['LOCK_TIMEOUT'] : [];
      expect([own, 'LOCK_QUEUE_FULL', ...others]).toContain(outcomes[index]);
    }
    await expectNothingLeft();
  });
  await fc.assert(property, runs(30));
});
