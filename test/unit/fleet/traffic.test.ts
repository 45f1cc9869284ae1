/** Rates, quantiles and moments of one process, on a clock of the test's own. */
import { Durations } from '../../../src/time/durations.js';
import { MOMENTS_MAX, Traffic } from '../../../src/fleet/traffic.js';
import type { LineChange, StockFailure } from '../../../src/inventory/stock.js';
import type { WriteResult } from '../../../src/inventory/stock-store.js';
import { FakeClock } from '../../support/fake-clock.js';

let clock: FakeClock;

beforeEach(() => {
  clock = new FakeClock();
  // A multiple of five seconds, at which a moment begins.
  clock.advance(4_000);
});

const TAKE: LineChange = { type: 'TAKE', kind: 'DEDUCTION' };

function writeOf(quantities: readonly number[], productId = 'p') {
  const lines = quantities.map((quantity, index) => {
    return { index, productId, locationId: 'default', quantity, change: TAKE };
  });
  return { lines, operation: { name: 'deductStock' as const } };
}

function decided(...outcomes: readonly ('APPLIED' | 'REPLAYED' | StockFailure)[]): WriteResult {
  const verdicts = outcomes.map((outcome) => {
    const replayed = outcome === 'REPLAYED';
    if (typeof outcome !== 'string')
      return { outcome: 'REFUSED' as const, failure: outcome, replayed };
    return { outcome: 'APPLIED' as const, remaining: 1, movementId: null, replayed };
  });
  return { outcome: 'DECIDED', verdicts };
}

function passSecond(traffic: Traffic, queuedLines = 0): void {
  clock.advance(1_000);
  traffic.closeSpan(queuedLines);
}

test('lines are counted by outcome, and units only where they were taken', () => {
  const traffic = new Traffic(clock);
  const soldOut = { code: 'INSUFFICIENT_STOCK', requested: 3, available: 0 } as const;
  traffic.answered(writeOf([2, 3, 5]), decided('APPLIED', soldOut, 'REPLAYED'));
  const failure = { code: 'OVERLOADED', retryAfterMs: 1 } as const;
  traffic.answered(writeOf([1]), { outcome: 'REFUSED', failure, replayed: false });
  traffic.answered(writeOf([1], 'q'), { outcome: 'KEY_REUSED', answerExpired: false });
  passSecond(traffic);
  const { rates, products } = traffic.recent(10);
  expect(new Map(rates.map(({ outcome, linesPerSecond }) => [outcome, linesPerSecond]))).toEqual(
    new Map([
      ['APPLIED', 1],
      ['INSUFFICIENT_STOCK', 1],
      ['REPLAYED', 1],
      ['OVERLOADED', 1],
      ['IDEMPOTENCY_KEY_REUSED', 1],
    ]),
  );
  expect(products).toEqual([
    { productId: 'p', linesPerSecond: 4, unitsPerSecond: 2 },
    { productId: 'q', linesPerSecond: 1, unitsPerSecond: 0 },
  ]);
  expect(traffic.recent(1).products).toHaveLength(1);
});

test('rates are means of the last five seconds, and are forgotten after them', () => {
  const traffic = new Traffic(clock);
  traffic.answered(writeOf([1]), decided('APPLIED'));
  traffic.waited(20);
  for (let second = 1; second <= 5; second += 1) passSecond(traffic);
  expect(traffic.recent(10).rates.map(({ linesPerSecond }) => linesPerSecond)).toEqual([0.2]);
  expect(traffic.recent(10).waits.count).toBe(1);
  passSecond(traffic);
  expect(traffic.recent(10)).toMatchObject({ rates: [], products: [], waits: { count: 0 } });
});

test('the history has a moment for each five seconds, and five minutes of them', () => {
  const traffic = new Traffic(clock);
  for (let second = 1; second <= 10; second += 1) {
    traffic.answered(writeOf([1, 1]), decided('APPLIED', 'APPLIED'));
    passSecond(traffic, second);
  }
  expect(traffic.moments).toMatchObject([
    { atMs: 10_000, appliedPerSecond: 2, queuedLines: 5 },
    { atMs: 15_000, appliedPerSecond: 2, queuedLines: 10 },
  ]);
  for (let second = 0; second < 400; second += 1) passSecond(traffic);
  expect(traffic.moments).toHaveLength(MOMENTS_MAX);
  expect(traffic.moments.at(-1)?.atMs).toBe(clock.today().getTime());
});

test('a quantile is at most a tenth too long', () => {
  const durations = new Durations();
  for (let ms = 1; ms <= 1_000; ms += 1) durations.add(ms);
  const { count, p50Ms, p99Ms } = durations.quantiles();
  expect(count).toBe(1_000);
  expect(p50Ms).toBeGreaterThanOrEqual(500);
  expect(p50Ms).toBeLessThanOrEqual(550);
  expect(p99Ms).toBeGreaterThanOrEqual(990);
  expect(p99Ms).toBeLessThanOrEqual(1_089);
  const extremes = new Durations();
  extremes.add(0);
  expect(extremes.quantiles().p50Ms).toBe(0.1);
  extremes.add(1e9);
  expect(extremes.quantiles().p99Ms).toBeGreaterThan(180_000);
});
