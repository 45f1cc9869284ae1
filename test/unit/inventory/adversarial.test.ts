/** What would break if this happened before that? Lanes on simulated time, with faults in unlucky moments. */
import type { Turn, Turns } from '../../../src/inventory/lanes/turns.js';
import { SeededRandom } from '../../../src/simulation/seeded-random.js';
import { COMMIT_MS, CountedTurns, openLanes } from '../../support/simulated-lanes.js';

test('[B13] each caller gets one answer when a stop meets a commit', async () => {
  const { time, database, stock, deduct } = openLanes();
  database.createProduct('p', 10);
  const committing = deduct('p', 'a');
  await time.runUntil(COMMIT_MS / 2);
  const waiting = deduct('p', 'b');
  const stopped = stock.stop(1_000);
  const late = deduct('p', 'c');
  await time.runUntil(COMMIT_MS / 2 + 1);
  expect(await Promise.all([waiting, late])).toEqual(['UNAVAILABLE', 'UNAVAILABLE']);
  await time.runUntil(100);
  await stopped;
  expect(await committing).toBe(9);
  expect(database.ledger.map(({ reference }) => reference)).toEqual([null, 'a']);
});

test('a stop while a lane asks for its turn gives the turn back without a commit', async () => {
  const turns = new CountedTurns();
  let grant!: () => void;
  const slow: Turns = {
    take: () =>
      new Promise<Turn>((resolve) => {
        grant = () => {
          void turns.take().then(resolve);
        };
      }),
  };
  const { time, database, stock, batches, deduct } = openLanes({ turns: slow });
  database.createProduct('p', 10);
  const asked = deduct('p', 'a');
  await time.runUntil(1);
  const stopped = stock.stop(1_000);
  expect(await asked).toBe('UNAVAILABLE');
  grant();
  await time.runUntil(100);
  await stopped;
  expect(batches).toEqual([]);
  expect(turns).toMatchObject({ taken: 1, ended: 1 });
});

test('a caller that goes during its commit still gets the committed answer', async () => {
  const { time, database, deduct } = openLanes();
  database.createProduct('p', 10);
  const gone = new AbortController();
  const answer = deduct('p', 'a', { signal: gone.signal });
  await time.runUntil(COMMIT_MS / 2);
  gone.abort();
  await time.runUntil(1_000);
  expect(await answer).toBe(9);
});

test('a slow Redis holds up only the lane that asks it', async () => {
  const granting = new CountedTurns();
  const turns: Turns = {
    take: ([productId]) => (productId === 'slow' ? new Promise(() => undefined) : granting.take()),
  };
  const { time, database, deduct } = openLanes({ turns });
  database.createProduct('slow', 10);
  database.createProduct('p', 10);
  const first = deduct('p', 'a');
  await time.runUntil(COMMIT_MS / 2);
  void deduct('slow', 's');
  const second = deduct('p', 'b');
  await time.runUntil(200);
  expect(await Promise.all([first, second])).toEqual([9, 8]);
});

/** Random requests, cancellations, rejected lines, locked rows and a stop, all drawn from the seed. */
async function storm(seed: number) {
  const random = new SeededRandom(seed);
  const turns = new CountedTurns();
  const lanes = openLanes({ turns, batchMax: 8, queueMax: 6, lockWaitMs: 60, commitsMax: 2 });
  const { time, database, stock, fails, locked, deduct } = lanes;
  const products = ['p', 'q', 'r'];
  for (const id of products) database.createProduct(id, 30);
  const answers: Promise<number | string>[] = [];
  for (let i = 0; i < 120; i += 1) {
    time.after(random.integer(0, 300), 'call', () => {
      const productId = random.pick(products);
      const gone = new AbortController();
      const request = { ms: random.integer(5, 400), signal: gone.signal };
      const key = random.chance(0.2) ? { idempotencyKey: `k${random.integer(1, 5)}` } : {};
      if (random.chance(0.05)) fails.add(`${i}`);
      if (random.chance(0.1)) locked.add(productId);
      if (random.chance(0.1)) locked.clear();
      if (random.chance(0.1))
        time.after(random.integer(0, 30), 'gone', () => {
          gone.abort();
        });
      answers.push(deduct(productId, `${i}`, { ...request, ...key }).catch(() => 'REJECTED'));
    });
  }
  let stopped = false;
  time.after(280, 'stop', () => {
    void stock.stop(1_000).then(() => (stopped = true));
  });
  await time.runUntil(5_000);
  return { ...lanes, turns, stopped, given: await Promise.all(answers) };
}

test('in random orders of events each caller gets one answer and each turn ends', async () => {
  const seen = new Set<string>();
  for (let seed = 1; seed <= 20; seed += 1) {
    const { database, given, turns, stopped } = await storm(seed);
    expect({ seed, answers: given.length, stopped }).toEqual({ seed, answers: 120, stopped: true });
    expect(database.problems()).toEqual([]);
    expect(turns.ended).toBe(turns.taken);
    const sold = database.ledger.filter(({ kind }) => kind === 'DEDUCTION').length;
    const told = given.filter(
      (answer) => typeof answer === 'number' || answer === 'MAY_HAVE_APPLIED',
    ).length;
    // Repeated requests share one effect.
    expect(told).toBeGreaterThanOrEqual(sold);
    for (const answer of given) seen.add(typeof answer === 'number' ? 'APPLIED' : answer);
  }
  expect([...seen]).toEqual(
    expect.arrayContaining([
      'APPLIED',
      'LOCK_TIMEOUT',
      'OVERLOADED',
      'REJECTED',
      'UNAVAILABLE',
      'INSUFFICIENT_STOCK',
    ]),
  );
});

test('the same seed gives the same run', async () => {
  const [once, again] = [await storm(7), await storm(7)];
  expect(again.time.traceHash).toBe(once.time.traceHash);
  expect(again.given).toEqual(once.given);
});
