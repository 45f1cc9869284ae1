/** The checks themselves: each finds what it is for, and a history that is right passes. */
import type {
  Answer,
  History,
  HistoryLedgerLine,
  HistoryOperation,
  LineAnswer,
} from '../../src/simulation/history.js';
import { checkHistory } from '../../src/simulation/history-checks.js';

const PLACE = { productId: 'p', locationId: 'default' };

function initialLine(quantity: number): HistoryLedgerLine {
  return {
    ...deductionLine(0, quantity, 'initial', 1),
    kind: 'INITIAL',
    delta: quantity,
    reference: null,
  };
}

/** Units taken, units left. */
function deductionLine(
  taken: number,
  left: number,
  reference: string,
  sequence: number,
): HistoryLedgerLine {
  return {
    ...PLACE,
    sequence,
    kind: 'DEDUCTION',
    delta: -taken,
    quantityAfter: left,
    availableAfter: left,
    reference,
    lineIndex: 0,
  };
}

function answered(...lines: readonly LineAnswer[]): Answer {
  return { kind: 'ANSWERED', lines, replayed: false };
}

function applied(remaining: number, sequence: number): LineAnswer {
  return { outcome: 'APPLIED', index: 0, remaining, movementId: `p/default/${sequence}` };
}

function insufficient(available: number, index = 0): LineAnswer {
  const code = 'INSUFFICIENT_STOCK';
  const refused = { outcome: 'REFUSED', index, code, retryable: false } as const;
  return { ...refused, mayHaveApplied: false, available };
}

function deduct(
  name: string,
  quantity: number,
  [beginMs, endMs]: readonly [number, number],
  answer: Answer,
  rest: Partial<HistoryOperation> = {},
): HistoryOperation {
  return {
    name,
    reference: name,
    atomic: false,
    keyed: false,
    items: [{ ...PLACE, quantity, effect: 'TAKE' }],
    tries: [{ beginMs, endMs, answer }],
    settled: answer,
    ...rest,
  };
}

/** Five units; a takes three of them, b takes one. */
const SOUND: History = {
  initial: new Map([['p/default', 5]]),
  operations: [
    deduct('a', 3, [0, 10], answered(applied(2, 2))),
    deduct('b', 1, [5, 20], answered(applied(1, 3))),
  ],
  reads: [],
  ledger: [initialLine(5), deductionLine(3, 2, 'a', 2), deductionLine(1, 1, 'b', 3)],
  levels: new Map([['p/default', 1]]),
};

function wrongOf(change: Partial<History>): readonly string[] {
  return checkHistory({ ...SOUND, ...change }).wrong;
}

function read(onHand: number, beginMs: number, endMs: number): History['reads'] {
  return [{ ...PLACE, beginMs, endMs, onHand, available: onHand }];
}

test('a history that is right passes', () => {
  expect(wrongOf({})).toEqual([]);
});

describe('answers against the ledger', () => {
  const [a, b] = SOUND.operations as [HistoryOperation, HistoryOperation];

  test.each<[string, Partial<History>, string]>([
    [
      'an acknowledged line that is missing',
      { ledger: SOUND.ledger.slice(0, 2) },
      'not in the ledger',
    ],
    [
      'a doubled line',
      { ledger: [...SOUND.ledger, deductionLine(1, 0, 'b', 4)] },
      'has a line twice in the ledger',
    ],
    [
      'a line that was told another story',
      { operations: [a, deduct('b', 1, [5, 20], answered(applied(2, 3)))] },
      'another story',
    ],
    [
      'a refused line that was carried out',
      { operations: [a, deduct('b', 1, [5, 20], answered(insufficient(2)))] },
      'was refused and is in the ledger',
    ],
    ['units that came from nowhere', { levels: new Map([['p/default', 2]]) }, 'has 2 where 1 are'],
    [
      'a key that was never settled',
      { operations: [a, { ...b, keyed: true, settled: null }] },
      'never settled',
    ],
    [
      'an acknowledgement before the COMMIT',
      {
        ledger: SOUND.ledger.map((line) =>
          line.reference === 'b' ? { ...line, committedMs: 21 } : line,
        ),
      },
      'before its COMMIT',
    ],
  ])('%s is found', (_, change, words) => {
    const wrong = wrongOf(change);
    expect(wrong.length).toBeGreaterThan(0);
    expect(wrong.join('\n')).toContain(words);
  });
});

