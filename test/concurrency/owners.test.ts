/**
 * The process that owns a product decides the lines of all processes: its answers reach the callers of the others, and
 * it gives the product up for a basket. `faults/owners.test.ts` shows what owners that end, pause or are cut off do.
 */
import { SeededRandom } from '../../src/simulation/seeded-random.js';
import { Fleet, handedOver, planLines, type Member } from '../support/fleet.js';
import { closeClient } from '../support/graphql-client.js';
import { heldOnce } from '../support/held-once.js';
import { holdRow, untilRowsAreWaitedFor, type HeldRow } from '../support/innodb.js';
import type { ServerProcess } from '../support/server-process.js';
import {
  brief,
  callStock,
  deduction,
  linesOf,
  type Answer,
  type StockCall,
} from '../support/stock-calls.js';
import { checkStorm } from '../support/storm-checks.js';
import { chooseSeed, runStorm, type StormOperation } from '../support/storm.js';
import { until, within } from '../support/until.js';
import { metric } from '../support/watcher.js';

/** How long an owner keeps a product that has no lines. */
const KEPT_IDLE_MS = 5_000;
const TRIES = 3;

/** Longer than each wait here: nothing is owed to a lock that has run out, or to its renewal. */
const LOCK_TTL_MS = '60000';

let fleet: Fleet;

afterEach(async () => {
  await fleet.close();
});

afterAll(closeClient);

function ask({ graphqlUrl }: ServerProcess, call: StockCall) {
  return callStock(graphqlUrl, call);
}

test('a basket gets the locks of idle owners at once', async () => {
  fleet = await Fleet.start(3, { LOCK_TTL_MS });
  const [one, other, third] = [fleet.member(0), fleet.member(1), fleet.member(2)];
  const isAtOnce = await heldOnce(TRIES, async () => {
    const [a = '', b = '', c = ''] = await fleet.shop.newProducts(3, 10);
    const answered = await handedOver([third], 'answered');
    const sinceMs = performance.now();
    await fleet.giveTo(one, a);
    await fleet.giveTo(other, b);
    await fleet.giveTo(one, c);
    expect(brief(await ask(third.server, deduction({ [a]: 1 })))).toEqual([10]);
    const handed = (await handedOver([third], 'answered')) - answered;
    const owners = await Promise.all([a, b, c].map((id) => fleet.ownerOf(id)));

    const basket = deduction({ [a]: 1, [b]: 2, [c]: 3 }, { mode: 'ALL_OR_NOTHING' });
    expect(brief(await ask(third.server, basket))).toEqual([9, 9, 8]);
    // An owner that is not told that the lock is wanted keeps it for longer; one that has kept it so long may be idle.
    const isSoon = performance.now() - sinceMs < KEPT_IDLE_MS;
    return isSoon && handed === 1 && owners.every((owner, at) => owner === [one, other, one][at]);
  });
  expect(isAtOnce).toBe(true);
  expect(await fleet.shop.problems()).toEqual([]);
});

test('a key has one effect and one answer while the ownership of its product moves', async () => {
  fleet = await Fleet.start(3, { LOCK_TTL_MS });
  const [hot = '', other = ''] = await fleet.shop.newProducts(2, 500);
  const initial = await fleet.shop.levels();
  const seed = chooseSeed('ownership moves');
  const random = new SeededRandom(seed);
  // A basket takes the lock away from the owner; whose line asks for it next, is the next owner.
  const plan = planLines(seed, hot, 300).map((operation): StormOperation => {
    const { call } = operation;
    if (random.chance(0.1)) {
      const items = [...call.input.items, { productId: other, quantity: 1, locationId: 'default' }];
      return {
        ...operation,
        call: { ...call, input: { ...call.input, items, mode: 'ALL_OR_NOTHING' } },
      };
    }
    const isKeyed = call.input.idempotencyKey !== undefined;
    const hangsUpAfterMs = random.chance(0.05) ? random.integer(1, 40) : null;
    return { ...operation, copies: isKeyed ? 3 : 1, asksAgain: isKeyed, hangsUpAfterMs };
  });

  const storm = await runStorm(plan, {
    targets: fleet.addresses,
    incidents: [
      {
        at: 0.05,
        happens: async () => {
          await fleet.untilOwned(hot, await fleet.untilOwned(hot));
        },
      },
    ],
  });
  expect(await handedOver(fleet.members, 'answered')).toBeGreaterThan(0);
  await fleet.stop();
  const { wrong, counts } = await checkStorm(fleet.shop, initial, storm);
  expect(wrong).toEqual([]);
  expect(counts.linesApplied).toBeGreaterThan(0);
});

