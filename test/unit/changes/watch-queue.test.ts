/** What waits for a slow watcher: the newest of each level, up to a bound, and never a loss that is not told. */
import { WatchQueue } from '../../../src/changes/watch-queue.js';
import type {
  ChangedEvent,
  MissedEvent,
  StockEvent,
} from '../../../src/inventory/stock-changes.js';

const EARLY = new Date(1_000);
const LATE = new Date(2_000);

function change(productId: string, version: number): ChangedEvent {
  const level = { productId, locationId: 'default', onHand: version, reserved: 0, version };
  const sums = { available: version, onHand: version, reserved: 0, lowStockThreshold: null };
  const times = { archivedAt: null, createdAt: EARLY, updatedAt: EARLY };
  const product = { id: productId, name: productId, ...sums, ...times };
  const state = {
    ...level,
    available: version,
    productAvailable: version,
    lowStock: false,
    product,
  };
  return { kind: 'CHANGED', change: state };
}

function loss(since: Date | null): MissedEvent {
  return { kind: 'MISSED', since };
}

function queueOf(levelsMax: number) {
  const told = { overflows: 0, ends: 0 };
  const queue = new WatchQueue({
    levelsMax,
    onOverflow: () => (told.overflows += 1),
    onEnd: () => (told.ends += 1),
  });
  return { queue, told };
}

async function take(queue: WatchQueue, count: number): Promise<unknown[]> {
  const taken: (StockEvent | undefined)[] = [];
  for (let i = 0; i < count; i += 1) taken.push((await queue.next()).value);
  return taken.map((event) =>
    event?.kind === 'CHANGED' ? [event.change.productId, event.change.version] : event,
  );
}

test('a newer state takes the place of the one that waits', async () => {
  const { queue, told } = queueOf(2);
  for (const version of [1, 2, 3]) queue.changed(change('a', version), EARLY);
  queue.changed(change('b', 1), EARLY);
  queue.changed(change('a', 4), LATE);
  expect(await take(queue, 2)).toEqual([
    ['a', 4],
    ['b', 1],
  ]);
  expect(told.overflows).toBe(0);
});

test('beyond the bound all waiting events become one loss, and later events follow it', async () => {
  const { queue, told } = queueOf(2);
  queue.changed(change('a', 1), EARLY);
  for (const id of ['b', 'c']) queue.changed(change(id, 1), LATE);
  queue.changed(change('d', 1), LATE);
  expect(await take(queue, 2)).toEqual([{ kind: 'MISSED', since: EARLY }, ['d', 1]]);
  expect(told.overflows).toBe(1);
});

test('losses that wait are one, since the earliest of them; an unknown beginning is the earliest', async () => {
  const { queue } = queueOf(2);
  queue.missed(loss(LATE));
  queue.missed(loss(EARLY));
  expect(await take(queue, 1)).toEqual([{ kind: 'MISSED', since: EARLY }]);
  queue.missed(loss(EARLY));
  queue.missed(loss(null));
  expect(await take(queue, 1)).toEqual([{ kind: 'MISSED', since: null }]);
});

test('waiting readers get the events in the order in which they asked', async () => {
  const { queue } = queueOf(2);
  const [first, second] = [queue.next(), queue.next()];
  queue.changed(change('a', 1), EARLY);
  queue.missed(loss(LATE));
  expect((await first).value).toMatchObject({ kind: 'CHANGED' });
  expect((await second).value).toEqual({ kind: 'MISSED', since: LATE });
});

test('it ends once, for readers that wait and for later ones', async () => {
  const { queue, told } = queueOf(2);
  const waiting = queue.next();
  await queue.return();
  await queue.return();
  queue.changed(change('a', 1), EARLY);
  queue.missed(loss(EARLY));
  const end = { done: true, value: undefined };
  expect([await waiting, await queue.next()]).toEqual([end, end]);
  expect(told.ends).toBe(1);
});
