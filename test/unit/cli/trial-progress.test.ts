/** What is told of a tried sale while its reports come in. */
import { TRIAL_CODES_MAX, TRIAL_POINTS_MAX } from '../../../src/graphql/sale-trials.js';
import type { SaleReport } from '../../../src/cli/sale-report.js';
import { TrialProgress } from '../../../src/cli/trial-progress.js';

const REQUEST = { buyers: 1_000, units: 10, lock: 'none', servers: 1 } as const;
const LEDGER = { ok: true, verdict: 'OK', soldUnits: 10, oversold: 0, unexplained: 0 };

function reportAt(atMs: number, more: Partial<SaleReport> = {}): SaleReport {
  return {
    ...{ atMs, asked: 10, sold: 2, refused: { INSUFFICIENT_STOCK: 3 }, failed: { ECONNRESET: 1 } },
    ...{ lastAnswerMs: atMs, latencies: null },
    ...more,
  };
}

test('buyers without an answer wait', () => {
  const progress = new TrialProgress('a', REQUEST);
  progress.enter('SELLING');
  progress.add(reportAt(100));
  expect(progress.snapshot()).toMatchObject({
    ...{ state: 'SELLING', waiting: 4, p50Ms: null },
    refused: [{ code: 'INSUFFICIENT_STOCK', count: 3 }],
    history: [{ atMs: 100, refused: 3, failed: 1, waiting: 4 }],
  });
});

test('a history of any length has few points, and keeps the first and the last one', () => {
  const progress = new TrialProgress('a', REQUEST);
  const reports = 10 * TRIAL_POINTS_MAX;
  for (let i = 0; i < reports; i += 1) progress.add(reportAt(i * 100));
  progress.add(reportAt(reports * 100, { latencies: { p50Ms: 5, p99Ms: 9 } }));
  const { history, p99Ms } = progress.snapshot();
  expect(p99Ms).toBe(9);
  expect(history.length).toBeLessThanOrEqual(TRIAL_POINTS_MAX);
  expect(history.length).toBeGreaterThan(TRIAL_POINTS_MAX / 3);
  expect([history[0]?.atMs, history.at(-1)?.atMs]).toEqual([0, reports * 100]);
  const gaps = history.slice(1, -1).map(({ atMs }, i) => atMs - (history[i]?.atMs ?? 0));
  expect(new Set(gaps).size).toBe(1);
});

test('the most frequent codes come first, and what is beyond their number is counted with the last', () => {
  const progress = new TrialProgress('a', REQUEST);
  const failed = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`CODE_${i}`, i + 1]));
  progress.add(reportAt(100, { failed }));
  const codes = progress.snapshot().failed;
  expect(codes).toHaveLength(TRIAL_CODES_MAX);
  expect(codes[0]).toEqual({ code: 'CODE_29', count: 30 });
  expect(codes.reduce((sum, { count }) => sum + count, 0)).toBe((30 * 31) / 2);
});

test('what was stopped stays so, whatever comes later', () => {
  const progress = new TrialProgress('a', REQUEST);
  progress.end('STOPPED', null);
  progress.enter('CHECKING');
  progress.add(reportAt(100));
  progress.verified(LEDGER);
  progress.end('FAILED', 'late');
  expect(progress.snapshot()).toMatchObject({
    state: 'STOPPED',
    ledger: null,
    problem: null,
    asked: 0,
  });
});

test('a trial is done once the ledger was verified', () => {
  const progress = new TrialProgress('a', REQUEST);
  progress.verified(LEDGER);
  expect(progress.isOver).toBe(true);
  expect(progress.snapshot()).toMatchObject({ state: 'DONE', ledger: LEDGER });
});
