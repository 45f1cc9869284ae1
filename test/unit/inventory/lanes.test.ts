/**
 * A lane's states, bounds and answers on simulated time and a store in memory. Each transaction takes 10 ms, so lines
 * that arrive meanwhile queue up. Needs no services.
 */
import type { Turns } from '../../../src/inventory/lanes/turns.js';
import { COMMIT_MS, CountedTurns, openLanes } from '../../support/simulated-lanes.js';

test('[B8] entries of one product are decided in order of arrival', async () => {
  const { time, database, batches, deduct } = openLanes();
  database.createProduct('p', 3);
  const answers = ['a', 'b', 'c', 'd'].map((reference) => deduct('p', reference));
  await time.runUntil(1_000);
  expect(await Promise.all(answers)).toEqual([2, 1, 0, 'INSUFFICIENT_STOCK']);
  expect(batches).toEqual([['a', 'b', 'c', 'd']]);
  expect(database.problems()).toEqual([]);
});

test('entries that arrive during a commit go together with the next one', async () => {
  const { time, database, batches, deduct } = openLanes();
  database.createProduct('p', 10);
  const answers = [deduct('p', 'a')];
  await time.runUntil(COMMIT_MS / 2);
  answers.push(deduct('p', 'b'), deduct('p', 'c'));
  await time.runUntil(1_000);
  expect(await Promise.all(answers)).toEqual([9, 8, 7]);
  expect(batches).toEqual([['a'], ['b', 'c']]);
});

test('[B1] an answer follows COMMIT', async () => {
  const { time, database, deduct } = openLanes();
  database.createProduct('p', 10);
  let answer: number | string | null = null;
  const done = deduct('p', 'a').then((value) => (answer = value));
  await time.runUntil(COMMIT_MS - 1);
  expect(answer).toBeNull();
  await time.runUntil(1_000);
  await done;
  expect(answer).toBe(9);
  expect(database.ledger.map(({ reference }) => reference)).toEqual([null, 'a']);
});

test('[B12] one line more than the queue holds is refused at once', async () => {
  const { time, database, deduct } = openLanes({ queueMax: 2 });
  database.createProduct('p', 10);
  const first = deduct('p', 'a');
  await time.runUntil(COMMIT_MS / 2);
  const waiting = [deduct('p', 'b'), deduct('p', 'c')];
  expect(await deduct('p', 'd')).toBe('OVERLOADED');
  await time.runUntil(1_000);
  expect(await Promise.all([first, ...waiting])).toEqual([9, 8, 7]);
});

test('[B12] an entry whose wait is over, or whose caller has gone, is left out of the next batch', async () => {
  const { time, database, batches, deduct } = openLanes();
  database.createProduct('p', 10);
  const gone = new AbortController();
  const first = deduct('p', 'a');
  await time.runUntil(1);
  const others = [
    deduct('p', 'late', { ms: 3 }),
    deduct('p', 'gone', { signal: gone.signal }),
    deduct('p', 'b'),
  ];
  await time.runUntil(2);
  gone.abort();
  await time.runUntil(1_000);
  expect(await first).toBe(9);
  expect(await Promise.all(others)).toEqual(['LOCK_TIMEOUT', 'UNAVAILABLE', 8]);
  expect(batches).toEqual([['a'], ['b']]);
});

test('a caller with a shorter wait of its own is answered then, with the time of a retry', async () => {
  const { time, database, verdictOf } = openLanes({ batchMax: 1 });
  database.createProduct('p', 100);
  const others = Array.from({ length: 50 }, (_, i) => verdictOf('p', `other ${i}`));
  const impatient = verdictOf('p', 'impatient', { maxWaitMs: 45 });
  await time.runUntil(2_000);
  const refused = await impatient;
  expect(refused).toMatchObject({ failure: { code: 'LOCK_TIMEOUT', waitedMs: 45 } });
  // 46 lines wait then, and each of them takes a commit of 10 ms.
  const { retryAfterMs } = (refused as { failure: { retryAfterMs: number } }).failure;
  expect(retryAfterMs / (46 * COMMIT_MS)).toBeCloseTo(1, 0);
  expect((await Promise.all(others)).map((verdict) => verdict?.outcome)).toEqual(
    others.map(() => 'APPLIED'),
  );
});

test('a queue that is full tells when its lines will have been written', async () => {
  const { time, database, verdictOf } = openLanes({ batchMax: 1, queueMax: 20 });
  database.createProduct('p', 100);
  const others = Array.from({ length: 20 }, (_, i) => verdictOf('p', `other ${i}`));
  await time.runUntil(5 * COMMIT_MS + 1);
  const more = Array.from({ length: 10 }, (_, i) => verdictOf('p', `more ${i}`));
  const refused = (await Promise.race([more.at(-1), time.runUntil(2_000)])) ?? null;
  await Promise.all([...others, ...more]);
  expect(refused).toMatchObject({ failure: { code: 'OVERLOADED' } });
  const { retryAfterMs } = (refused as { failure: { retryAfterMs: number } }).failure;
  expect(retryAfterMs / (20 * COMMIT_MS)).toBeCloseTo(1, 0);
});

