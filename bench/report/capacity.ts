/**
 * What the CPU time of an operation says about a larger installation: how many deductions a second the process that
 * owns a product can decide, and how many servers of HTTP and GraphQL it takes to feed it. A process of Node uses one
 * core. This is arithmetic over what was measured, and a bound: it knows neither latency nor the disk.
 */
import { serversPoint } from '../scenarios/http.js';
import { median } from '../statistics.js';
import type { Row } from './row.js';
import { align, formatNumber } from './table.js';

const PRODUCT = 'lanes';
const SERVERS = 3;
const LOADS = ['hot', 'spread'] as const;

export interface Capacity {
  readonly load: (typeof LOADS)[number];
  /** Deductions a second that one core of Node decides, without HTTP. */
  readonly decided: number;
  /** Requests a second that one core of Node takes over HTTP, without deciding them. */
  readonly taken: number;
  /** Servers that keep one owner busy. */
  readonly servers: number;
  /** Cores that MySQL and Redis use at the rate of one owner; null if unknown. */
  readonly mysqlCores: number | null;
  readonly redisCores: number | null;
}

/** One entry for each load that ran both without and with HTTP. */
export function capacityOf(rows: readonly Row[]): readonly Capacity[] {
  return LOADS.flatMap((load) => {
    const deciding = ofProduct(rows, load, '');
    const fleet = ofProduct(rows, `servers-${load}`, serversPoint(SERVERS));
    const serving = fleet.length > 0 ? fleet : ofProduct(rows, `http-${load}`, '');
    const decideMs = medianOf(deciding, ({ nodeCpuMsPerOp }) => nodeCpuMsPerOp);
    const serveMs = medianOf(serving, ({ nodeCpuMsPerOp }) => nodeCpuMsPerOp);
    if (decideMs === null || serveMs === null) return [];
    // The servers decide as well: what is left is HTTP and GraphQL.
    const takeMs = serveMs - decideMs;
    if (!(decideMs > 0 && takeMs > 0)) return [];
    const cores = (msPerOp: number | null) => (msPerOp === null ? null : msPerOp / decideMs);
    const capacity: Capacity = {
      load,
      decided: 1_000 / decideMs,
      taken: 1_000 / takeMs,
      servers: takeMs / decideMs,
      mysqlCores: cores(medianOf(serving, ({ mysqlCpuMsPerOp }) => mysqlCpuMsPerOp)),
      redisCores: cores(medianOf(serving, ({ redisCpuMsPerOp }) => redisCpuMsPerOp)),
    };
    return [capacity];
  });
}

function ofProduct(rows: readonly Row[], scenario: string, point: string): readonly Row[] {
  return rows.filter(
    (row) => row.contender === PRODUCT && row.scenario === scenario && row.point === point,
  );
}

function medianOf(rows: readonly Row[], pick: (row: Row) => number | null): number | null {
  const values = rows.flatMap((row) => pick(row) ?? []);
  return values.length === 0 ? null : median(values);
}

/** Empty if no load ran both without and with HTTP. */
export function capacityTable(rows: readonly Row[]): string {
  const capacities = capacityOf(rows);
  if (capacities.length === 0) return '';
  const line = (title: string, pick: (capacity: Capacity) => number | null) => [
    title,
    ...capacities.map((capacity) => formatNumber(pick(capacity))),
  ];
  const lines = [
    ['Capacity by CPU time alone, Node on one core each', ...capacities.map(({ load }) => load)],
    line('deductions/s that an owner decides, at most', ({ decided }) => decided),
    line('requests/s that a server takes over HTTP, at most', ({ taken }) => taken),
    line('servers that keep one owner busy', ({ servers }) => servers),
    line('cores of MySQL meanwhile', ({ mysqlCores }) => mysqlCores),
    line('cores of Redis meanwhile', ({ redisCores }) => redisCores),
  ];
  return `\n${align(lines).join('\n')}`;
}
