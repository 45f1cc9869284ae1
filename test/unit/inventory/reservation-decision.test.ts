/** What is decided of reservations, in memory: holding, ending, and giving back what is due before all else. */
import fc from 'fast-check';
import type { DueLine, ReservationStatus } from '../../../src/inventory/reservation.js';
import { Operations } from '../../../src/inventory/operation.js';
import { decide, type Knowledge, type Plan } from '../../../src/inventory/decision.js';
import type {
  ClosingWrite,
  CreatingWrite,
  LineChange,
  LinesWrite,
  StockLine,
} from '../../../src/inventory/stock.js';
import { systemRandomBytes } from '../../../src/time/clock.js';

const operations = new Operations(systemRandomBytes);

const HOLD: LineChange = { type: 'HOLD' };
const TAKE: LineChange = { type: 'TAKE', kind: 'DEDUCTION' };
const TAKE_HELD: LineChange = { type: 'TAKE_HELD' };
const FREE: LineChange = { type: 'FREE' };

function write(change: LineChange, quantity: number): LinesWrite {
  const line: StockLine = { index: 0, productId: 'p', locationId: 'default', quantity, change };
  return {
    type: 'LINES',
    operation: operations.identify('deductStock', null, null, []),
    atomic: true,
    lines: [line],
    productIds: ['p'],
    reason: null,
    reference: null,
  };
}

function hold(quantity: number, reservationId = 'r'): CreatingWrite {
  return { ...write(HOLD, quantity), type: 'CREATING', reservationId, ttlSeconds: 1 };
}

function end(id: string, as: 'COMMITTED' | 'RELEASED', quantity: number): ClosingWrite {
  const lines = write(as === 'COMMITTED' ? TAKE_HELD : FREE, quantity);
  return { ...lines, type: 'CLOSING', reservationId: id, closeAs: as, mayManage: false };
}

function knowing(
  { onHand, reserved }: { onHand: number; reserved: number },
  reservations: Readonly<Record<string, ReservationStatus>> = {},
  due: readonly number[] = [],
): Knowledge {
  return {
    level: (place) => ({
      found: 'LEVEL',
      level: { ...place, onHand, reserved, lastSequence: 7, version: 9, archived: false },
    }),
    reservations: new Map(
      Object.entries(reservations).map(([id, status]) => [id, { status, principal: null }]),
    ),
    due: due.map((quantity, lineIndex): DueLine => ({
      reservationId: `due-${lineIndex}`,
      lineIndex,
      productId: 'p',
      locationId: 'default',
      quantity,
    })),
  };
}

function outcomes({ decisions }: Plan): unknown[] {
  return decisions.map((decision) => {
    if (decision.outcome === 'REFUSED') return decision.failure;
    const [verdict] = decision.verdicts;
    return verdict?.outcome === 'REFUSED' ? verdict.failure.code : verdict?.remaining;
  });
}

test('held units are not available, and write no ledger line', () => {
  const plan = decide([hold(3), write(TAKE, 3), hold(3)], knowing({ onHand: 5, reserved: 0 }));
  expect(outcomes(plan)).toEqual([2, 'INSUFFICIENT_STOCK', 'INSUFFICIENT_STOCK']);
  expect(plan.movements).toEqual([]);
  expect(plan.levelChanges).toMatchObject([{ delta: 0, reservedDelta: 3, movements: 0 }]);
  expect(plan.creating).toHaveLength(1);
});

test('expired units are given back before anything is decided', () => {
  const plan = decide([write(TAKE, 5)], knowing({ onHand: 5, reserved: 5 }, {}, [2, 3]));
  expect(outcomes(plan)).toEqual([0]);
  expect(plan.levelChanges).toMatchObject([{ delta: -5, reservedDelta: -5, movements: 1 }]);
});

test('a reservation ends once, however many lines of the batch end it', () => {
  const plan = decide(
    [end('r', 'COMMITTED', 2), end('r', 'RELEASED', 2), end('r', 'COMMITTED', 2), write(TAKE, 1)],
    knowing({ onHand: 3, reserved: 2 }, { r: 'ACTIVE' }),
  );
  const over = { code: 'RESERVATION_NOT_ACTIVE', status: 'COMMITTED' };
  expect(outcomes(plan)).toEqual([1, over, over, 0]);
  expect(plan.movements.map(({ kind, delta, sequence }) => [kind, delta, sequence])).toEqual([
    ['RESERVATION_COMMIT', -2, 8],
    ['DEDUCTION', -1, 9],
  ]);
  expect(plan.closing).toHaveLength(1);
});

test.each(['COMMITTED', 'RELEASED', 'EXPIRED'] as const)('one that is %s stays so', (status) => {
  const plan = decide(
    [end('r', 'COMMITTED', 2), end('nobody', 'RELEASED', 2)],
    knowing({ onHand: 3, reserved: 2 }, { r: status }),
  );
  expect(outcomes(plan)).toEqual([
    { code: 'RESERVATION_NOT_ACTIVE', status },
    { code: 'RESERVATION_NOT_FOUND' },
  ]);
  expect(plan.levelChanges).toEqual([]);
});

test('in random orders of operations no more is promised than there is', () => {
  const arbitraryStep = fc.record({
    kind: fc.constantFrom('hold', 'take', 'commit', 'release'),
    quantity: fc.integer({ min: 1, max: 4 }),
  });
  fc.assert(
    fc.property(fc.array(arbitraryStep, { maxLength: 30 }), fc.nat(12), (steps, onHand) => {
      // Of what is held before, each unit is a reservation of its own.
      const held = 3;
      const reservations = Object.fromEntries(
        Array.from({ length: held }, (_, i) => [`r${i}`, 'ACTIVE' as const]),
      );
      let next = 0;
      const writes = steps.map(({ kind, quantity }, i) => {
        if (kind === 'hold') return hold(quantity, `new${i}`);
        if (kind === 'take') return write(TAKE, quantity);
        next = (next + 1) % (held + 1);
        return end(`r${next}`, kind === 'commit' ? 'COMMITTED' : 'RELEASED', 1);
      });
      const level = { onHand: onHand + held, reserved: held };
      const plan = decide(writes, knowing(level, reservations));
      const [change] = plan.levelChanges;
      const after = {
        onHand: level.onHand + (change?.delta ?? 0),
        reserved: level.reserved + (change?.reservedDelta ?? 0),
      };
      expect(after.reserved).toBeGreaterThanOrEqual(0);
      expect(after.onHand).toBeGreaterThanOrEqual(after.reserved);
      expect(plan.movements).toHaveLength(change?.movements ?? 0);
      for (const remaining of outcomes(plan)) {
        if (typeof remaining === 'number') expect(remaining).toBeGreaterThanOrEqual(0);
      }
    }),
    { numRuns: 500 },
  );
});
