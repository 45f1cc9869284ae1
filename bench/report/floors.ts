/** The floors that the benchmark must reach, its aims, and its findings. */
import { ALONE, WATCHED, serversPoint } from '../scenarios/http.js';
import { HAND_OFFS, UNCONTENDED } from '../scenarios/lock.js';
import { pointOf } from '../scenarios/processes.js';
import { JOURNEYS } from '../scenarios/read.js';
import { SCENARIOS } from '../scenarios/roster.js';
import { bestForm } from '../selection.js';
import { median, pairedRatio, spreadOf, type RepeatedValue, type Spread } from '../statistics.js';
import type { Row } from './row.js';
import { align, formatNumber } from './table.js';

export interface Finding {
  readonly scenario: string;
  readonly what: string;
  readonly floor: number;
  readonly aim: number;
  readonly atMost: boolean;
  /** Null if the rows have no value for it. */
  readonly value: Spread | null;
  readonly verdict: 'missed' | 'floor held' | 'aim reached' | 'not run';
}

type Measure = (row: Row) => number | null;

interface Goal {
  readonly scenario: string;
  readonly what: string;
  readonly floor: number;
  readonly aim: number;
  /** Whether a smaller value is better. */
  readonly atMost?: boolean;
  readonly value: (rows: Rows) => Spread | null;
}

const ops: Measure = (row) => row.opsPerSecond;
const p50: Measure = (row) => row.p50Ms;
const p99: Measure = (row) => row.p99Ms;
const total: Measure = (row) => row.totalMs;
const nodeCpu: Measure = (row) => row.nodeCpuMsPerOp;
const mysqlCpu: Measure = (row) => row.mysqlCpuMsPerOp;
const statements: Measure = (row) => row.mysqlStatementsPerOp;
const connections: Measure = (row) => row.mysqlConnectionsMax;
const transaction: Measure = (row) => row.transactionP50Ms;
const roundTrips: Measure = (row) => row.redisRoundTripsPerOp;
const conflicts: Measure = (row) => row.conflicts;
const allExact: Measure = (row) => (row.exact === null ? null : Number(row.exact));

const SIMPLE = ['for-update', 'conditional-update'];
const LIBRARIES = ['redlock', 'redis-semaphore'];
/** It answers from memory. */
const MEMORY = ['apollo-standalone'];

