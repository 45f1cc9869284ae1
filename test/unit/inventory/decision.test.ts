import fc from 'fast-check';
import {
  QUANTITY_MAX,
  comparePlaces,
  levelKey,
  type LevelLookup,
  type StockWrite,
  type Verdict,
} from '../../../src/inventory/stock.js';
import { decide, type Knowledge, type Plan } from '../../../src/inventory/decision.js';
import { checkRequest } from '../../../src/inventory/stock-request.js';
import { systemRandomBytes } from '../../../src/time/clock.js';
import { Operations } from '../../../src/inventory/operation.js';

const operations = new Operations(systemRandomBytes);

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
  items: { productId: string; quantity: number; locationId?: string }[];
}): StockWrite {
  const name = write.out ? 'deductStock' : 'increaseStock';
  const checked = checkRequest(operations, name, { items: write.items, mode: 'PARTIAL' }, null);
  return { type: 'LINES', ...checked, atomic: write.atomic, productIds: [] };
}

function isOut({ operation }: StockWrite): boolean {
  return operation.name === 'deductStock';
}

function knowing(level: Knowledge['level']): Knowledge {
  return { level, reservations: new Map(), due: [] };
}

function verdictsOf({ decisions }: Plan): (readonly Verdict[])[] {
  return decisions.map((decision) => (decision.outcome === 'DECIDED' ? decision.verdicts : []));
}

