import fc from 'fast-check';
import {
  decide,
  levelKey,
  type LevelLookup,
  type StockWrite,
  type Verdict,
} from '../../src/inventory/stock.js';
import { checkRequest } from '../../src/inventory/stock-request.js';

const PRODUCTS = ['a', 'b', 'c'];

const arbitraryWrite = fc.record({
  out: fc.boolean(),
  atomic: fc.boolean(),
  items: fc.array(
    fc.record({
      productId: fc.constantFrom(...PRODUCTS, 'unknown'),
      quantity: fc.integer({ min: 0, max: 6 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});

function toWrite(write: {
  out: boolean;
  atomic: boolean;
  items: { productId: string; quantity: number }[];
}): StockWrite {
  const name = write.out ? 'deductStock' : 'increaseStock';
  const checked = checkRequest(name, { items: write.items, mode: 'PARTIAL' }, null);
  return {
    ...checked,
    atomic: write.atomic,
    direction: write.out ? 'OUT' : 'IN',
    kind: write.out ? 'DEDUCTION' : 'INCREASE',
  };
}

function lookupOf(levels: ReadonlyMap<string, { onHand: number; reserved: number }>) {
  return (place: { productId: string; locationId: string }): LevelLookup => {
    const level = levels.get(place.productId);
    return level
      ? { found: 'LEVEL', level: { ...place, ...level, lastSequence: 7, version: 9 } }
      : { found: 'NO_PRODUCT' };
  };
}

/** The rule said once more, as slowly and plainly as it can be: one line after the other on plain numbers. */
function model(
  writes: readonly StockWrite[],
  levels: Map<string, { onHand: number; reserved: number }>,
): (readonly string[])[] {
  return writes.map((write) => {
    const before = new Map([...levels].map(([id, level]) => [id, { ...level }]));
    const answers = write.lines.map((line) => {
      const level = levels.get(line.productId);
      if (line.quantity < 1) return 'INVALID_QUANTITY';
      if (!level) return 'PRODUCT_NOT_FOUND';
      if (write.direction === 'OUT' && level.onHand - level.reserved < line.quantity) {
        return 'INSUFFICIENT_STOCK';
      }
      level.onHand += write.direction === 'OUT' ? -line.quantity : line.quantity;
      return 'APPLIED';
    });
    if (!write.atomic || answers.every((answer) => answer === 'APPLIED')) return answers;
    for (const [id, level] of before) levels.set(id, level);
    return answers.map((answer) => (answer === 'APPLIED' ? 'ABORTED' : answer));
  });
}

function answersOf(verdicts: readonly (readonly Verdict[])[]): (readonly string[])[] {
  return verdicts.map((ofWrite) =>
    ofWrite.map((v) => (v.outcome === 'APPLIED' ? 'APPLIED' : v.failure.code)),
  );
}

test('decides a batch as if its lines came one after another', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryWrite, { maxLength: 6 }),
      fc.tuple(...PRODUCTS.map(() => fc.tuple(fc.nat(12), fc.nat(4)))),
      (given, stock) => {
        const levels = new Map(
          PRODUCTS.map((id, i) => {
            const [onHand, reserved] = stock[i] ?? [0, 0];
            return [id, { onHand: onHand + reserved, reserved }];
          }),
        );
        const writes = given.map(toWrite);
        const after = new Map([...levels].map(([id, level]) => [id, { ...level }]));
        const expected = model(writes, after);

        const plan = decide(writes, lookupOf(levels));

        expect(answersOf(plan.verdicts)).toEqual(expected);
        for (const id of PRODUCTS) {
          const change = plan.levelChanges.find((candidate) => candidate.productId === id);
          expect((levels.get(id)?.onHand ?? 0) + (change?.delta ?? 0)).toBe(after.get(id)?.onHand);
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('plans a ledger in which each line begins where the last one ended', () => {
  fc.assert(
    fc.property(fc.array(arbitraryWrite, { maxLength: 6 }), (given) => {
      const levels = new Map(PRODUCTS.map((id) => [id, { onHand: 9, reserved: 2 }]));
      const plan = decide(given.map(toWrite), lookupOf(levels));
      const ends = new Map<string, { sequence: number; onHand: number }>();
      for (const movement of plan.movements) {
        const key = levelKey(movement.line);
        const last = ends.get(key) ?? { sequence: 7, onHand: 9 };
        expect(movement.sequence).toBe(last.sequence + 1);
        expect(movement.quantityBefore).toBe(last.onHand);
        expect(movement.quantityBefore + movement.delta).toBe(movement.quantityAfter);
        expect(movement.availableAfter).toBe(movement.quantityAfter - 2);
        expect(movement.availableAfter).toBeGreaterThanOrEqual(0);
        ends.set(key, { sequence: movement.sequence, onHand: movement.quantityAfter });
      }
    }),
    { numRuns: 500 },
  );
});

test('lists the levels to change in byte order, each once', () => {
  const write = toWrite({
    out: false,
    atomic: false,
    items: ['c', 'a', 'b', 'a'].map((productId) => ({ productId, quantity: 1 })),
  });
  const levels = new Map(PRODUCTS.map((id) => [id, { onHand: 0, reserved: 0 }]));
  const { levelChanges } = decide([write], lookupOf(levels));
  expect(levelChanges.map(({ productId, movements }) => [productId, movements])).toEqual([
    ['a', 2],
    ['b', 1],
    ['c', 1],
  ]);
});
