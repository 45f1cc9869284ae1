/**
 * Several processes compete for one key. That two never hold it at once is shown by a file that only one process can
 * create, independent of Redis and of clocks; the order of owners, by the clock that all processes share.
 */
import { LockArena } from '../../support/lock-arena.js';
import { systemNowMs, type Hold, type LockProcess } from '../../support/lock-process.js';
import { median } from '../../support/median.js';
import { within } from '../../support/until.js';

const KEY = 'lock:{contended}';
const ROUND_TRIPS_PER_LEASE_MAX = 3;
/** No lease of these may be lost, even if its process stands still for a while after it was handed the lock. */
const SETTINGS = { ttlMs: 20_000, claimTtlMs: 10_000 };
/** The most leases that a process has in a row while others wait, as by the default of `localPassesMax`. */
const LEASES_IN_A_ROW_MAX = 65;

let arena: LockArena;
beforeAll(async () => {
  arena = await LockArena.open();
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

interface Outcome {
  readonly process: LockProcess;
  readonly holds: readonly Hold[];
}

async function compete(waiters: readonly number[], durationMs: number, holdMs: number) {
  const processes = await arena.startMany(waiters.length, SETTINGS);
  const fromMs = systemNowMs() + 200;
  const untilMs = fromMs + durationMs;
  const competing = processes.map(async (process, index): Promise<Outcome> => {
    const outcome = await process.compete({
      ...{ key: KEY, waiters: waiters[index] ?? 0, fromMs, untilMs, holdMs },
      witness: arena.witness('contended'),
    });
    expect(outcome.failures).toEqual({});
    return { process, holds: outcome.holds };
  });
  const outcomes = await within(durationMs + 20_000, 'their end', Promise.all(competing));
  return { outcomes, untilMs };
}

function expectOneAtATime(outcomes: readonly Outcome[]): void {
  const holds = outcomes.flatMap(({ holds }) => [...holds]);
  expect(holds.filter(({ alone, trusted }) => !alone || !trusted)).toEqual([]);
  holds.sort((a, b) => a.startMs - b.startMs);
  const wrong = holds.filter((hold, index) => {
    const before = holds[index - 1];
    return before && (hold.token <= before.token || hold.startMs < before.endMs);
  });
  expect(wrong).toEqual([]);
}

/** A process that wants the lock all the time gets at least half of an equal share of the holds. */
function expectFairness(outcomes: readonly Outcome[], untilMs: number): void {
  const counts = outcomes.map(
    ({ holds }) => holds.filter(({ startMs }) => startMs < untilMs).length,
  );
  const total = counts.reduce((sum, count) => sum + count, 0);
  expect(total).toBeGreaterThan(100);
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(total / counts.length / 2);
}

async function expectFewRoundTrips(outcomes: readonly Outcome[]): Promise<void> {
  for (const { process } of outcomes) {
    const stats = await process.stats();
    expect(stats.roundTrips).toBeLessThanOrEqual(ROUND_TRIPS_PER_LEASE_MAX * stats.acquired + 20);
    expect(stats).toMatchObject({ heldNow: 0, waitersNow: 0, leasesLost: 0 });
    expect(stats.waitTime.count).toBe(stats.acquired);
    expect(stats.holdTime.count).toBe(stats.acquired);
  }
}

test('[F8] [F15] four processes with many waiters hold a lock one at a time, in token order and fairly', async () => {
  const { outcomes, untilMs } = await compete([25, 25, 25, 25], 3_000, 1);
  expectOneAtATime(outcomes);
  expectFairness(outcomes, untilMs);
  await expectFewRoundTrips(outcomes);
  // Fair to each other, and still not one journey to another process for each lease.
  const stats = await Promise.all(outcomes.map(({ process }) => process.stats()));
  for (const { handOffs } of stats) {
    expect(handOffs.remote).toBeGreaterThan(0);
    expect(handOffs.local).toBeGreaterThan(handOffs.remote);
    expect(handOffs).toMatchObject({ skipped: 0 });
  }
});

test('[F15] a process with one waiter is not starved by another with fifty', async () => {
  const { outcomes, untilMs } = await compete([50, 1], 3_000, 1);
  expectOneAtATime(outcomes);
  const [many, one] = outcomes.map(({ holds }) => holds.filter((hold) => hold.startMs < untilMs));
  expect(many?.length).toBeGreaterThan(0);
  // It comes back to the end of the queue each time, so its share is of turns, not of leases.
  expect(one?.length).toBeGreaterThanOrEqual(5);
  // A process that stands still after its lease, before it asks again, leaves the others more turns that once.
  expect(median(leasesBetween(one ?? [], many ?? []))).toBeLessThanOrEqual(2 * LEASES_IN_A_ROW_MAX);
  await expectFewRoundTrips(outcomes);
});

/** How many of the others' leases there were from each of these to the next: an order, whatever time it took. */
function leasesBetween(these: readonly Hold[], others: readonly Hold[]): number[] {
  return these.slice(1).map(({ token }, index) => {
    const before = these[index]?.token ?? 0n;
    return others.filter((other) => other.token > before && other.token < token).length;
  });
}

test('hand-overs are as exclusive when each holder releases at once', async () => {
  const { outcomes, untilMs } = await compete([3, 3, 3, 3], 2_000, 0);
  expectOneAtATime(outcomes);
  expectFairness(outcomes, untilMs);
  await expectFewRoundTrips(outcomes);
});
