/** The whole fleet from the reports of its servers. Nothing here reads a clock or a server. */
import type { Quantiles } from '../time/durations.js';
import type { Moment } from './traffic.js';
import { PRODUCTS_MAX, type ReportedState, type ServerReport } from './server-report.js';

/** A server reports each second: one that has missed three reports is gone. */
export const GONE_AFTER_MS = 3_500;

const WARNINGS_MAX = 500;

/** A report, and how long ago its server was heard. */
export interface HeardReport {
  readonly report: ServerReport;
  readonly silentMs: number;
}

export type WarningCode =
  | 'SERVER_GONE'
  | 'FLEET_UNREAD'
  | 'RELEASES_DIFFER'
  | 'PRIMARIES_DIFFER'
  | 'MYSQL_AWAY'
  | 'MYSQL_SILENT'
  | 'REDIS_AWAY'
  | 'LOCK_FALLBACK'
  | 'CHANGES_UNPUBLISHED'
  | 'RATE_LIMIT_OFF'
  | 'QUEUE_NEARLY_FULL'
  | 'MEMORY_NEARLY_FULL'
  | 'EVENT_LOOP_BUSY'
  | 'OTHER';

export interface FleetWarning {
  readonly code: WarningCode;
  readonly message: string;
  /** Null where it concerns no single server. */
  readonly serverId: string | null;
  readonly since: Date | null;
}

export interface FleetServer {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: Date;
  readonly state: ReportedState | 'GONE';
  readonly silentMs: number;
  readonly mysql: string | null;
  readonly mysqlServer: string | null;
  readonly redis: readonly string[];
  readonly lock: { readonly configured: string; readonly now: string };
  readonly queuedLines: number;
  readonly answeredPerSecond: number;
  readonly delegatedPerSecond: number;
  readonly waits: Quantiles;
  readonly commits: Quantiles;
}

export interface HotProduct {
  readonly productId: string;
  readonly linesPerSecond: number;
  readonly unitsPerSecond: number;
  readonly queuedLines: number;
  readonly ownerId: string | null;
}

export interface FleetRate {
  readonly operation: string;
  readonly outcome: string;
  readonly linesPerSecond: number;
}

export interface FleetView {
  readonly at: Date;
  readonly servers: readonly FleetServer[];
  readonly warnings: readonly FleetWarning[];
  readonly rates: readonly FleetRate[];
  readonly waits: Quantiles;
  readonly commits: Quantiles;
  readonly delegatedPerSecond: number;
  readonly queuedLines: number;
  readonly hotProducts: readonly HotProduct[];
  readonly moments: readonly Moment[];
}

/** @param isWhole whether the reports of all servers could be read. */
export function viewOf(heard: readonly HeardReport[], at: Date, isWhole: boolean): FleetView {
  const present = heard.filter(({ silentMs }) => silentMs < GONE_AFTER_MS);
  const reports = present.map(({ report }) => report);
  const servers = heard.map(toServer).sort(byStateAndStart);
  return {
    at,
    servers,
    warnings: [
      ...fleetWarnings(servers, isWhole, at),
      ...reports.flatMap((report) => warningsOf(report)),
    ].slice(0, WARNINGS_MAX),
    rates: ratesOf(reports),
    waits: together(reports.map(({ waits }) => waits)),
    commits: together(reports.map(({ commits }) => commits)),
    delegatedPerSecond: sum(reports.map((report) => report.delegatedPerSecond)),
    queuedLines: sum(reports.map((report) => report.queuedLines)),
    hotProducts: hotProductsOf(reports),
    moments: momentsOf(
      heard.map(({ report }) => report),
      reports,
    ),
  };
}

function toServer({ report, silentMs }: HeardReport): FleetServer {
  const { server, state, rates, ...rest } = report;
  return {
    ...rest,
    id: server.id,
    host: server.host,
    pid: server.pid,
    version: server.version,
    startedAt: new Date(server.startedMs),
    state: silentMs < GONE_AFTER_MS ? state : 'GONE',
    silentMs,
    answeredPerSecond: sum(rates.map(({ linesPerSecond }) => linesPerSecond)),
  };
}

function byStateAndStart(a: FleetServer, b: FleetServer): number {
  const gone = Number(a.state === 'GONE') - Number(b.state === 'GONE');
  return gone || a.startedAt.getTime() - b.startedAt.getTime() || (a.id < b.id ? -1 : 1);
}

