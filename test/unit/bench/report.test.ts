/** What the benchmark makes of its rows: which form counts, whether a floor holds, and the picture. */
import { UsageError, readOptions } from '../../../bench/options.js';
import { assess, notJudged } from '../../../bench/report/floors.js';
import type { Machine } from '../../../bench/report/machine.js';
import { plot } from '../../../bench/report/plot.js';
import type { Row } from '../../../bench/report/row.js';
import { resultsTable } from '../../../bench/report/table.js';
import { bestForm } from '../../../bench/selection.js';
import { row } from '../../support/benchmark-row.js';

const finding = (rows: readonly Row[], what: string) =>
  assess(rows).find((candidate) => candidate.what === what);

describe('the form that counts', () => {
  test('is the fastest', () => {
    const rows = [
      row({ form: 'pool 10', opsPerSecond: 700 }),
      row({ form: 'pool 50', opsPerSecond: 900 }),
    ];
    expect(bestForm(rows, 'opsPerSecond')).toBe('pool 50');
  });

  test('is not one that fails in one case of a hundred, however fast', () => {
    const rows = [
      row({ form: 'defaults', opsPerSecond: 900, taken: 90, failed: 10 }),
      row({ form: 'tuned', opsPerSecond: 300 }),
    ];
    expect(bestForm(rows, 'opsPerSecond')).toBe('tuned');
  });

  test('is the one with the shortest time where time is what counts', () => {
    const rows = [row({ form: 'pool 10', totalMs: 90 }), row({ form: 'pool 50', totalMs: 40 })];
    expect(bestForm(rows, 'totalMs')).toBe('pool 50');
  });
});

describe('a floor', () => {
  const ratio = 'lanes ÷ for-update';
  const against = (opsPerSecond: number) => [
    row({ opsPerSecond }),
    row({ contender: 'for-update', opsPerSecond: 100 }),
  ];

  test('is held at its value, and missed below it', () => {
    expect(finding(against(3_000), ratio)?.verdict).toBe('floor held');
    expect(finding(against(2_999), ratio)?.verdict).toBe('missed');
    expect(finding(against(5_000), ratio)?.verdict).toBe('aim reached');
  });

  test('of something that should be small is missed above its value', () => {
    const statements = 'statements for an op';
    expect(finding([row({ mysqlStatementsPerOp: 0.2 })], statements)?.verdict).toBe('floor held');
    expect(finding([row({ mysqlStatementsPerOp: 0.21 })], statements)?.verdict).toBe('missed');
  });

  test('of what a group did not certify is held by a few, and its aim only by none', () => {
    const what = 'certification conflicts';
    const after = (conflicts: number) => finding([row({ scenario: 'group', conflicts })], what);
    expect(after(0)?.verdict).toBe('aim reached');
    expect(after(5)?.verdict).toBe('floor held');
    expect(after(6)?.verdict).toBe('missed');
  });

  test('is not judged where one side did not run', () => {
    expect(finding([row({})], ratio)?.verdict).toBe('not run');
  });

  test('compares with the better of the rivals, in its best form', () => {
    const rows = [
      row({ scenario: 'spread', opsPerSecond: 10_000 }),
      row({ scenario: 'spread', contender: 'for-update', form: 'pool 10', opsPerSecond: 500 }),
      row({ scenario: 'spread', contender: 'for-update', form: 'pool 50', opsPerSecond: 1_000 }),
      row({ scenario: 'spread', contender: 'conditional-update', opsPerSecond: 800 }),
    ];
    const what = 'lanes ÷ better of for-update and conditional-update';
    expect(finding(rows, what)?.value?.median).toBe(10);
  });

  test('of several processes compares them with one process of the same repeat', () => {
    const at = (processes: number, repeat: number, opsPerSecond: number) =>
      row({
        scenario: 'processes-hot',
        point: processes === 1 ? '1 process' : `${processes} processes`,
        repeat,
        opsPerSecond,
      });
    const rows = [at(1, 1, 1_000), at(4, 1, 900), at(1, 2, 2_000), at(4, 2, 1_600), at(2, 1, 1)];
    const found = finding(rows, '4 processes ÷ 1');
    expect(found?.verdict).toBe('floor held');
    expect(found?.value?.median).toBeCloseTo(0.85);
    expect([found?.value?.min, found?.value?.max]).toEqual([0.8, 0.9]);
  });

  test('for which nothing ran is named, beside what else was left out', () => {
    const lines = notJudged(assess(against(3_000)), {
      scenarios: ['hot', 'processes-hot'],
      leftOut: ['hot, repeat 3: left out.'],
    }).split('\n');
    expect(lines).toContain('hot, repeat 3: left out.');
    expect(lines).toContain('  processes-hot: 4 processes ÷ 1');
    expect(lines).toContain('  hot: lanes ÷ conditional-update');
    expect(lines).not.toContain('  hot: lanes ÷ for-update');
    expect(lines.at(-1)).toMatch(/^Scenarios with floors that were not chosen: spread, .*read\.$/);
  });

  test('wants exactly the units that there were in every burst of every repeat', () => {
    const what = 'exactly 100 taken (1 is always)';
    const bursts = (...exact: boolean[]) =>
      exact.map((each, i) => row({ scenario: 'burst', repeat: i + 1, totalMs: 50, exact: each }));
    expect(finding(bursts(true, true), what)?.verdict).toBe('aim reached');
    expect(finding(bursts(true, false, true), what)?.verdict).toBe('missed');
  });
});