/** In the order of the results table. */
const GOALS: readonly Goal[] = [
  goal('hot', 'lanes ÷ for-update', 30, 50, (rows) => rows.ratio(ops, ['for-update'])),
  goal('hot', 'lanes ÷ conditional-update', 25, 45, (rows) =>
    rows.ratio(ops, ['conditional-update']),
  ),
  goal('hot', 'lanes ÷ best of redlock and redis-semaphore', 50, 100, (rows) =>
    rows.ratio(ops, LIBRARIES),
  ),
  atMost('hot', "p99 ÷ for-update's", 0.2, 0.05, (rows) => rows.ratio(p99, ['for-update'])),
  atMost('hot', "MySQL CPU for an op ÷ for-update's", 0.08, 0.03, (rows) =>
    rows.ratio(mysqlCpu, ['for-update']),
  ),
  atMost('hot', 'statements for an op', 0.2, 0.05, (rows) => rows.own(statements)),
  atMost('hot', 'connections', 2, 1, (rows) => rows.own(connections)),
  goal('spread', 'lanes ÷ better of for-update and conditional-update', 8, 12, (rows) =>
    rows.ratio(ops, SIMPLE),
  ),
  goal('zipf', 'lanes ÷ better of for-update and conditional-update', 9, 14, (rows) =>
    rows.ratio(ops, SIMPLE),
  ),
  atMost('solo', "p50 ÷ for-update's", 1, 0.85, (rows) => rows.ratio(p50, ['for-update'])),
  atMost('burst', "time to the last answer ÷ for-update's", 0.2, 0.1, (rows) =>
    rows.ratio(total, ['for-update']),
  ),
  goal('burst', 'exactly 100 taken (1 is always)', 1, 1, (rows) => rows.worst(allExact)),
  atMost('claims', "total time ÷ for-update's", 0.3, 0.1, (rows) =>
    rows.ratio(total, ['for-update']),
  ),
  atMost('claims', "transaction time ÷ for-update's", 0.3, 0.1, (rows) =>
    rows.ratio(transaction, ['for-update']),
  ),
  goal('processes-hot', '4 processes ÷ 1', 0.8, 0.95, (rows) =>
    rows.growth(ops, [pointOf(4), pointOf(1)]),
  ),
  goal('processes-hot', 'lanes ÷ for-update, both with 4', 12, 30, (rows) =>
    rows.ratio(ops, ['for-update'], pointOf(4)),
  ),
  goal('processes-spread', '4 processes ÷ 1', 0.7, 0.95, (rows) =>
    rows.growth(ops, [pointOf(4), pointOf(1)]),
  ),
  atMost('side', 'p99 ÷ p99 beside for-update', 0.5, 0.2, (rows) =>
    rows.ratio(p99, ['for-update']),
  ),
  goal('http-hot', '÷ apollo-standalone', 1.6, 3, (rows) => rows.ratio(ops, MEMORY)),
  atMost('http-hot', "Node's CPU for an op ÷ apollo-standalone's", 0.6, 0.33, (rows) =>
    rows.ratio(nodeCpu, MEMORY),
  ),
  goal('http-hot', '÷ mercurius with its JIT', 0.7, 1.2, (rows) => rows.ratio(ops, ['mercurius'])),
  goal('http-spread', '÷ apollo-standalone', 1.1, 2, (rows) => rows.ratio(ops, MEMORY)),
  goal('http-console', 'with the console open ÷ alone', 0.98, 1, (rows) =>
    rows.growth(ops, [WATCHED, ALONE]),
  ),
  goal('servers-hot', '3 servers ÷ 1', 0.85, 1, (rows) =>
    rows.growth(ops, [serversPoint(3), serversPoint(1)]),
  ),
  goal('servers-spread', '3 servers ÷ 1', 0.8, 1, (rows) =>
    rows.growth(ops, [serversPoint(3), serversPoint(1)]),
  ),
  atMost('group', 'certification conflicts', 5, 0, (rows) => rows.own(conflicts)),
  goal('lock', 'uncontended ÷ raw', 0.8, 0.95, (rows) => rows.ratio(ops, ['raw'], UNCONTENDED)),
  goal('lock', 'hand-offs ÷ the best rival', 5, 20, (rows) =>
    rows.ratio(ops, LIBRARIES, HAND_OFFS),
  ),
  atMost('lock', 'round trips for a hand-off', 3, 2, (rows) => rows.own(roundTrips, HAND_OFFS)),
  goal('reserve', 'lanes ÷ for-update', 15, 30, (rows) => rows.ratio(ops, ['for-update'])),
  atMost('read', 'p50 in the large shop ÷ in the small one', 2, 1.2, (rows) =>
    pairedRatio(rows.of('large', p50), rows.of('small', p50)),
  ),
  atMost('read', 'journey: p50 in the large shop ÷ in the small one', 2, 1.2, (rows) =>
    pairedRatio(rows.of('large', p50, JOURNEYS), rows.of('small', p50, JOURNEYS)),
  ),
];

function goal(
  scenario: string,
  what: string,
  floor: number,
  aim: number,
  value: Goal['value'],
): Goal {
  return { scenario, what, floor, aim, value };
}

function atMost(...args: Parameters<typeof goal>): Goal {
  return { ...goal(...args), atMost: true };
}

/** The rows of one scenario, each contender in its best form. */
class Rows {
  constructor(
    private readonly rows: readonly Row[],
    private readonly merit: Parameters<typeof bestForm>[1],
  ) {}