function* fleetWarnings(
  servers: readonly FleetServer[],
  isWhole: boolean,
  at: Date,
): Generator<FleetWarning> {
  const ofNone = { serverId: null, since: null };
  if (!isWhole) {
    const message =
      'The reports of other servers cannot be read from Redis: only this server is shown.';
    yield { ...ofNone, code: 'FLEET_UNREAD', message };
  }
  for (const { id, host, pid, silentMs, state } of servers) {
    if (state !== 'GONE') continue;
    const message = `The server ${host}, process ${pid}, has not reported for ${Math.round(silentMs / 1_000)} s.`;
    const since = new Date(at.getTime() - silentMs);
    yield { code: 'SERVER_GONE', message, serverId: id, since };
  }
  const present = servers.filter(({ state }) => state !== 'GONE');
  const releases = [...new Set(present.map(({ version }) => version))].sort();
  if (releases.length > 1) {
    const message = `Servers of several versions are running: ${releases.join(', ')}.`;
    yield { ...ofNone, code: 'RELEASES_DIFFER', message };
  }
  const primaries = [...new Set(present.flatMap(({ mysqlServer }) => mysqlServer ?? []))];
  if (primaries.length > 1) {
    const message =
      `The servers write to ${primaries.length} different MySQL servers. ` +
      'That is right only in a cluster where each member takes writes.';
    yield { ...ofNone, code: 'PRIMARIES_DIFFER', message };
  }
}

const CODES: ReadonlySet<string> = new Set<WarningCode>([
  ...(['MYSQL_AWAY', 'MYSQL_SILENT', 'REDIS_AWAY', 'LOCK_FALLBACK'] as const),
  ...(['CHANGES_UNPUBLISHED', 'RATE_LIMIT_OFF', 'QUEUE_NEARLY_FULL'] as const),
  ...(['MEMORY_NEARLY_FULL', 'EVENT_LOOP_BUSY'] as const),
]);

function warningsOf({ server, warnings }: ServerReport): readonly FleetWarning[] {
  return warnings.map(({ code, message, sinceMs }) => ({
    // A server of a later version may have others.
    code: CODES.has(code) ? (code as WarningCode) : 'OTHER',
    message,
    serverId: server.id,
    since: sinceMs === null ? null : new Date(sinceMs),
  }));
}

function ratesOf(reports: readonly ServerReport[]): readonly FleetRate[] {
  const rates = new Map<string, FleetRate>();
  for (const rate of reports.flatMap((report) => report.rates)) {
    const key = `${rate.operation} ${rate.outcome}`;
    const linesPerSecond = rate.linesPerSecond + (rates.get(key)?.linesPerSecond ?? 0);
    rates.set(key, { ...rate, linesPerSecond });
  }
  return [...rates.values()].sort((a, b) => b.linesPerSecond - a.linesPerSecond);
}

function hotProductsOf(reports: readonly ServerReport[]): readonly HotProduct[] {
  const products = new Map<string, HotProduct>();
  for (const product of reports.flatMap((report) => report.products)) {
    const { productId } = product;
    const known = products.get(productId);
    products.set(productId, {
      productId,
      linesPerSecond: product.linesPerSecond + (known?.linesPerSecond ?? 0),
      unitsPerSecond: product.unitsPerSecond + (known?.unitsPerSecond ?? 0),
      queuedLines: product.queuedLines + (known?.queuedLines ?? 0),
      ownerId: known?.ownerId ?? product.ownerId,
    });
  }
  return [...products.values()]
    .sort((a, b) => b.linesPerSecond - a.linesPerSecond || b.queuedLines - a.queuedLines)
    .slice(0, PRODUCTS_MAX);
}

/** The newest moment is left out until all servers that are present have told theirs. */
function momentsOf(
  all: readonly ServerReport[],
  present: readonly ServerReport[],
): readonly Moment[] {
  const newest = Math.min(...present.flatMap(({ moments }) => moments.at(-1)?.atMs ?? []));
  const byTime = new Map<number, Moment[]>();
  for (const moment of all.flatMap(({ moments }) => moments)) {
    if (moment.atMs > newest) continue;
    byTime.set(moment.atMs, [...(byTime.get(moment.atMs) ?? []), moment]);
  }
  return [...byTime]
    .sort(([a], [b]) => a - b)
    .map(([atMs, moments]) => ({
      atMs,
      appliedPerSecond: sum(moments.map((moment) => moment.appliedPerSecond)),
      soldOutPerSecond: sum(moments.map((moment) => moment.soldOutPerSecond)),
      refusedPerSecond: sum(moments.map((moment) => moment.refusedPerSecond)),
      waits: together(moments.map(({ waits }) => waits)),
      commits: together(moments.map(({ commits }) => commits)),
      queuedLines: sum(moments.map((moment) => moment.queuedLines)),
    }));
}

/** The median of the servers' medians by their counts, and the p99 of the server where it is longest. */
function together(all: readonly Quantiles[]): Quantiles {
  const count = sum(all.map((quantiles) => quantiles.count));
  let below = 0;
  const median = [...all]
    .filter(({ p50Ms }) => p50Ms !== null)
    .sort((a, b) => (a.p50Ms ?? 0) - (b.p50Ms ?? 0))
    .find((quantiles) => (below += quantiles.count) * 2 >= count);
  const longest = all.flatMap(({ p99Ms }) => p99Ms ?? []);
  return {
    count,
    p50Ms: median?.p50Ms ?? null,
    p99Ms: longest.length > 0 ? Math.max(...longest) : null,
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