/** A product whose row a stranger holds, and the owner's line that waits for it. */
interface Held {
  readonly id: string;
  readonly row: HeldRow;
  readonly first: Promise<Answer>;
  /** Lines that the owner had answered before. */
  readonly answered: number;
}

/**
 * Lets the wait of a line of the sender end behind the owner's. Null where the sender had to give the owner up, because
 * Redis or one of the two has paused.
 */
async function outwait(owner: Member, sender: Member): Promise<Held | null> {
  const { database } = fleet.shop;
  const answered = await handedOver([sender], 'answered');
  const id = await fleet.shop.newProduct(10);
  const isGiven = await fleet.giveTo(owner, id).then(
    () => true,
    () => false,
  );
  if (!isGiven) return null;
  expect(brief(await ask(sender.server, deduction({ [id]: 1 })))).toEqual([10]);
  const row = await holdRow(database.url, id);
  const first = ask(owner.server, deduction({ [id]: 1 }));
  let held: Held | null = null;
  try {
    await untilRowsAreWaitedFor(database.sequelize);
    const hurried = deduction({ [id]: 1 }, { maxWaitMs: 300 });
    const late = linesOf(await within(20_000, 'its wait ends', ask(sender.server, hurried)))[0];
    if ((await handedOver([sender], 'answered')) !== answered + 2) return null;
    expect(late).toMatchObject({ code: 'LOCK_TIMEOUT', retryable: true, mayHaveApplied: false });
    held = { id, row, first, answered };
    return held;
  } finally {
    if (!held) {
      await row.release();
      await first;
    }
  }
}

test('LOCK_TIMEOUT and OVERLOADED are the answers of the owner, too', async () => {
  fleet = await Fleet.start(2, { LOCK_TTL_MS, LANE_QUEUE_MAX: '4' });
  const [owner, sender] = [fleet.member(0), fleet.member(1)];
  const outwaited: Held[] = [];
  await heldOnce(TRIES, async () => {
    const held = await outwait(owner, sender);
    if (held) outwaited.push(held);
    return held !== null;
  });
  const [held] = outwaited;
  if (!held) throw new Error('The product changed its owner each time.');
  const { id, row, first, answered } = held;

  const waiting = Array.from({ length: 4 }, () => ask(owner.server, deduction({ [id]: 1 })));
  const queued = () => metric(owner.server.origin, 'stockade_queue_lines');
  await until('all wait', async () => (await queued()) === waiting.length);
  const order = deduction({ [id]: 1 }, { idempotencyKey: 'order-1' });
  const [refused] = linesOf(await ask(sender.server, order));
  expect(refused).toMatchObject({ code: 'OVERLOADED', retryable: true, mayHaveApplied: false });
  expect((await handedOver([sender], 'answered')) - answered).toBe(3);
  await row.release();

  const remaining = (await Promise.all([first, ...waiting])).flatMap(brief);
  expect(remaining.sort()).toEqual([5, 6, 7, 8, 9]);
  expect(brief(await ask(sender.server, order))).toEqual([4]);
  expect(brief(await ask(owner.server, order))).toEqual([4]);
  expect(await fleet.shop.onHand(id)).toBe(4);
  expect(await fleet.shop.problems()).toEqual([]);
});
