/** This server's part of the fleet, put together from what the other parts tell when they are asked. */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import type { WarningCode } from './fleet/fleet-view.js';
import { Fleet, type ServerNow } from './fleet/fleet.js';
import { ReportBoard } from './fleet/report-board.js';
import { ReportSeal } from './fleet/server-report.js';
import type { Traffic } from './fleet/traffic.js';
import type { Readiness } from './http/readiness.js';
import { fleetNameOf, type Delegation } from './inventory/delegation/delegation.js';
import type { StockService } from './inventory/lanes/stock-service.js';
import { WRITE_HEALTH, type WriteHealth } from './inventory/write-health.js';
import type { LockHealth, RunningLockService } from './lock/index.js';
import { systemClock, systemRandom } from './time/clock.js';

const QUEUE_NEARLY_FULL = 0.8;
const HEAP_NEARLY_FULL = 0.85;
const LOOP_BUSY = 0.95;
/** In a row. A start alone takes a second or two. */
const BUSY_SECONDS = 5;

type Warning = ServerNow['warnings'][number] & { readonly code: WarningCode };

export interface FleetSources {
  readonly config: Config;
  readonly log: Logger;
  readonly traffic: Traffic;
  /** The same in all servers on this database. */
  readonly fleetKey: Buffer;
  readonly lock: RunningLockService | null;
  readonly stock: StockService;
  readonly delegation: Delegation | null;
  readonly readiness: Readiness;
  readonly health: WriteHealth;
  readonly database: {
    readonly server: { readonly name: string | null; readonly identity: string | null };
  };
  readonly publisher: { readonly isWorking: boolean } | null;
  readonly requestLimit: { readonly isCounting: boolean } | null;
}

/** It reports from now on. */
export function startFleet(sources: FleetSources): Fleet {
  const { config, log, traffic, fleetKey, lock } = sources;
  const { redisUrl } = config;
  const fleet = fleetNameOf(fleetKey);
  const board =
    redisUrl === undefined
      ? null
      : new ReportBoard({ redisUrl, fleet, log, clock: systemClock, random: systemRandom });
  const host = hostname();
  const { pid } = process;
  // Owners are known by the names of their lock services.
  const id = ownerIdOf(lock) ?? `${host}.${pid}.${randomBytes(6).toString('hex')}`;
  const startedMs = Math.round(Date.now());
  const loop = new BusyLoop();
  const part = new Fleet({
    server: { id, host, pid, version: packageVersion(), startedMs },
    ...{ traffic, board, seal: new ReportSeal(fleetKey), clock: systemClock },
    now: () => stateOf(sources, board, loop),
  });
  part.start();
  return part;
}

function ownerIdOf(lock: RunningLockService | null): string | null {
  return lock && 'processId' in lock ? String(lock.processId) : null;
}

function stateOf(sources: FleetSources, board: ReportBoard | null, loop: BusyLoop): ServerNow {
  const { config, lock, stock, delegation, readiness, database } = sources;
  const lanes = [...stock.loads(ownerIdOf(lock))];
  const { lines, longestQueue, baskets } = stock.stats();
  const health = lock?.health() ?? null;
  const ofLock = health?.servers.flatMap(({ address }) => address ?? []) ?? [];
  const ofBoard = board?.address ?? null;
  return {
    state: readiness.state,
    mysql: database.server.name,
    mysqlServer: database.server.identity,
    redis: [...new Set([...ofLock, ...(ofBoard === null ? [] : [ofBoard])])],
    lock: { configured: config.stockLock, now: readiness.deductionsRunUnder },
    warnings: [
      ...databaseWarnings(sources.health),
      ...lockWarnings(health, config, readiness.deductionsRunUnder),
      ...redisWarnings(sources),
      ...pressureWarnings(config, longestQueue, loop),
    ],
    delegated: delegation?.stats().outgoing.answered ?? 0,
    queuedLines: lines + baskets,
    lanes,
  };
}