function lookupOf(levels: ReadonlyMap<string, { onHand: number; reserved: number }>) {
  return (place: { productId: string; locationId: string }): LevelLookup => {
    const level = levels.get(place.productId);
    return level
      ? {
          found: 'LEVEL',
          level: { ...place, ...level, lastSequence: 7, version: 9, archived: false },
        }
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
      if (isOut(write) && level.onHand - level.reserved < line.quantity) {
        return 'INSUFFICIENT_STOCK';
      }
      level.onHand += isOut(write) ? -line.quantity : line.quantity;
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

test('[B8] [R3] decides a batch as if its lines came one after another', () => {
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

        const plan = decide(writes, knowing(lookupOf(levels)));

        expect(answersOf(verdictsOf(plan))).toEqual(expected);
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
      const plan = decide(given.map(toWrite), knowing(lookupOf(levels)));
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
  const { levelChanges } = decide([write], knowing(lookupOf(levels)));
  expect(levelChanges.map(({ productId, movements }) => [productId, movements])).toEqual([
    ['a', 2],
    ['b', 1],
    ['c', 1],
  ]);
});

/** Where the two products may be: with a level, known but never there, or not known at all. */
const PLACES: readonly [string, string, LevelLookup['found']][] = [
  ['a', 'default', 'LEVEL'],
  ['a', 'annex', 'LEVEL'],
  ['b', 'default', 'LEVEL'],
  ['b', 'annex', 'NO_LEVEL_YET'],
  ['old', 'default', 'LEVEL'],
  ['old', 'annex', 'NO_LEVEL_YET'],
  ['old', 'nowhere', 'NO_LOCATION'],
  ['a', 'nowhere', 'NO_LOCATION'],
  ['unknown', 'default', 'NO_PRODUCT'],
];

/** Of these products one is out of sale. */
const ARCHIVED = 'old';

const arbitraryBasket = fc.record({
  out: fc.boolean(),
  atomic: fc.boolean(),
  lines: fc.array(
    fc.record({
      place: fc.constantFrom(...PLACES),
      quantity: fc.oneof(
        fc.integer({ min: -1, max: 6 }),
        fc.integer({ min: QUANTITY_MAX - 6, max: QUANTITY_MAX + 1 }),
      ),
    }),
    { minLength: 1, maxLength: 5 },
  ),
});

test('answers each line with what remains and its ledger line, place by place', () => {
  fc.assert(
    fc.property(
      fc.array(arbitraryBasket, { maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(12), fc.nat(4)), {
        minLength: PLACES.length,
        maxLength: PLACES.length,
      }),
      (baskets, stock) => {
        const writes = baskets.map(({ out, atomic, lines }) =>
          toWrite({
            out,
            atomic,
            items: lines.map(({ place: [productId, locationId], quantity }) => ({
              productId,
              locationId,
              quantity,
            })),
          }),
        );
        const lookup = (place: { productId: string; locationId: string }): LevelLookup => {
          const at = PLACES.findIndex(([p, l]) => p === place.productId && l === place.locationId);
          const found = PLACES[at]?.[2] ?? 'NO_PRODUCT';
          const archived = place.productId === ARCHIVED;
          if (found === 'NO_LEVEL_YET') return { found, archived };
          if (found !== 'LEVEL') return { found };
          const [free = 0, reserved = 0] = stock[at] ?? [];
          return {
            found,
            level: {
              ...place,
              onHand: free + reserved,
              reserved,
              lastSequence: at,
              version: 9,
              archived,
            },
          };
        };

        // One level after the other, in plain numbers, as the database would have them in the end.
        const levels = new Map<string, { onHand: number; reserved: number; sequence: number }>();
        const levelAt = (place: { productId: string; locationId: string }) => {
          const found = lookup(place);
          if (found.found === 'NO_PRODUCT' || found.found === 'NO_LOCATION') return found.found;
          const fresh =
            found.found === 'LEVEL'
              ? { ...found.level, sequence: found.level.lastSequence }
              : { onHand: 0, reserved: 0, sequence: 0 };
          const level = levels.get(levelKey(place)) ?? fresh;
          levels.set(levelKey(place), level);
          return level;
        };
        const expected = writes.map((write) => {
          const before = new Map([...levels].map(([key, level]) => [key, { ...level }]));
          const told = write.lines.map((line): unknown => {
            if (line.quantity < 1 || line.quantity > QUANTITY_MAX)
              return { code: 'INVALID_QUANTITY' };
            const level = levelAt(line);
            if (level === 'NO_PRODUCT') return { code: 'PRODUCT_NOT_FOUND' };
            if (level === 'NO_LOCATION') return { code: 'LOCATION_NOT_FOUND' };
            if (isOut(write) && line.productId === ARCHIVED) return { code: 'PRODUCT_ARCHIVED' };
            const available = level.onHand - level.reserved;
            if (isOut(write) && available < line.quantity) {
              return { code: 'INSUFFICIENT_STOCK', requested: line.quantity, available };
            }
            const change = isOut(write) ? -line.quantity : line.quantity;
            if (level.onHand + change > QUANTITY_MAX) return { code: 'INVALID_QUANTITY' };
            level.onHand += change;
            level.sequence += 1;
            return {
              remaining: available + change,
              movementId: `${levelKey(line)}/${level.sequence}`,
            };
          });
          const isRefused = (line: unknown) =>
            typeof line === 'object' && line !== null && 'code' in line;
          if (!write.atomic || !told.some(isRefused)) return told;
          levels.clear();
          for (const [key, level] of before) levels.set(key, level);
          return told.map((line) =>
            isRefused(line) ? line : { code: 'ABORTED', retryable: false },
          );
        });

        const plan = decide(writes, knowing(lookup));
        const said = verdictsOf(plan).map((verdicts) =>
          verdicts.map((verdict) => {
            if (verdict.outcome === 'REFUSED') return verdict.failure;
            return { remaining: verdict.remaining, movementId: verdict.movementId };
          }),
        );
        expect(said).toEqual(expected);

        // What is to be written is what the answers say, and nothing else.
        for (const change of plan.levelChanges) {
          const level = levels.get(levelKey(change));
          expect((change.before?.onHand ?? 0) + change.delta).toBe(level?.onHand);
          expect((change.before?.lastSequence ?? 0) + change.movements).toBe(level?.sequence);
        }
        const granted = verdictsOf(plan)
          .flat()
          .filter((verdict) => verdict.outcome === 'APPLIED');
        expect(plan.movements).toHaveLength(granted.length);
        expect(plan.levelChanges.map(levelKey)).toEqual(
          plan.levelChanges.toSorted(comparePlaces).map(levelKey),
        );
      },
    ),
    { numRuns: 1_000 },
  );
});
