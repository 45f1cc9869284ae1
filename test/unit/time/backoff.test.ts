/** The pauses between retries. */
import { Backoff } from '../../../src/time/backoff.js';

const BOUNDS = { firstMs: 100, maxMs: 1_000 };

function pauses(backoff: Backoff, count: number): number[] {
  return Array.from({ length: count }, () => backoff.nextMs());
}

test('the longest pause doubles with each failure up to its bound', () => {
  const backoff = new Backoff(BOUNDS, () => 1);
  expect(pauses(backoff, 7)).toEqual([100, 200, 400, 800, 1_000, 1_000, 1_000]);
});

test('a pause is anything from nothing to the longest', () => {
  expect(pauses(new Backoff(BOUNDS, () => 0), 3)).toEqual([0, 0, 0]);
  expect(pauses(new Backoff(BOUNDS, () => 0.25), 3)).toEqual([25, 50, 100]);
});

test('after a success the pauses begin with the shortest again', () => {
  const backoff = new Backoff(BOUNDS, () => 1);
  pauses(backoff, 5);
  backoff.reset();
  expect(pauses(backoff, 2)).toEqual([100, 200]);
});

test('a thousand failures do not let the pause outgrow its bound', () => {
  const backoff = new Backoff(BOUNDS, () => 1);
  expect(Math.max(...pauses(backoff, 1_000))).toBe(1_000);
});
