/** The counters as Prometheus reads them. */
import { readFileSync } from 'node:fs';
import { parse } from 'graphql';
import { Registry } from 'prom-client';
import { DocumentStore } from '../../../src/graphql/document-store.js';
import { StatsCollector } from '../../../src/lock/stats.js';
import { LineMetrics } from '../../../src/metrics/line-metrics.js';
import { OperationMetrics } from '../../../src/metrics/operation-metrics.js';
import { RequestMetrics } from '../../../src/metrics/request-metrics.js';
import type { StockWrite } from '../../../src/inventory/stock.js';
import { stockadeMetrics } from '../../../src/metrics/stockade-metrics.js';

const NOTHING = {
  lock: null,
  feed: null,
  publisher: null,
  documents: new DocumentStore(),
  authenticator: null,
  requestLimit: null,
};

function lockWith(collector: StatsCollector) {
  const servers = [{ name: null, available: true }];
  return { stats: () => collector.snapshot(), health: () => ({ servers }) };
}

async function linesOf(page: ReturnType<typeof stockadeMetrics>): Promise<string[]> {
  return (await page.metrics()).split('\n');
}

test('every reading has the numbers of its moment', async () => {
  const collector = new StatsCollector();
  const page = stockadeMetrics({ ...NOTHING, lock: lockWith(collector) });
  expect(await linesOf(page)).toContain('stockade_lock_acquisitions_total{outcome="acquired"} 0');
  collector.acquired += 3;
  collector.timeouts += 1;
  collector.waitersNow = 7;
  collector.handOffs.remote += 2;
  const lines = await linesOf(page);
  expect(lines).toContain('stockade_lock_acquisitions_total{outcome="acquired"} 3');
  expect(lines).toContain('stockade_lock_acquisitions_total{outcome="timed_out"} 1');
  expect(lines).toContain('# TYPE stockade_lock_waiters gauge');
  expect(lines).toContain('stockade_lock_waiters 7');
  expect(lines).toContain('stockade_lock_hand_offs_total{to="remote"} 2');
});

test('durations are a cumulative histogram in seconds', async () => {
  const collector = new StatsCollector();
  for (const waitedMs of [0.5, 4, 4, 70, 20_000]) collector.waitTime.add(waitedMs);
  const lines = await linesOf(stockadeMetrics({ ...NOTHING, lock: lockWith(collector) }));
  const buckets = lines.filter((line) => line.startsWith('stockade_lock_wait_seconds_bucket'));
  expect(buckets).toContain('stockade_lock_wait_seconds_bucket{le="0.001"} 1');
  expect(buckets).toContain('stockade_lock_wait_seconds_bucket{le="0.005"} 3');
  expect(buckets).toContain('stockade_lock_wait_seconds_bucket{le="0.1"} 4');
  expect(buckets).toContain('stockade_lock_wait_seconds_bucket{le="10"} 4');
  expect(buckets.at(-1)).toBe('stockade_lock_wait_seconds_bucket{le="+Inf"} 5');
  expect(lines).toContain('stockade_lock_wait_seconds_sum 20.0785');
  expect(lines).toContain('stockade_lock_wait_seconds_count 5');
});

test('without a lock the process alone is measured', async () => {
  const lines = await linesOf(stockadeMetrics(NOTHING));
  expect(lines.filter((line) => line.includes('stockade_lock'))).toEqual([]);
  const [memory] = lines.filter((line) => line.startsWith('process_resident_memory_bytes '));
  expect(Number(memory?.split(' ')[1])).toBeGreaterThan(1_000_000);
});

test('the process is measured under the names that prom-client gives', async () => {
  const lines = await linesOf(stockadeMetrics(NOTHING));
  for (const type of [
    'process_cpu_seconds_total counter',
    'process_start_time_seconds gauge',
    'nodejs_eventloop_lag_p99_seconds gauge',
    'nodejs_eventloop_utilization gauge',
    'nodejs_gc_duration_seconds histogram',
  ]) {
    expect(lines).toContain(`# TYPE ${type}`);
  }
});

test('refused and uncounted requests are counters', async () => {
  const authenticator = { stats: () => ({ refused: 3 }) };
  const requestLimit = { stats: () => ({ refused: 5, uncounted: 7 }) };
  const lines = await linesOf(stockadeMetrics({ ...NOTHING, authenticator, requestLimit }));
  expect(lines).toContain('# TYPE stockade_rate_limit_refused_total counter');
  expect(lines).toContain('stockade_authentications_refused_total 3');
  expect(lines).toContain('stockade_rate_limit_refused_total 5');
  expect(lines).toContain('stockade_rate_limit_uncounted_total 7');
});

test('watching is counted apart from telling the other processes', async () => {
  const feed = { stats: () => ({ watchers: 2, changes: 30, missed: 4, overflows: 1 }) };
  const publisher = { stats: () => ({ published: 50, dropped: 6 }) };
  const lines = await linesOf(stockadeMetrics({ ...NOTHING, feed, publisher }));
  expect(lines).toContain('stockade_watchers 2');
  expect(lines).toContain('stockade_watch_changes_total 30');
  expect(lines).toContain('stockade_watch_missed_total 4');
  expect(lines).toContain('stockade_watch_overflows_total 1');
  expect(lines).toContain('stockade_changes_published_total{outcome="published"} 50');
  expect(lines).toContain('stockade_changes_published_total{outcome="dropped"} 6');
});

