/** Parties that take turns by weight, each in the order of arrival. Needs no services. */
import { TurnQueue } from '../../../src/inventory/lanes/turn-queue.js';
import { SeededRandom } from '../../../src/simulation/seeded-random.js';

interface Item {
  readonly party: string;
  readonly number: number;
  readonly weight: number;
}

function drain(queue: TurnQueue<Item>): Item[] {
  const items: Item[] = [];
  for (let item = queue.shift(); item; item = queue.shift()) items.push(item);
  return items;
}

function fill(queue: TurnQueue<Item>, party: string, count: number, weight: number): void {
  for (let number = 0; number < count; number += 1) {
    queue.push(party, { party, number, weight }, weight);
  }
}

const namesOf = (items: readonly Item[]) =>
  items.map(({ party, number }) => `${party}${number}`).join(' ');

test('one party is served in the order of arrival', () => {
  const queue = new TurnQueue<Item>();
  fill(queue, 'a', 3, 100);
  expect(namesOf(drain(queue))).toBe('a0 a1 a2');
  expect([queue.isEmpty, queue.weight]).toEqual([true, 0]);
});

test('parties with items of one weight alternate', () => {
  const queue = new TurnQueue<Item>();
  fill(queue, 'a', 4, 1);
  fill(queue, 'b', 2, 1);
  expect(namesOf(drain(queue))).toBe('a0 b0 a1 b1 a2 a3');
});

test('a party with large items gets no more weight than one with small items', () => {
  const queue = new TurnQueue<Item>();
  fill(queue, 'large', 5, 100);
  fill(queue, 'small', 500, 1);
  const taken = { large: 0, small: 0 };
  for (const { party, weight } of drain(queue)) {
    taken[party as keyof typeof taken] += weight;
    expect(Math.abs(taken.large - taken.small)).toBeLessThanOrEqual(101);
  }
  expect(taken).toEqual({ large: 500, small: 500 });
});

test('a small item is taken before the large items that other parties have waiting', () => {
  const queue = new TurnQueue<Item>();
  for (const party of ['a', 'b', 'c']) fill(queue, party, 250, 100);
  fill(queue, 'small', 1, 1);
  expect(queue.shift()?.party).toBe('small');
});

test('a party that waited alone owes nothing to one that comes later', () => {
  const queue = new TurnQueue<Item>();
  fill(queue, 'a', 1_000, 1);
  for (let i = 0; i < 900; i += 1) queue.shift();
  fill(queue, 'b', 100, 1);
  const first = drain(queue).slice(0, 20);
  expect(first.filter(({ party }) => party === 'a')).toHaveLength(10);
});

test('a party that is passed over keeps its place and its order, and is next when turns resume', () => {
  const queue = new TurnQueue<Item>();
  fill(queue, 'a', 2, 1);
  fill(queue, 'b', 2, 1);
  fill(queue, 'c', 1, 1);
  queue.passOver();
  queue.passOver();
  expect(namesOf(drain(queue))).toBe('c0');
  expect(queue.isEmpty).toBe(false);
  queue.resume();
  expect(namesOf(drain(queue))).toBe('a0 b0 a1 b1');
});

test('an item that is put back is the first of its party, and a party without others has the next turn', () => {
  const queue = new TurnQueue<Item>();
  fill(queue, 'a', 2, 1);
  fill(queue, 'b', 1, 1);
  const [a0, b0] = [queue.shift(), queue.shift()];
  if (!a0 || !b0) throw new Error('Two items were waiting.');
  queue.putBack('b', b0, 1);
  queue.putBack('a', a0, 1);
  expect(namesOf(drain(queue))).toBe('b0 a0 a1');
});

test('an item leaves from any place, and its party with its last one', () => {
  const queue = new TurnQueue<Item>();
  const places = [0, 1, 2].map((number) => queue.push('a', { party: 'a', number, weight: 1 }, 1));
  fill(queue, 'b', 1, 1);
  for (const place of places.slice(1)) queue.remove(place);
  expect([queue.weight, queue.weightOf('a')]).toEqual([2, 1]);
  for (const place of places.slice(0, 1)) queue.remove(place);
  expect(namesOf(drain(queue))).toBe('b0');
  expect(queue.weightOf('a')).toBe(0);
});

test('whatever arrives and leaves, no party that waits is behind another by more than one item and a round', () => {
  let widest = 0;
  for (let seed = 1; seed <= 20; seed += 1) {
    const random = new SeededRandom(seed);
    const queue = new TurnQueue<Item>();
    const names = ['a', 'b', 'c', 'd'].slice(0, random.integer(2, 4));
    const weights = new Map(names.map((name) => [name, random.pick([1, 5, 100])]));
    const numbers = new Map<string, number>();
    const next = new Map<string, number>();
    /** What each party got since all of them were waiting. */
    let taken = new Map<string, number>();
    for (let step = 0; step < 1_000; step += 1) {
      if (random.chance(0.8)) {
        const party = random.pick(names);
        const number = numbers.get(party) ?? 0;
        const weight = weights.get(party) ?? 1;
        numbers.set(party, number + 1);
        queue.push(party, { party, number, weight }, weight);
      }
      const all = names.every((name) => queue.weightOf(name) > 0);
      if (!all) taken = new Map();
      const item = random.chance(0.5) ? queue.shift() : undefined;
      if (!item) continue;
      const { party, number, weight } = item;
      if (number !== (next.get(party) ?? 0))
        throw new Error(`Seed ${seed}: ${party} lost its order.`);
      next.set(party, number + 1);
      if (!all) continue;
      taken.set(party, (taken.get(party) ?? 0) + weight);
      const shares = names.map((name) => taken.get(name) ?? 0);
      widest = Math.max(widest, Math.max(...shares) - Math.min(...shares));
    }
  }
  expect(widest).toBeGreaterThan(0);
  expect(widest).toBeLessThanOrEqual(202);
});
