/** The whole fleet from reports: who is gone, what is added up, what is not believed. */
import { viewOf } from '../../../src/fleet/fleet-view.js';
import { ReportSeal, type ServerReport } from '../../../src/fleet/server-report.js';

const SECRET = Buffer.alloc(32, 1);
const NOW = new Date('2026-11-29T12:00:00Z');
const NONE = { count: 0, p50Ms: null, p99Ms: null };

function reportOf(id: string, more: Partial<ServerReport> = {}): ServerReport {
  return {
    server: { id, host: 'shop', pid: 7, version: '1.0.0', startedMs: NOW.getTime() - 60_000 },
    state: 'READY',
    mysql: 'db1:3306',
    mysqlServer: 'db1/3306/1',
    redis: ['10.0.0.7:6379'],
    lock: { configured: 'redis', now: 'redis' },
    warnings: [],
    rates: [],
    waits: NONE,
    commits: NONE,
    delegatedPerSecond: 0,
    queuedLines: 0,
    products: [],
    moments: [],
    ...more,
  };
}

function momentAt(second: number, appliedPerSecond: number): ServerReport['moments'][number] {
  const rates = { appliedPerSecond, soldOutPerSecond: 0, refusedPerSecond: 0 };
  return { atMs: second * 1_000, ...rates, waits: NONE, commits: NONE, queuedLines: 1 };
}

const heard = (report: ServerReport, silentMs = 500) => ({ report, silentMs });

test('what servers report is added up, and a server that is gone counts no more', () => {
  const rate = { operation: 'deductStock', outcome: 'APPLIED', linesPerSecond: 10 };
  const product = { productId: 'p', linesPerSecond: 10, unitsPerSecond: 20, queuedLines: 3 };
  const report = { rates: [rate], queuedLines: 3, delegatedPerSecond: 2 };
  const view = viewOf(
    [
      heard(reportOf('a', { ...report, products: [{ ...product, ownerId: null }] })),
      heard(reportOf('b', { ...report, products: [{ ...product, ownerId: 'b' }] })),
      heard(reportOf('c', { ...report, products: [{ ...product, ownerId: 'c' }] }), 4_000),
    ],
    NOW,
    true,
  );
  expect(view.servers.map(({ id, state }) => [id, state])).toEqual([
    ['a', 'READY'],
    ['b', 'READY'],
    ['c', 'GONE'],
  ]);
  expect(view.rates).toEqual([{ ...rate, linesPerSecond: 20 }]);
  expect([view.queuedLines, view.delegatedPerSecond]).toEqual([6, 4]);
  const together = { linesPerSecond: 20, unitsPerSecond: 40, queuedLines: 6, ownerId: 'b' };
  expect(view.hotProducts).toEqual([{ productId: 'p', ...together }]);
  expect(view.warnings.map(({ code, serverId }) => [code, serverId])).toEqual([
    ['SERVER_GONE', 'c'],
  ]);
  expect(view.warnings[0]?.since).toEqual(new Date(NOW.getTime() - 4_000));
});

test('the median is of the servers with most of the durations, and the p99 is the longest', () => {
  const busy = { count: 90, p50Ms: 2, p99Ms: 5 };
  const slow = { count: 10, p50Ms: 80, p99Ms: 400 };
  const reports = [reportOf('a', { waits: busy }), reportOf('b', { waits: slow })];
  const view = viewOf([...reports.map((each) => heard(each))], NOW, true);
  expect(view.waits).toEqual({ count: 100, p50Ms: 2, p99Ms: 400 });
  expect(view.commits).toEqual(NONE);
});

test('a moment is shown when each server has told it, and a gone server keeps its past', () => {
  const view = viewOf(
    [
      heard(reportOf('a', { moments: [momentAt(5, 1), momentAt(10, 1), momentAt(15, 1)] })),
      heard(reportOf('b', { moments: [momentAt(5, 2), momentAt(10, 2)] })),
      heard(reportOf('c', { moments: [momentAt(5, 4)] }), 100_000),
      heard(reportOf('started just now')),
    ],
    NOW,
    true,
  );
  expect(view.moments.map(({ atMs, appliedPerSecond }) => [atMs, appliedPerSecond])).toEqual([
    [5_000, 7],
    [10_000, 3],
  ]);
});

test('servers of several versions, several primaries and unread reports are warnings of the fleet', () => {
  const { server } = reportOf('b');
  const other = { server: { ...server, version: '2.0.0' }, mysqlServer: 'db2/3306/2' };
  const view = viewOf([heard(reportOf('a')), heard(reportOf('b', other))], NOW, false);
  const codes = ['FLEET_UNREAD', 'RELEASES_DIFFER', 'PRIMARIES_DIFFER'];
  expect(view.warnings.map(({ code }) => code)).toEqual(codes);
});

test('a warning of a later version keeps its message', () => {
  const warnings = [{ code: 'SOMETHING_NEW', message: 'Look.', sinceMs: null }];
  const view = viewOf([heard(reportOf('a', { warnings }))], NOW, true);
  expect(view.warnings).toEqual([{ code: 'OTHER', message: 'Look.', serverId: 'a', since: null }]);
});

test('a report is opened as it was sealed, to hundredths', () => {
  const seal = new ReportSeal(SECRET);
  const report = reportOf('a', { delegatedPerSecond: 1 / 3 });
  expect(seal.open(seal.seal(report))).toEqual({ ...report, delegatedPerSecond: 0.33 });
});

test.each([
  ['of another fleet', () => new ReportSeal(Buffer.alloc(32, 2)).seal(reportOf('a'))],
  ['that was changed', () => new ReportSeal(SECRET).seal(reportOf('a')).replace('READY', 'AWAY')],
  ['without a seal', () => JSON.stringify(reportOf('a'))],
  ['that is empty', () => ''],
  ['of another form', () => new ReportSeal(SECRET).seal({ server: 1 } as never)],
])('a report %s is none', (_what, sealed) => {
  expect(new ReportSeal(SECRET).open(sealed())).toBeNull();
});