describe('the command line', () => {
  test('takes all scenarios, three repeats and no more where nothing is said', () => {
    const options = readOptions([]);
    expect(options.repeats).toBe(3);
    expect(options.scenarios).toContain('hot');
    expect(options.scenarios).toContain('lock');
    expect(options.contenders).toEqual([]);
  });

  test('takes lists', () => {
    const options = readOptions(['--scenario', 'solo,hot', '--contenders', 'lanes, for-update']);
    expect(options.scenarios).toEqual(['hot', 'solo']);
    expect(options.contenders).toEqual(['lanes', 'for-update']);
  });

  test('takes a name for all scenarios that begin with it', () => {
    expect(readOptions(['--scenario', 'processes,solo']).scenarios).toEqual([
      'solo',
      'processes-hot',
      'processes-spread',
    ]);
  });

  test('writes over the committed results only if told to, and only those of a whole run', () => {
    expect(readOptions([]).json).toBe('bench/results/local/latest.json');
    expect(readOptions(['--scenario', 'failover']).json).toBe('bench/results/local/failover.json');
    const commit = '--commit-results';
    expect(readOptions([commit]).json).toBe('bench/results/latest.json');
    expect(readOptions([commit, '--scenario', 'failover']).json).toBe(
      'bench/results/failover.json',
    );
    for (const part of [
      ['--scenario', 'hot'],
      ['--contenders', 'lanes'],
      ['--json', 'a.json'],
    ]) {
      expect(() => readOptions([commit, ...part])).toThrow(UsageError);
    }
  });

  test.each([
    [['--scenario', 'hott']],
    [['--scenario', 'proc']],
    [['--contenders', 'redis']],
    [['--seconds', '0']],
    [['--seconds', 'long']],
    [['--repeat', '-1']],
    [['--fast']],
  ])('refuses %j with a sentence', (args) => {
    expect(() => readOptions(args)).toThrow(UsageError);
  });
});

const MACHINE: Machine = {
  date: '2026-11-24T12:00:00.000Z',
  cpu: 'A <Good> CPU & more',
  cores: 2,
  memoryGiB: 8,
  system: 'linux',
  loadAverage: 0.1,
  node: 'v20',
  mysql: '9.7',
  redis: '8',
  mysqlFrom: 'MySQL',
  redisFrom: 'Redis',
  innodbFlushLogAtTrxCommit: 1,
  logBin: 1,
  syncBinlog: 1,
  bufferPoolMiB: 128,
  fsyncMedianMs: 0.5,
  fsyncP99Ms: 1,
};