  of(contender: string, measure: Measure, point = ''): readonly RepeatedValue[] {
    const own = this.rows.filter((row) => row.contender === contender && row.point === point);
    const best = bestForm(own, this.merit);
    return own
      .filter(({ form }) => form === best)
      .flatMap((row) => {
        const value = measure(row);
        return value === null ? [] : [{ repeat: row.repeat, value }];
      });
  }

  own(measure: Measure, point = ''): Spread | null {
    return spreadOf(this.of('lanes', measure, point).map(({ value }) => value));
  }

  /** The product's measure at one load divided by that at another. */
  growth(measure: Measure, [at, from]: readonly [string, string]): Spread | null {
    return pairedRatio(this.of('lanes', measure, at), this.of('lanes', measure, from));
  }

  /** For what must hold without exception. */
  worst(measure: Measure): Spread | null {
    const spread = this.own(measure);
    return spread && { ...spread, median: spread.min };
  }

  /** The product's measure divided by that of the fastest of the others. */
  ratio(measure: Measure, others: readonly string[], point = ''): Spread | null {
    const ranked = others
      .map((name) => ({ name, speed: median(this.of(name, ops, point).map((v) => v.value)) }))
      .filter(({ speed }) => !Number.isNaN(speed))
      .sort((a, b) => b.speed - a.speed);
    const [fastest] = ranked;
    if (!fastest) return null;
    return pairedRatio(this.of('lanes', measure, point), this.of(fastest.name, measure, point));
  }
}

export function assess(rows: readonly Row[]): readonly Finding[] {
  return GOALS.map(({ scenario, what, floor, aim, atMost: less = false, value }): Finding => {
    const own = rows.filter((row) => row.scenario === scenario);
    const merit = SCENARIOS.find(({ name }) => name === scenario)?.merit ?? 'opsPerSecond';
    const measured = value(new Rows(own, merit));
    const holds = (bound: number) =>
      measured !== null && (less ? measured.median <= bound : measured.median >= bound);
    const verdict =
      measured === null
        ? 'not run'
        : holds(aim)
          ? 'aim reached'
          : holds(floor)
            ? 'floor held'
            : 'missed';
    return { scenario, what, floor, aim, atMost: less, value: measured, verdict };
  });
}

export function floorsTable(findings: readonly Finding[]): string {
  const ran = findings.filter(({ verdict }) => verdict !== 'not run');
  if (ran.length === 0) return '';
  const lines = ran.map(({ scenario, what, floor, aim, atMost: less, value, verdict }) => [
    `${scenario}: ${what}`,
    formatNumber(value?.median ?? null),
    `${formatNumber(value?.min ?? null)}–${formatNumber(value?.max ?? null)}`,
    `${less ? '≤' : '≥'} ${floor}`,
    `${less ? '≤' : '≥'} ${aim}`,
    verdict,
  ]);
  const head = ['Floors and aims', 'median', 'min–max', 'floor', 'aim', ''];
  return `\n${align([head, ...lines]).join('\n')}\n`;
}

/** What a run tells nothing about; empty if everything was judged. */
export function notJudged(
  findings: readonly Finding[],
  run: { readonly scenarios: readonly string[]; readonly leftOut: readonly string[] },
): string {
  const notRun = findings.filter(({ verdict }) => verdict === 'not run');
  const wanted = notRun.filter(({ scenario }) => run.scenarios.includes(scenario));
  const others = new Set(notRun.map(({ scenario }) => scenario));
  for (const scenario of run.scenarios) others.delete(scenario);
  const lines = [
    ...run.leftOut,
    ...(wanted.length === 0 ? [] : ['Not judged, because one side did not run:']),
    ...wanted.map(({ scenario, what }) => `  ${scenario}: ${what}`),
    ...(others.size === 0
      ? []
      : [`Scenarios with floors that were not chosen: ${[...others].join(', ')}.`]),
  ];
  return lines.join('\n');
}
