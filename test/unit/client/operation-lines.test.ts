/** Which lines are sent again, and that no line can be applied twice by it. */
import { LineByLine, passingFailures } from '../../../client/operation-lines.js';

const ITEMS = ['a', 'b', 'c'].map((productId) => ({ productId, quantity: 1 }));
const PASSING = { retryable: true, retryAfterMs: 5 };

function linesOf(input: object, ownKey = true): LineByLine {
  let keys = 0;
  const variables = { input: { items: ITEMS, idempotencyKey: 'first', ...input } };
  return new LineByLine(variables, { ownKey, newKey: () => `own-${(keys += 1)}` });
}

/** An answer with these errors, undefined for a line that was taken. */
function answer(...errors: readonly (object | undefined)[]): object {
  const results = errors.map((error, index) => ({ index, ...(error && { error }) }));
  return { replayed: false, results };
}

function inputOf({ variables }: LineByLine): unknown {
  return variables.input;
}

test('lines that may pass go alone under a new key, and their answers come to their places', () => {
  const lines = linesOf({ reason: 'sale' });
  lines.merge(answer(PASSING, undefined, PASSING));
  lines.narrow();
  expect(inputOf(lines)).toEqual({
    reason: 'sale',
    items: [ITEMS[0], ITEMS[2]],
    idempotencyKey: 'own-1',
  });
  lines.merge(answer(undefined, PASSING));
  lines.narrow();
  expect(inputOf(lines)).toMatchObject({ items: [ITEMS[2]], idempotencyKey: 'own-2' });
  expect(lines.merge(answer({ retryable: false }))).toEqual({
    replayed: false,
    results: [{ index: 0 }, { index: 1 }, { index: 2, error: { retryable: false } }],
  });
});

test('a final refusal is never sent again', () => {
  const lines = linesOf({});
  lines.merge(answer({ retryable: false }, PASSING, undefined));
  lines.narrow();
  expect(inputOf(lines)).toMatchObject({ items: [ITEMS[1]] });
});

test.each([
  ['the key is the caller’s', {}, false, PASSING],
  ['all lines or none are wanted', { mode: 'ALL_OR_NOTHING' }, true, PASSING],
  ['a line may have been applied', {}, true, { ...PASSING, mayHaveApplied: true }],
])('the whole request is sent again where %s', (_, input, ownKey, failure) => {
  const lines = linesOf(input, ownKey);
  const before = inputOf(lines);
  lines.merge(answer(failure, undefined, undefined));
  lines.narrow();
  expect(inputOf(lines)).toBe(before);
});

test('the whole request is sent again where an earlier try got no answer, for it may be at work', () => {
  const lines = linesOf({});
  lines.notAnswered();
  const before = inputOf(lines);
  lines.merge(answer(PASSING, undefined, undefined));
  lines.narrow();
  expect(inputOf(lines)).toBe(before);
});

test('a request whose lines may all pass keeps its key', () => {
  const lines = linesOf({});
  lines.merge(answer(PASSING, PASSING, PASSING));
  lines.narrow();
  expect(inputOf(lines)).toMatchObject({ idempotencyKey: 'first' });
});

test('failures that may pass are found in lines, in failed items and in the answer itself', () => {
  expect(passingFailures(answer(PASSING, { retryable: false }))).toEqual([PASSING]);
  expect(passingFailures({ failedItems: [{ index: 0, error: PASSING }] })).toEqual([PASSING]);
  expect(passingFailures(PASSING)).toEqual([PASSING]);
  expect(passingFailures(null)).toEqual([]);
});
