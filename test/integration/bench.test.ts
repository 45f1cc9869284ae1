/**
 * The benchmark itself: the command runs, its results are what they say, and every contender's ledger is held against
 * its answers. How fast anybody is, is no matter here.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Row } from '../../bench/report/row.js';
import { CONTENDERS, contenderOf } from '../../bench/contenders/roster.js';
import { TestBed } from '../../bench/test-bed.js';
import { startProgram, type StartedProgram } from '../support/started-program.js';

const folder = mkdtempSync(join(tmpdir(), 'stockade-bench-test-'));
let program: StartedProgram | undefined;

afterEach(() => {
  program?.discard();
  program = undefined;
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function given(name: 'MYSQL_URL' | 'REDIS_URL'): string {
  return process.env[name] ?? '';
}

function startBench(...args: string[]): StartedProgram {
  program = startProgram(['dist/bench/main.js', ...args], {
    MYSQL_URL: given('MYSQL_URL'),
    REDIS_URL: given('REDIS_URL'),
  });
  return program;
}

interface Results {
  readonly machine: Readonly<Record<string, unknown>>;
  readonly rows: readonly Row[];
}

/** Runs scenarios, and once more where the machine paused for all the time of a measurement: then nothing was done. */
async function measure(json: string, ...args: string[]): Promise<[StartedProgram, Results]> {
  const run = async (): Promise<[StartedProgram, Results]> => {
    const bench = startBench(...args, '--repeat', '1', '--json', json);
    const code = await bench.exited;
    expect(`${String(code)}${bench.stderr().replace(/^\[.*$/gm, '')}`.trim()).toBe('0');
    return [bench, JSON.parse(readFileSync(json, 'utf8')) as Results];
  };
  const first = await run();
  const [bench, { rows }] = first;
  if (rows.every(({ opsPerSecond }) => opsPerSecond > 0)) return first;
  bench.discard();
  return run();
}

const NUMBERS = ['opsPerSecond', 'p50Ms', 'p99Ms', 'maxMs', 'taken', 'refused', 'failed'] as const;

test('a short run prints a table and writes a row for each scenario and contender, and a picture', async () => {
  const json = join(folder, 'results.json');
  const contenders = ['lanes', 'for-update'];
  const [bench, results] = await measure(
    json,
    ...['--scenario', 'hot,solo', '--contenders', contenders.join(','), '--seconds', '1'],
  );
  expect(bench.stdout()).toMatch(/^hot: 200 callers, 1 product$/m);
  expect(bench.stdout()).toMatch(/innodb_flush_log_at_trx_commit=1, log_bin=1, sync_binlog=1/);
  expect(bench.stderr()).toMatch(/^\[1\/4\] hot, lanes, .*: [\d,]+\/s$/m);

  expect(results.machine).toMatchObject({ syncBinlog: 1, innodbFlushLogAtTrxCommit: 1 });
  expect(results.machine).toHaveProperty('fsyncMedianMs');
  const ran = results.rows.map(({ scenario, contender }) => `${scenario} ${contender}`);
  for (const scenario of ['hot', 'solo']) {
    for (const contender of contenders) expect(ran).toContain(`${scenario} ${contender}`);
  }
  for (const row of results.rows) {
    for (const name of NUMBERS) expect(Number.isFinite(row[name])).toBe(true);
    expect(row.opsPerSecond).toBeGreaterThan(0);
    expect(row.taken).toBeGreaterThan(0);
    expect(row.ledger?.problems).toBe(0);
    expect(row.ledger?.movements).toBeGreaterThanOrEqual(row.taken);
    expect(row.p50Ms).toBeLessThanOrEqual(row.p99Ms);
    expect(row.p99Ms).toBeLessThanOrEqual(row.maxMs);
  }
  const hotLanes = results.rows.find((r) => r.scenario === 'hot' && r.contender === 'lanes');
  expect(hotLanes?.mysqlStatementsPerOp).toBeLessThan(1);
  expect(readFileSync(join(folder, 'results.svg'), 'utf8')).toMatch(/^<svg [^]*<\/svg>\n$/);
  expect(bench.files()).toEqual([]);
});

test('several servers are measured as one, and only those that keep a ledger are compared with it', async () => {
  const json = join(folder, 'servers.json');
  const [bench, { rows }] = await measure(
    json,
    ...['--scenario', 'servers-hot', '--contenders', 'for-update,apollo-standalone'],
    ...['--seconds', '0.5'],
  );
  const ran = rows.map(({ contender, form, point }) => [contender, form, point].join(', '));
  expect(ran.sort()).toEqual([
    'apollo-standalone, from memory, 1 server',
    'apollo-standalone, from memory, 3 servers',
    'for-update, pool 10, 1 server',
    'for-update, pool 10, 3 servers',
  ]);
  for (const row of rows) {
    expect(row.taken).toBeGreaterThan(0);
    expect(row.nodeCpuMsPerOp).toBeGreaterThan(0);
    expect(row.clientCpuMsPerOp).toBeGreaterThan(0);
    expect(row.redisCpuMsPerOp).toBeGreaterThan(0);
    expect(row.ledger?.problems).toBe(row.contender === 'for-update' ? 0 : undefined);
  }
  expect(bench.files()).toEqual([]);
});

