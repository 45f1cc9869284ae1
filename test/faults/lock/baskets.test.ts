/** A caller of several locks takes them in one order, so callers never wait for each other in a circle. */
import { LockArena } from '../../support/lock-arena.js';
import { systemNowMs } from '../../support/lock-process.js';
import { SeededRandom } from '../../../src/simulation/seeded-random.js';
import { pass, within } from '../../support/until.js';

const WAIT_MS = 15_000;
/** No lease of these may be lost, even if its process stands still for a while after it was handed the lock. */
const SETTINGS = { ttlMs: 20_000, claimTtlMs: 10_000 };
const KEYS = ['apple', 'bread', 'cream', 'dates', 'eggs'].map((name) => `lock:stock:{${name}}`);

let arena: LockArena;
let witnesses: Record<string, string>;
beforeAll(async () => {
  arena = await LockArena.open();
  witnesses = Object.fromEntries(KEYS.map((key, index) => [key, arena.witness(String(index))]));
});
afterEach(() => arena.clear());
afterAll(() => arena.close());

test('[F18] processes that name two keys in opposite orders do not deadlock', async () => {
  const processes = await arena.startMany(3, SETTINGS);
  const [a = '', b = ''] = KEYS;
  const outcomes = await within(
    40_000,
    'all baskets',
    Promise.all(
      processes.map((process, index) =>
        process.baskets({
          baskets: Array.from({ length: 20 }, () => (index % 2 ? [a, b] : [b, a])),
          ...{ waitMs: WAIT_MS, holdMs: 1, witnesses },
        }),
      ),
    ),
  );
  expectEachTokenOnce(outcomes.flat());
  for (const process of processes) {
    expect(await process.stats()).toMatchObject({ heldNow: 0, waitersNow: 0, timeouts: 0 });
  }
});

test('[F18] baskets of random keys in random order are all served', async () => {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  const random = new SeededRandom(seed);
  const basket = () => {
    const left = [...KEYS];
    return Array.from({ length: random.integer(1, 4) }, () => {
      const [key = ''] = left.splice(random.integer(0, left.length - 1), 1);
      return key;
    });
  };
  const processes = await arena.startMany(4, SETTINGS);
  try {
    const outcomes = await within(
      40_000,
      'all baskets',
      Promise.all(
        processes.map((process) =>
          process.baskets({
            baskets: Array.from({ length: 30 }, basket),
            ...{ waitMs: WAIT_MS, holdMs: 1, witnesses },
          }),
        ),
      ),
    );
    expect(outcomes.flat()).toHaveLength(120);
    expectEachTokenOnce(outcomes.flat());
  } catch (error) {
    throw new Error(`SEED=${seed} repeats the baskets.`, { cause: error });
  }
});

test('[F18] a basket with a contended key is served beside callers that want this key alone', async () => {
  const [shopper, ...hammers] = await arena.startMany(4, SETTINGS);
  if (!shopper) throw new Error('They were to start.');
  const [hot = '', ...cold] = KEYS;
  const fromMs = systemNowMs() + 100;
  const untilMs = fromMs + 8_000;
  const hammering = Promise.all(
    hammers.map((one) =>
      one.compete({
        ...{ key: hot, waiters: 20, fromMs, untilMs, holdMs: 1 },
        witness: witnesses[hot] ?? '',
      }),
    ),
  );
  await pass(300);
  const order = { waitMs: WAIT_MS, holdMs: 1, witnesses };
  const tookMs: number[] = [];
  for (let round = 0; round < 5; round++) {
    const [outcome] = await shopper.baskets({ baskets: [[...cold, hot]], ...order });
    tookMs.push(outcome?.tookMs ?? Infinity);
  }
  // The other processes have their tenures before it, and no more than one each. A pause of the machine delays one.
  expect(Math.min(...tookMs)).toBeLessThan(1_000);
  expect(Math.max(...tookMs)).toBeLessThan(5_000);
  expect(systemNowMs()).toBeLessThan(untilMs);
  for (const { holds, failures } of await within(30_000, 'the hammers', hammering)) {
    expect(failures).toEqual({});
    expect(holds.filter(({ alone, trusted }) => !alone || !trusted)).toEqual([]);
  }
});

interface Outcome {
  readonly keys: readonly string[];
  readonly tokens: readonly (bigint | null)[];
}

/** A token given twice for a key would let two owners write. */
function expectEachTokenOnce(outcomes: readonly Outcome[]): void {
  const seen = new Set<string>();
  for (const { keys, tokens } of outcomes) {
    for (const [index, key] of keys.entries())
      seen.add(`${key} ${tokens[index]?.toString() ?? ''}`);
  }
  expect(seen.size).toBe(outcomes.reduce((sum, { keys }) => sum + keys.length, 0));
}
