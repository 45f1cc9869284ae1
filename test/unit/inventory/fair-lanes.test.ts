/**
 * One principal floods; what another one asks for is served as if the flood were one request of it. On simulated time
 * and a store in memory, where each transaction takes 10 ms. Needs no services.
 */
import type { Turn, Turns } from '../../../src/inventory/lanes/turns.js';
import type { StockRequest } from '../../../src/inventory/stock-request.js';
import { SeededRandom } from '../../../src/simulation/seeded-random.js';
import { COMMIT_MS, openLanes } from '../../support/simulated-lanes.js';

const STOCK = 1_000_000;

const linesOf = (productId: string, count: number): StockRequest['items'] =>
  Array.from({ length: count }, () => ({ productId, quantity: 1 }));

/** Resolves with how long the answer took, in simulated milliseconds. */
async function timed(time: { readonly nowMs: number }, answer: Promise<unknown>): Promise<number> {
  const sinceMs = time.nowMs;
  await answer;
  return time.nowMs - sinceMs;
}

/** A lock for each product, first come, first served. */
class SerialTurns implements Turns {
  private readonly ends = new Map<string, Promise<void>>();

  async take(productIds: readonly string[]): Promise<Turn> {
    const ends: (() => void)[] = [];
    for (const id of productIds) {
      const before = this.ends.get(id);
      this.ends.set(id, new Promise((resolve) => ends.push(resolve)));
      await before;
    }
    return {
      isOver: false,
      isContended: () => false,
      fencingTokenOf: () => null,
      end: () => {
        for (const end of ends) end();
      },
    };
  }
}

test("a principal's flood leaves each other principal its turn in the next batch", async () => {
  const { time, database, deduct } = openLanes({
    queueMax: 100_000,
    queueMaxPerPrincipal: 100_000,
    lockWaitMs: 60_000,
  });
  database.createProduct('p', STOCK);
  const flood = Array.from({ length: 250 }, (_, i) =>
    deduct('p', `flood-${i}`, { principal: 'flood', items: linesOf('p', 100), ms: 60_000 }),
  );
  await time.runUntil(COMMIT_MS / 2);
  const waits = Array.from({ length: 5 }, (_, i) =>
    timed(time, deduct('p', `buyer-${i}`, { principal: 'buyer' })),
  );
  await time.runUntil(10_000);
  // The transaction under way, and its own.
  for (const waitedMs of await Promise.all(waits)) expect(waitedMs).toBeLessThan(2 * COMMIT_MS);
  await Promise.all(flood);
  expect(database.problems()).toEqual([]);
});

test('each principal gets its share of the lines of a batch, however large its requests are', async () => {
  const { time, database, batches, deduct } = openLanes({ batchMax: 100 });
  database.createProduct('p', STOCK);
  const first = deduct('p', 'first');
  await time.runUntil(COMMIT_MS / 2);
  const answers = [
    ...Array.from({ length: 4 }, () =>
      deduct('p', 'large', { principal: 'large', items: linesOf('p', 50) }),
    ),
    ...Array.from({ length: 200 }, () => deduct('p', 'small', { principal: 'small' })),
  ];
  await time.runUntil(1_000);
  await Promise.all([first, ...answers]);
  const [, next] = batches;
  expect(next?.filter((reference) => reference === 'large')).toHaveLength(1);
  expect(next?.filter((reference) => reference === 'small')).toHaveLength(50);
});

test('a principal that fills its part of the queue leaves the rest to others', async () => {
  const { time, database, deduct } = openLanes({ queueMax: 4, queueMaxPerPrincipal: 2 });
  database.createProduct('p', STOCK);
  const first = deduct('p', 'first');
  await time.runUntil(COMMIT_MS / 2);
  const ask = (principal: string | null) => deduct('p', 'line', { principal });
  const waiting = [ask('a'), ask('a')];
  expect(await ask('a')).toBe('OVERLOADED');
  waiting.push(ask('b'), ask('b'));
  expect(await ask('c')).toBe('OVERLOADED');
  await time.runUntil(1_000);
  expect(await Promise.all([first, ...waiting])).not.toContain('OVERLOADED');
});

