/** The text in which the answers of an operation are stored. */
import {
  readAnswers,
  refusalOf,
  storedRefusal,
  storedVerdict,
  verdictOf,
  writeAnswers,
} from '../../../src/database/writing/stored-answers.js';
import type { ReservationFailure } from '../../../src/inventory/reservation.js';
import {
  LINES_MAX,
  QUANTITY_MAX,
  movementId,
  type StockFailure,
  type StockLine,
  type Verdict,
} from '../../../src/inventory/stock.js';

function lineAt(index: number, quantity = 8): StockLine {
  const change = { type: 'TAKE', kind: 'DEDUCTION' } as const;
  return { index, productId: 'a', locationId: 'default', quantity, change };
}

const refused = (failure: StockFailure): Verdict => ({ outcome: 'REFUSED', failure });

function textOf(verdicts: readonly Verdict[], quantity?: number): string {
  return writeAnswers(verdicts.map((verdict, i) => storedVerdict(lineAt(i, quantity), verdict)));
}

const NOT_FOUND = refused({ code: 'PRODUCT_NOT_FOUND' });

test.each<[string, Verdict, string]>([
  ['applied', { outcome: 'APPLIED', remaining: 7, movementId: 'a/default/12' }, '0A7,12;'],
  ['applied without a movement', { outcome: 'APPLIED', remaining: 0, movementId: null }, '0A0;'],
  ['too little', refused({ code: 'INSUFFICIENT_STOCK', requested: 8, available: 3 }), '0I3;'],
  ['a count', refused({ code: 'INSUFFICIENT_STOCK', requested: 5, available: 3 }), '0I3,5;'],
  ['of an archived product', refused({ code: 'PRODUCT_ARCHIVED' }), '0X;'],
  ['stale', refused({ code: 'STALE_QUANTITY', expected: 4, actual: 9 }), '0S9,4;'],
  ['below 0', refused({ code: 'STALE_QUANTITY', expected: -1, actual: 9 }), '0S9,-1;'],
  ['no product', NOT_FOUND, '0P;'],
  ['no location', refused({ code: 'LOCATION_NOT_FOUND' }), '0L;'],
  ['no quantity', refused({ code: 'INVALID_QUANTITY' }), '0Q;'],
  ['aborted', refused({ code: 'ABORTED', retryable: false }), '0B;'],
])('a verdict is stored and read back: %s', (_, verdict, text) => {
  expect(textOf([verdict])).toBe(text);
  expect(verdictOf(lineAt(0), readAnswers(text).get(0) ?? '')).toEqual(verdict);
});

test.each<[ReservationFailure, string]>([
  [{ code: 'RESERVATION_NOT_FOUND' }, '0RN;'],
  [{ code: 'RESERVATION_NOT_ACTIVE', status: 'ACTIVE' }, '0RA;'],
  [{ code: 'RESERVATION_NOT_ACTIVE', status: 'COMMITTED' }, '0RC;'],
  [{ code: 'RESERVATION_NOT_ACTIVE', status: 'RELEASED' }, '0RR;'],
  [{ code: 'RESERVATION_NOT_ACTIVE', status: 'EXPIRED' }, '0RE;'],
])('a refusal of a whole write is stored and read back: %j', (failure, text) => {
  expect(writeAnswers([storedRefusal(failure)])).toBe(text);
  expect(refusalOf(readAnswers(text).get(0) ?? '')).toEqual(failure);
  expect(refusalOf('P')).toBeNull();
});

test('neighbouring lines with one answer are one entry', () => {
  expect(textOf(Array<Verdict>(LINES_MAX).fill(NOT_FOUND))).toBe('0-99P;');
  const gap = [0, 1, 3, 4, 5, 9].map((at) => storedVerdict(lineAt(at), NOT_FOUND));
  expect(writeAnswers(gap)).toBe('0-1P;3-5P;9P;');
  expect([...readAnswers('0-1P;3-5P;9P;').keys()]).toEqual([0, 1, 3, 4, 5, 9]);
});

test('the answers of several transactions are one text, in any order of their lines', () => {
  const answers = readAnswers('3-4P;0A7,12;1-2I3;');
  expect(Array.from({ length: 6 }, (_, at) => answers.get(at))).toEqual([
    'A7,12',
    'I3',
    'I3',
    'P',
    'P',
    undefined,
  ]);
});

test('the longest answers of a request fit into 4,000 bytes', () => {
  const applied = Array.from({ length: LINES_MAX }, (_, at): Verdict => {
    const id = movementId({ productId: 'a', locationId: 'b' }, Number.MAX_SAFE_INTEGER - at);
    return { outcome: 'APPLIED', remaining: QUANTITY_MAX, movementId: id };
  });
  const text = textOf(applied);
  expect(text.length).toBeLessThan(4_000);
  expect(readAnswers(text).get(99)).toBe(`A${QUANTITY_MAX},${Number.MAX_SAFE_INTEGER - 99}`);
});

test.each(['0', '0P', 'P;', '0P;x', '0-P;', '0p;', '0P;;'])('%j is not read', (text) => {
  expect(() => readAnswers(text)).toThrow(/not of the form/);
});

test.each(['Z', 'A1,2,3', 'S-1', 'S1,', 'S1,2-3', ''])('%j is no verdict', (answer) => {
  expect(() => verdictOf(lineAt(0), answer)).toThrow(/not of the form/);
});

test('a line that was decided twice is not stored', () => {
  const twice = [0, 1, 1].map((at) => storedVerdict(lineAt(at), NOT_FOUND));
  expect(() => writeAnswers(twice)).toThrow(/Line 1 was decided twice/);
});

test('only final failures are stored', () => {
  const late = refused({ code: 'LOCK_TIMEOUT', waitedMs: 5, retryAfterMs: 50 });
  expect(() => textOf([late])).toThrow(/LOCK_TIMEOUT is not final/);
});