describe('the picture', () => {
  const rows = [
    row({ opsPerSecond: 30_000 }),
    row({ contender: 'for-update', opsPerSecond: 600 }),
    row({ contender: 'redlock', opsPerSecond: 300 }),
  ];
  const svg = plot(MACHINE, rows);

  test('draws bars in proportion to the speeds, the product first', () => {
    const widths = [...svg.matchAll(/<rect class="bar[^"]*"[^>]* width="([\d.]+)"/g)].map((match) =>
      Number(match[1]),
    );
    expect(widths).toHaveLength(3);
    const [ours = NaN, forUpdate = NaN, redlock = NaN] = widths;
    expect(ours / forUpdate).toBeCloseTo(50, 0);
    expect(ours / redlock).toBeCloseTo(100, -1);
  });

  test('writes the speeds and the ratios out', () => {
    expect(svg).toContain('>30,000<');
    expect(svg).toContain('>× 50<');
  });

  test('has curves over the servers where they ran, on one scale from zero, the product last', () => {
    expect(svg).not.toContain('<polyline');
    const at = (scenario: string, contender: string, point: string, opsPerSecond: number) =>
      row({ scenario, contender, point, opsPerSecond });
    const curves = plot(MACHINE, [
      at('servers-hot', 'lanes', '1 server', 4_000),
      at('servers-hot', 'lanes', '3 servers', 3_000),
      at('servers-hot', 'for-update', '1 server', 1_000),
      at('servers-spread', 'lanes', '1 server', 2_000),
      at('http-hot', 'mercurius', '', 2_000),
      at('http-hot', 'http-ceiling', '', 9_999),
    ]);
    const drawn = [...curves.matchAll(/<polyline class="(curve[^"]*)" points="([^"]*)"/g)];
    expect(drawn.map(([, kind]) => kind)).toEqual(['curve', 'curve ours', 'curve ours']);
    const heights = drawn.map(([, , points = '']) =>
      points.split(' ').map((point) => Number(point.split(',')[1])),
    );
    const zero = Number(/y="([\d.]+)"[^>]*>0</.exec(curves)?.[1]) - 4;
    const [[rival = NaN] = [], [ours = NaN, withThree = NaN] = [], [many = NaN] = []] = heights;
    expect((zero - ours) / (zero - rival)).toBeCloseTo(4, 1);
    expect((zero - ours) / (zero - withThree)).toBeCloseTo(4 / 3, 1);
    expect((zero - ours) / (zero - many)).toBeCloseTo(2, 1);
    expect(curves.match(/class="reference"/g)).toHaveLength(1);
    expect(curves).toContain('>mercurius, memory 2,000<');
    expect(curves).toContain('>Stockade 3,000<');
  });

  test('is well-formed whatever the machine is called', () => {
    expect(svg).toContain('A &lt;Good> CPU &amp; more');
    expect(svg).not.toMatch(/<Good>/);
  });

  test('has colours for a dark ground', () => {
    expect(svg).toContain('prefers-color-scheme: dark');
  });
});

test('the table tells medians over the repeats and marks the form that counts', () => {
  const table = resultsTable([
    row({ contender: 'for-update', opsPerSecond: 100, repeat: 1 }),
    row({ contender: 'for-update', opsPerSecond: 300, repeat: 2 }),
    row({ contender: 'for-update', opsPerSecond: 200, repeat: 3 }),
    row({ contender: 'for-update', form: 'pool 50', opsPerSecond: 50, repeat: 1 }),
  ]);
  expect(table).toMatch(/^\* for-update, pool 10 +3 +200 /m);
  expect(table).toMatch(/^ {2}for-update, pool 50 +1 +50 /m);
});