test('a request that is divided into several writes finds room as a whole', async () => {
  const { time, database, deduct } = openLanes({
    batchMax: 1,
    queueMax: 4,
    queueMaxPerPrincipal: 2,
  });
  database.createProduct('p', STOCK);
  const first = deduct('p', 'first');
  await time.runUntil(COMMIT_MS / 2);
  const request = { principal: 'a', items: linesOf('p', 10), idempotencyKey: 'k' };
  const divided = deduct('p', 'divided', request);
  expect(await deduct('p', 'more', { principal: 'a' })).toBe('OVERLOADED');
  await time.runUntil(1_000);
  expect(await Promise.all([first, divided])).toEqual([STOCK - 1, STOCK - 2]);
  const written = database.ledger.filter(({ reference }) => reference === 'divided');
  expect(written).toHaveLength(10);
});

test('a request that is sent many times at once finds no more room than others', async () => {
  const { time, database, deduct } = openLanes({ queueMax: 6, queueMaxPerPrincipal: 3 });
  database.createProduct('p', STOCK);
  const first = deduct('p', 'first');
  await time.runUntil(COMMIT_MS / 2);
  const ask = () => deduct('p', 'again', { principal: 'a', idempotencyKey: 'k' });
  const answers = Promise.all(Array.from({ length: 10 }, ask));
  await time.runUntil(1_000);
  expect((await answers).filter((answer) => answer === 'OVERLOADED')).toHaveLength(7);
  expect(await first).toBe(STOCK - 1);
});

test('writes without a principal may use the whole queue', async () => {
  const { time, database, deduct } = openLanes({ queueMax: 4, queueMaxPerPrincipal: 2 });
  database.createProduct('p', STOCK);
  const answers = Array.from({ length: 5 }, () => deduct('p', 'line'));
  await time.runUntil(1_000);
  expect((await Promise.all(answers)).filter((answer) => answer === 'OVERLOADED')).toHaveLength(1);
});

test('a request that waits because of its key holds up no other principal', async () => {
  const { time, database, batches, deduct } = openLanes();
  database.createProduct('p', STOCK);
  const same = { principal: 'a', idempotencyKey: 'k' };
  const [one, other, later, neighbour] = [
    deduct('p', 'one', same),
    deduct('p', 'other', same).catch(() => 'KEY_REUSED'),
    deduct('p', 'later', { principal: 'a' }),
    deduct('p', 'neighbour', { principal: 'b' }),
  ];
  await time.runUntil(1_000);
  expect(await Promise.all([one, other, later, neighbour])).toEqual([
    STOCK - 1,
    'KEY_REUSED',
    STOCK - 3,
    STOCK - 2,
  ]);
  expect(batches).toEqual([
    ['one', 'neighbour'],
    ['other', 'later'],
  ]);
});

test('lines of one principal over thousands of products leave room for the product of another one', async () => {
  const { time, database, deduct } = openLanes({ lockWaitMs: 60_000 });
  const ids = Array.from({ length: 3_000 }, (_, i) => `p${i}`);
  for (const id of [...ids, 'q']) database.createProduct(id, STOCK);
  const flood = ids.flatMap((id) =>
    Array.from({ length: 3 }, () => deduct(id, 'flood', { principal: 'flood', ms: 60_000 })),
  );
  await time.runUntil(COMMIT_MS / 2);
  const waited = timed(time, deduct('q', 'buyer', { principal: 'buyer' }));
  await time.runUntil(10_000);
  expect(await waited).toBeLessThan(3 * COMMIT_MS);
  await Promise.all(flood);
});

test.each<[string, () => Turns | undefined]>([
  ['under a lock', () => new SerialTurns()],
  ['without a lock', () => undefined],
])('baskets of one principal leave each other principal its turn, %s', async (_, newTurns) => {
  const turns = newTurns();
  const { time, database, deduct } = openLanes({ lockWaitMs: 60_000, ...(turns && { turns }) });
  for (const id of ['p', 'q']) database.createProduct(id, STOCK);
  const basket = {
    mode: 'ALL_OR_NOTHING',
    items: [...linesOf('p', 1), ...linesOf('q', 1)],
    ms: 60_000,
  } as const;
  const flood = Array.from({ length: 250 }, () =>
    deduct('p', 'flood', { ...basket, principal: 'flood' }),
  );
  await time.runUntil(COMMIT_MS / 2);
  const waits = [
    timed(time, deduct('p', 'line', { principal: 'buyer' })),
    timed(time, deduct('p', 'basket', { ...basket, principal: 'buyer' })),
  ];
  await time.runUntil(10_000);
  for (const waitedMs of await Promise.all(waits)) expect(waitedMs).toBeLessThan(10 * COMMIT_MS);
  await Promise.all(flood);
  expect(database.problems()).toEqual([]);
});

