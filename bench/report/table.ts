/** The results as tables for a terminal, one per scenario, with medians over the repeats. */
import { SCENARIOS } from '../scenarios/roster.js';
import { bestForm } from '../selection.js';
import { median } from '../statistics.js';
import type { Row } from './row.js';

interface Column {
  readonly title: string;
  readonly cell: (rows: readonly Row[]) => string;
}

type NumericField = {
  [Field in keyof Row]: Row[Field] extends number | null ? Field : never;
}[keyof Row];

const number = (title: string, field: NumericField): Column => ({
  title,
  cell: (rows) => formatNumber(medianOf(rows, field)),
});

const COLUMNS: readonly Column[] = [
  { title: 'runs', cell: (rows) => String(rows.length) },
  number('ops/s', 'opsPerSecond'),
  number('p50 ms', 'p50Ms'),
  number('p99 ms', 'p99Ms'),
  number('max ms', 'maxMs'),
  number('taken', 'taken'),
  number('refused', 'refused'),
  number('failed', 'failed'),
  number('SQL/op', 'mysqlStatementsPerOp'),
  number('commits/op', 'mysqlCommitsPerOp'),
  number('SQL CPU ms/op', 'mysqlCpuMsPerOp'),
  number('conns', 'mysqlConnectionsMax'),
  number('Redis trips/op', 'redisRoundTripsPerOp'),
  number('cmds/op', 'redisCommandsPerOp'),
  number('tx p50 ms', 'transactionP50Ms'),
  number('Redis CPU ms/op', 'redisCpuMsPerOp'),
  number('Node CPU ms/op', 'nodeCpuMsPerOp'),
  number('client CPU ms/op', 'clientCpuMsPerOp'),
  number('loop p99 ms', 'eventLoopP99Ms'),
  number('fair', 'fairness'),
  number('total ms', 'totalMs'),
  number('conflicts', 'conflicts'),
];

export function resultsTable(rows: readonly Row[]): string {
  return SCENARIOS.flatMap((scenario) => {
    const own = rows.filter((row) => row.scenario === scenario.name);
    if (own.length === 0) return [];
    return [`\n${scenario.name}: ${scenario.what}`, ...tableOf(own, scenario.merit)];
  }).join('\n');
}

function tableOf(rows: readonly Row[], merit: Parameters<typeof bestForm>[1]): readonly string[] {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = [row.contender, row.form, row.point].join('|');
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const columns = COLUMNS.filter(({ cell }) => rows.some((row) => cell([row]) !== ''));
  const lines = [['', ...columns.map(({ title }) => title)]];
  for (const group of groups.values()) {
    const [first] = group;
    if (!first) continue;
    const ofContender = rows.filter((row) => row.contender === first.contender);
    const counts = bestForm(ofContender, merit) === first.form;
    const name = [first.contender, first.form, first.point].filter((part) => part !== '');
    const title = `${counts ? '*' : ' '} ${name.join(', ')}`;
    lines.push([title, ...columns.map(({ cell }) => cell(group))]);
  }
  return align(lines);
}

/** Names are left-aligned, numbers right-aligned. */
export function align(lines: readonly (readonly string[])[]): readonly string[] {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines.map((line) =>
    line
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join('  ')
      .trimEnd(),
  );
}

function medianOf(rows: readonly Row[], field: NumericField): number | null {
  const values = rows.flatMap((row) => row[field] ?? []);
  return values.length === 0 ? null : median(values);
}

/** Three significant digits; empty for null. */
export function formatNumber(value: number | null): string {
  if (value === null || Number.isNaN(value)) return '';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return String(Number(value.toPrecision(3)));
}