test('lookups of parsed documents are counted, and what is kept of them', async () => {
  const documents = new DocumentStore();
  const key = 'a'.repeat(64);
  await documents.get(key);
  await documents.set(key, parse('{ __typename }'));
  await documents.get(key);
  await documents.get(key);
  const lines = await linesOf(stockadeMetrics({ ...NOTHING, documents }));
  expect(lines).toContain('stockade_document_lookups_total{outcome="hit"} 2');
  expect(lines).toContain('stockade_document_lookups_total{outcome="miss"} 1');
  expect(lines).toContain('stockade_documents 1');
});

test('turns and commits are histograms by operation, and only what occurred has a series', async () => {
  const operations = new OperationMetrics();
  operations.waited('deductStock', 3);
  operations.waited('setStock', 700);
  operations.held('deductStock', 40);
  operations.committed('deductStock', 12, 1);
  operations.committed('mixed', 30, 100);
  operations.committed('mixed', 20_000, 5);
  const lines = await linesOf(stockadeMetrics({ ...NOTHING, operations }));
  for (const line of [
    'stockade_turn_wait_seconds_bucket{le="0.005",operation="deductStock"} 1',
    'stockade_turn_wait_seconds_bucket{le="0.5",operation="setStock"} 0',
    'stockade_turn_wait_seconds_sum{operation="setStock"} 0.7',
    'stockade_turn_hold_seconds_bucket{le="0.05",operation="deductStock"} 1',
    'stockade_commit_seconds_bucket{le="0.025",operation="deductStock"} 1',
    'stockade_commit_seconds_bucket{le="10",operation="mixed"} 1',
    'stockade_commit_seconds_count{operation="mixed"} 2',
    'stockade_commit_lines_bucket{le="1",operation="deductStock"} 1',
    'stockade_commit_lines_bucket{le="64",operation="mixed"} 1',
    'stockade_commit_lines_bucket{le="256",operation="mixed"} 2',
    'stockade_commit_lines_sum{operation="mixed"} 105',
  ]) {
    expect(lines).toContain(line);
  }
  expect(lines.filter((line) => line.includes('reserveStock'))).toEqual([]);
});

test('docs/metrics.md has every metric of ours, and no other', () => {
  const stats = () => {
    throw new Error('Nothing is read here.');
  };
  const source = { stats };
  const registry = stockadeMetrics({
    lock: { stats, health: stats },
    delegation: source,
    feed: source,
    publisher: source,
    documents: source,
    compiled: source,
    authenticator: source,
    requestLimit: source,
    connections: source,
    refusals: source,
    operations: new OperationMetrics(),
    lines: new LineMetrics(),
    requests: new RequestMetrics(),
    times: { ttlMs: 5_000, waitMs: 10_000 },
    readiness: { state: 'READY' },
    writes: { isWritable: true, check: () => Promise.resolve() },
    stock: source,
    database: { pools: stats },
    transactions: source,
  });
  const names = registry.getMetricsAsArray().map(({ name }) => name);
  const documented = readFileSync('docs/metrics.md', 'utf8').matchAll(/^\| `(stockade_\w+)`/gm);
  expect([...documented].map(([, name]) => name).sort()).toEqual(
    names.filter((name) => name.startsWith('stockade_')).sort(),
  );
});

test('lines that may have been applied are counted, of a whole write and line by line', async () => {
  const lines = new LineMetrics();
  const line = { productId: 'a', locationId: 'default', quantity: 1, change: { type: 'TAKE' } };
  const write = {
    lines: [line, line],
    operation: { name: 'deductStock' },
  } as unknown as StockWrite;
  const failure = { code: 'UNAVAILABLE', mayHaveApplied: true, retryable: false } as const;
  lines.note(write, { outcome: 'REFUSED', failure, replayed: false });
  const verdicts = [
    { outcome: 'REFUSED', failure, replayed: false },
    { outcome: 'REFUSED', failure: { ...failure, mayHaveApplied: false }, replayed: false },
  ] as const;
  lines.note(write, { outcome: 'DECIDED', verdicts });
  const registry = new Registry();
  lines.addTo(registry);
  expect(await registry.metrics()).toMatch(/^stockade_lines_uncertain_total 3$/m);
});

test('the time-outs are gauges with the value of their moment', async () => {
  const times = { ttlMs: 5_000, waitMs: 10_000 };
  const page = stockadeMetrics({ ...NOTHING, times });
  expect(await linesOf(page)).toContain('stockade_lock_ttl_seconds 5');
  times.ttlMs = 8_000;
  const lines = await linesOf(page);
  expect(lines).toContain('stockade_lock_ttl_seconds 8');
  expect(lines).toContain('stockade_lock_wait_max_seconds 10');
});