function* databaseWarnings(health: WriteHealth): Generator<Warning> {
  const { writable, since, reason } = health.report();
  if (!writable) {
    const message = `MySQL takes no writes of this server: ${reason ?? 'unknown'}.`;
    yield { code: 'MYSQL_AWAY', message, sinceMs: since.getTime() };
    return;
  }
  const { silentMs } = health;
  if (silentMs < WRITE_HEALTH.silenceMaxMs) return;
  const message = `A transaction has had no answer of MySQL for ${Math.round(silentMs / 1_000)} s.`;
  yield { code: 'MYSQL_SILENT', message, sinceMs: Date.now() - silentMs };
}

function* lockWarnings(
  health: LockHealth | null,
  { lockFallback }: Config,
  under: string,
): Generator<Warning> {
  if (!health) return;
  for (const { available, name, reason, since } of health.servers) {
    if (available) continue;
    const which = name ?? 'Redis';
    const message = `${which} does not serve the lock: ${reason ?? 'unknown'}.`;
    yield { code: 'REDIS_AWAY', message, sinceMs: since.getTime() };
  }
  if (!/database|nothing/.test(under)) return;
  const what = under.includes(' or ') ? 'Products whose lock is away' : 'All products';
  const how =
    lockFallback === 'fail' ? 'refuse writes as UNAVAILABLE' : 'are written under row locks';
  const message = `${what} ${how} until Redis serves the lock again.`;
  yield { code: 'LOCK_FALLBACK', message, sinceMs: health.since.getTime() };
}

function* redisWarnings({ publisher, requestLimit }: FleetSources): Generator<Warning> {
  if (publisher && !publisher.isWorking) {
    const message = 'Redis takes no changes of stock: subscribers of other servers miss them.';
    yield { code: 'CHANGES_UNPUBLISHED', message, sinceMs: null };
  }
  if (requestLimit && !requestLimit.isCounting) {
    const message = 'Redis counts no requests: no rate limit applies until it does.';
    yield { code: 'RATE_LIMIT_OFF', message, sinceMs: null };
  }
}

function* pressureWarnings(
  config: Config,
  longestQueue: number,
  loop: BusyLoop,
): Generator<Warning> {
  const [variable, most] = longestQueueOf(config);
  if (longestQueue >= QUEUE_NEARLY_FULL * most) {
    const message = `The queue of a product has ${longestQueue} lines; ${variable} is ${most}.`;
    yield { code: 'QUEUE_NEARLY_FULL', message, sinceMs: null };
  }
  const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
  if (used >= HEAP_NEARLY_FULL * limit) {
    const message = `The heap has ${megabytes(used)} MB of at most ${megabytes(limit)} MB.`;
    yield { code: 'MEMORY_NEARLY_FULL', message, sinceMs: null };
  }
  if (loop.busySeconds() < BUSY_SECONDS) return;
  const message = `The process was busy for ${LOOP_BUSY * 100} % of each of the last ${BUSY_SECONDS} seconds.`;
  yield { code: 'EVENT_LOOP_BUSY', message, sinceMs: null };
}

function megabytes(bytes: number): number {
  return Math.round(bytes / 1_000_000);
}

/** What bounds the queue of a product for the clients of a shop, which may all be one principal. */
function longestQueueOf(config: Config): readonly [variable: string, lines: number] {
  const { auth, laneQueueMax, laneQueueMaxPerPrincipal } = config;
  return auth.length > 0 && laneQueueMaxPerPrincipal < laneQueueMax
    ? ['LANE_QUEUE_MAX_PER_PRINCIPAL', laneQueueMaxPerPrincipal]
    : ['LANE_QUEUE_MAX', laneQueueMax];
}

class BusyLoop {
  private before = performance.eventLoopUtilization();
  private seconds = 0;

  /** To be called once a second. How many seconds in a row have been busy. */
  busySeconds(): number {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, this.before);
    this.before = now;
    this.seconds = utilization < LOOP_BUSY ? 0 : this.seconds + 1;
    return this.seconds;
  }
}

/** The program runs from `dist/src`, and in the tests from `src`. */
function packageVersion(): string {
  for (const path of ['../package.json', '../../package.json']) {
    try {
      const text = readFileSync(new URL(path, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as { name: string; version: string };
      if (name === 'stockade') return version;
    } catch {
      // It is not there.
    }
  }
  return 'unknown';
}