test('the lock is measured on one Redis and on a majority of three, which it brings by itself', async () => {
  const json = join(folder, 'topologies.json');
  // Long enough for many operations: the round trips that renew a lock, or open a connection, then count for little.
  const [bench, { rows }] = await measure(
    json,
    ...['--scenario', 'topologies', '--contenders', 'one,majority', '--seconds', '2'],
  );
  const tripsOf = (contender: string) => {
    const alone = rows.find((row) => row.contender === contender && row.point === 'uncontended');
    expect(alone?.p50Ms).toBeGreaterThan(0);
    return Math.round(alone?.redisRoundTripsPerOp ?? 0);
  };
  expect([tripsOf('one'), tripsOf('majority')]).toEqual([2, 6]);
  const handedOver = rows.filter((row) => row.point === '4 processes');
  expect(handedOver.map(({ failed }) => failed)).toEqual([0, 0]);
  for (const row of handedOver) expect(row.opsPerSecond).toBeGreaterThan(0);
  expect(bench.files()).toEqual([]);
});

test('--help tells the scenarios and contenders without starting anything', async () => {
  const bench = startBench('--help');
  expect(await bench.exited).toBe(0);
  for (const name of ['hot', 'burst', 'lanes', 'as-described', '--json']) {
    expect(bench.stdout()).toContain(name);
  }
});

test('an unknown scenario is answered with the known ones', async () => {
  const bench = startBench('--scenario', 'warm');
  expect(await bench.exited).toBe(1);
  expect(bench.stderr()).toMatch(/^Each scenario must be one of hot, .*; got "warm"\.$/m);
  expect(bench.stdout()).toBe('');
});

describe('on one ground', () => {
  let bed: TestBed;

  beforeAll(async () => {
    const services = { mysqlUrl: given('MYSQL_URL'), redisUrl: given('REDIS_URL') };
    bed = await TestBed.open(services, new AbortController().signal);
  });

  afterAll(async () => {
    await bed.close();
  });

  test.each(CONTENDERS.map(({ name }) => name))(
    '%s sells what there is, refuses the rest, and its ledger explains every unit',
    async (name) => {
      await bed.prepare({ products: 2, units: 5 });
      const kind = contenderOf(name);
      const [form] = kind.forms;
      if (!form) throw new Error('It has no form.');
      const contender = await kind.open(bed.services, form);
      try {
        const line = { productId: 'p-00001', quantity: 1 };
        const answers: string[] = [];
        const buyFour = async () => {
          for (let i = 0; i < 4; i += 1) answers.push(await contender.deduct(line));
        };
        // The waiters of that one miss messages, and would fail after their ten seconds.
        if (name === 'as-described') await buyFour().then(buyFour);
        else await Promise.all([buyFour(), buyFour()]);
        expect(answers.filter((answer) => answer === 'taken')).toHaveLength(5);
        expect(answers.filter((answer) => answer === 'refused')).toHaveLength(3);
        await contender.settle?.();
        // Two products with their initial lines, and five deductions.
        expect(await bed.verify([{ taken: 5, unknown: 0 }])).toEqual({ movements: 7, problems: 0 });
      } finally {
        await contender.close();
      }
    },
  );

  test.each(['lanes', 'for-update'])(
    '%s reserves what there is, refuses the rest, and its reservations hold what is reserved',
    async (name) => {
      await bed.prepare({ products: 1, units: 5 });
      const kind = contenderOf(name);
      const [form] = kind.forms;
      if (!form) throw new Error('It has no form.');
      const contender = await kind.open(bed.services, form);
      try {
        const line = { productId: 'p-00000', quantity: 1 };
        const buyers = Array.from({ length: 8 }, async () => contender.reserve?.(line));
        const answers = await Promise.all(buyers);
        expect(answers.filter((answer) => answer === 'taken')).toHaveLength(5);
        expect(answers.filter((answer) => answer === 'refused')).toHaveLength(3);
        expect(await bed.verify([{ taken: 5, unknown: 0 }])).toEqual({ movements: 1, problems: 0 });
      } finally {
        await contender.close();
      }
    },
  );

  test('an answer without its ledger line ends the benchmark', async () => {
    await bed.prepare({ products: 1, units: 5 });
    await expect(bed.verify([{ taken: 1, unknown: 0 }])).rejects.toThrow(
      'The ledger has 0 deductions and reservations; 1 were answered and 0 are unknown.',
    );
  });
});