test('[B9] a turn ends after a bounded number of commits', async () => {
  const turns = new CountedTurns();
  // One line in a transaction means one commit in a turn.
  const { time, database, deduct } = openLanes({ turns, batchMax: 1 });
  database.createProduct('p', 10);
  const answers = ['a', 'b', 'c'].map((reference) => deduct('p', reference));
  await time.runUntil(1_000);
  expect(await Promise.all(answers)).toEqual([9, 8, 7]);
  expect(turns).toMatchObject({ taken: 3, ended: 3 });
});

test('[B9] a turn ends after a bounded time, however many entries wait', async () => {
  const turns = new CountedTurns();
  const { time, database, deduct } = openLanes({ turns, batchMax: 2 });
  database.createProduct('p', 100);
  const answers = Array.from({ length: 40 }, (_, i) => deduct('p', `${i}`));
  await time.runUntil(5_000);
  expect((await Promise.all(answers)).at(-1)).toBe(60);
  // 20 transactions of 10 ms, and 50 ms in a turn.
  expect(turns.taken).toBeGreaterThanOrEqual(4);
  expect(turns.ended).toBe(turns.taken);
});

test('[B5] a line that the database rejects fails alone', async () => {
  const { time, database, fails, deduct } = openLanes();
  database.createProduct('p', 10);
  database.createProduct('q', 10);
  fails.add('bad');
  const answers = Promise.allSettled([
    deduct('p', 'a'),
    deduct('p', 'bad'),
    deduct('p', 'b'),
    deduct('q', 'c'),
  ]);
  await time.runUntil(1_000);
  expect(await answers).toEqual([
    { status: 'fulfilled', value: 9 },
    { status: 'rejected', reason: new Error('The database rejects a line.') },
    { status: 'fulfilled', value: 8 },
    { status: 'fulfilled', value: 9 },
  ]);
});

test('a product whose row is locked goes after the free ones', async () => {
  const { time, database, batches, locked, deduct } = openLanes();
  for (const id of ['p', 'q', 'r']) database.createProduct(id, 10);
  locked.add('p');
  const answers = [deduct('p', 'p'), deduct('q', 'q'), deduct('r', 'r')];
  await time.runUntil(1_000);
  expect(await Promise.all(answers)).toEqual([9, 9, 9]);
  expect(batches).toEqual([['p', 'q', 'r'], ['q', 'r'], ['p']]);
});

test('products that are all locked are tried with pauses by a store that does not wait for rows', async () => {
  const { time, database, batches, locked, deduct } = openLanes({ rowLockWaitMs: 0 });
  for (const id of ['p', 'q']) {
    database.createProduct(id, 10);
    locked.add(id);
  }
  time.after(200, 'unlock', () => {
    locked.clear();
  });
  const answers = [deduct('p', 'p'), deduct('q', 'q')];
  await time.runUntil(1_000);
  expect(await Promise.all(answers)).toEqual([9, 9]);
  expect(batches.length).toBeGreaterThan(5);
  expect(batches.length).toBeLessThan(30);
});

test('[B7] the same request sent twice in one batch is written once, and both callers get its answer', async () => {
  const { time, database, deduct } = openLanes();
  database.createProduct('p', 10);
  const request = { idempotencyKey: 'k' };
  const answers = [deduct('p', 'a', request), deduct('p', 'a', request)];
  await time.runUntil(1_000);
  expect(await Promise.all(answers)).toEqual([9, 9]);
  expect(database.levels.get([...database.levels.keys()][0] ?? '')?.onHand).toBe(9);
});

test('a refused turn refuses all entries that wait, and the next entry asks again', async () => {
  const granting = new CountedTurns();
  let asked = 0;
  const turns: Turns = {
    take: () => {
      asked += 1;
      const failure = { code: 'OVERLOADED', retryAfterMs: 1 } as const;
      return asked === 1 ? Promise.resolve({ failure }) : granting.take();
    },
  };
  const { time, database, deduct } = openLanes({ turns });
  database.createProduct('p', 10);
  expect(await Promise.all([deduct('p', 'a'), deduct('p', 'b')])).toEqual([
    'OVERLOADED',
    'OVERLOADED',
  ]);
  const later = deduct('p', 'c');
  await time.runUntil(1_000);
  expect(await later).toBe(9);
});