test('a basket whose wait ends before its gate opens is refused with how long it waited', async () => {
  const { time, database, deduct } = openLanes({ lockWaitMs: 30, turns: new SerialTurns() });
  for (const id of ['p', 'q']) database.createProduct(id, STOCK);
  const items = [...linesOf('p', 1), ...linesOf('q', 1)];
  const answers = Array.from({ length: 40 }, () =>
    deduct('p', 'basket', { mode: 'ALL_OR_NOTHING', items, principal: 'a' }),
  );
  await time.runUntil(5_000);
  const given = await Promise.all(answers);
  expect(given).toContain('LOCK_TIMEOUT');
  expect(given[0]).toBe(STOCK - 1);
  expect(database.problems()).toEqual([]);
});

test('entries whose wait is over are answered, whichever principal has its turn', async () => {
  let grant: () => void = () => undefined;
  const held: Turns = {
    take: () =>
      new Promise<Turn>((resolve) => {
        grant = () => {
          const end = () => undefined;
          resolve({ isOver: false, isContended: () => false, fencingTokenOf: () => null, end });
        };
      }),
  };
  const { time, database, stock, deduct } = openLanes({ turns: held, lockWaitMs: 100 });
  database.createProduct('p', STOCK);
  const waits = ['a', 'b', 'a', 'c'].map((principal) =>
    timed(time, deduct('p', principal, { principal })),
  );
  await time.runUntil(50);
  const late = deduct('p', 'late', { principal: 'b' });
  await time.runUntil(120);
  expect(await Promise.all(waits)).toEqual([100, 100, 100, 100]);
  grant();
  await time.runUntil(1_000);
  expect(await late).toBe(STOCK - 1);
  await stock.stop(0);
});

/** Principals with requests of random sizes, and a buyer that sends one line at a time. */
async function rush(seed: number) {
  const random = new SeededRandom(seed);
  const batchMax = random.pick([1, 20, 512]);
  const lanes = openLanes({ batchMax, queueMax: 100_000, queueMaxPerPrincipal: 100_000 });
  const { time, database, deduct } = lanes;
  database.createProduct('p', STOCK);
  const floods = ['a', 'b', 'c'].slice(0, random.integer(1, 3));
  const sizes = new Map(floods.map((name) => [name, random.integer(1, Math.min(100, batchMax))]));
  const sent = new Map<string, string[]>();
  const answers: Promise<number | string>[] = [];
  const send = (principal: string, lines: number) => {
    const list = sent.get(principal) ?? [];
    const reference = `${principal}-${list.length}`;
    sent.set(principal, [...list, reference]);
    const answer = deduct('p', reference, { principal, items: linesOf('p', lines) });
    answers.push(answer);
    return answer;
  };
  for (let i = 0; i < 150; i += 1) {
    const principal = random.pick(floods);
    time.after(
      random.integer(0, 100),
      'flood',
      () => void send(principal, sizes.get(principal) ?? 1),
    );
  }
  const waits: Promise<number>[] = [];
  for (let i = 0; i < 10; i += 1) {
    time.after(5 + i * 20 * COMMIT_MS, 'buyer', () => {
      waits.push(timed(time, send('buyer', 1)));
    });
  }
  await time.runUntil(60_000);
  return { ...lanes, floods, sent, batchMax, given: await Promise.all(answers), waits };
}

test('in random floods a single line waits for a few batches, and each principal keeps its order', async () => {
  for (let seed = 1; seed <= 12; seed += 1) {
    const { database, floods, sent, batchMax, given, waits } = await rush(seed);
    expect(database.problems()).toEqual([]);
    // The batch under way, its own, and for each flood what its largest request may have been owed.
    const batches = 2 + Math.ceil((floods.length * Math.min(100, batchMax)) / batchMax);
    for (const waitedMs of await Promise.all(waits)) {
      expect({ seed, isServed: waitedMs <= batches * COMMIT_MS }).toEqual({ seed, isServed: true });
    }
    const order = [...new Set(database.ledger.map(({ reference }) => reference))];
    expect(given.filter((answer) => typeof answer === 'number').length).toBeGreaterThan(10);
    for (const [principal, references] of sent) {
      const written = order.filter((reference) => reference?.startsWith(`${principal}-`));
      const wanted = references.filter((reference) => written.includes(reference));
      expect({ seed, principal, written }).toEqual({ seed, principal, written: wanted });
    }
  }
});