describe('real time', () => {
  test('an answer that was given before another call began comes before it in the ledger', () => {
    const [a] = SOUND.operations as [HistoryOperation];
    // b was answered at 20, a began at 30 and stands before it.
    const late = { ...a, tries: [{ beginMs: 30, endMs: 40, answer: answered(applied(2, 2)) }] };
    const wrong = wrongOf({ operations: [late, ...SOUND.operations.slice(1)] });
    expect(wrong).toHaveLength(1);
    expect(wrong[0]).toContain('stands before it');
  });

  test('calls at the same time may stand in either order', () => {
    const [a] = SOUND.operations as [HistoryOperation];
    const late = { ...a, tries: [{ beginMs: 20, endMs: 40, answer: answered(applied(2, 2)) }] };
    expect(wrongOf({ operations: [late, ...SOUND.operations.slice(1)] })).toEqual([]);
  });
});

describe('a moment for every refusal and read', () => {
  const refusedWith = (available: number, span: readonly [number, number]) =>
    wrongOf({
      operations: [...SOUND.operations, deduct('c', 9, span, answered(insufficient(available)))],
    });

  test.each<[string, number, readonly [number, number], boolean]>([
    ['5 before anything was answered', 5, [0, 3], true],
    ['5 while a was under way', 5, [9, 12], true],
    ['5 after a was answered', 5, [11, 12], false],
    ['2 between a and b', 2, [11, 12], true],
    ['2 before a began', 2, [-9, -1], false],
    ['2 after b was answered', 2, [21, 22], false],
    ['1 at the end', 1, [21, 22], true],
    ['4, which was never there', 4, [0, 30], false],
  ])('refused with %s: %p', (_, available, span, isRight) => {
    expect(refusedWith(available, span)).toHaveLength(isRight ? 0 : 1);
    expect(wrongOf({ reads: read(available, ...span) })).toHaveLength(isRight ? 0 : 1);
  });

  test('a line of an atomic request is refused after what the lines before it would have taken', () => {
    const both = {
      atomic: true,
      items: [2, 4].map((quantity) => ({ ...PLACE, quantity, effect: 'TAKE' as const })),
    };
    const aborted: LineAnswer = {
      outcome: 'REFUSED',
      index: 0,
      code: 'ABORTED',
      retryable: false,
      mayHaveApplied: false,
    };
    const refused = (available: number) =>
      wrongOf({
        operations: [
          ...SOUND.operations,
          deduct('c', 2, [-2, -1], answered(aborted, insufficient(available, 1)), both),
        ],
      });
    expect(refused(3)).toEqual([]);
    expect(refused(5)).toHaveLength(1);
  });

  test('what a reservation holds is not available, from its answer until its end begins', () => {
    const held: LineAnswer = { outcome: 'APPLIED', index: 0, remaining: null, movementId: null };
    const hold = deduct('h', 1, [21, 22], answered(held), {
      items: [{ ...PLACE, quantity: 1, effect: 'HOLD' }],
      holdsForMs: 50,
    });
    const refused = (available: number, span: readonly [number, number]) =>
      wrongOf({
        operations: [
          ...SOUND.operations,
          hold,
          deduct('c', 9, span, answered(insufficient(available))),
        ],
      }).length;
    expect(refused(1, [20, 21])).toBe(0);
    expect(refused(1, [30, 40])).toBe(1);
    expect(refused(0, [30, 40])).toBe(0);
    expect(refused(1, [60, 80])).toBe(0);
    expect(refused(0, [15, 19])).toBe(1);
  });

  test('a known product is never unknown', () => {
    const unknown = { ...insufficient(0), code: 'PRODUCT_NOT_FOUND' };
    const c = deduct('c', 1, [0, 1], answered(unknown));
    expect(wrongOf({ operations: [...SOUND.operations, c] })).toHaveLength(1);
  });
});
