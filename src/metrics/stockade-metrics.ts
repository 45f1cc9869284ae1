/**
 * What `GET /metrics` tells, in Prometheus' format: the lock's counters and the process's own. Everything is read when
 * it is asked for, so that being watched costs the requests nothing.
 */
import { performance } from 'node:perf_hooks';
import { Gauge, Registry, type Metric } from 'prom-client';
import type { StockFeedStats } from '../changes/stock-feed.js';
import type { DurationStats, LockStats } from '../lock/index.js';

export interface MetricsPage {
  readonly contentType: string;
  read(): Promise<string>;
}

/** Who counts at the door; null where it is not guarded. */
export interface DoorCounts {
  readonly authenticator: { stats(): { readonly refused: number } } | null;
  readonly requestLimit: {
    stats(): { readonly refused: number; readonly uncounted: number };
  } | null;
}

export interface MetricsSources {
  /** Null where no distributed lock is used. */
  readonly lock: { stats(): LockStats } | null;
  /** Null where nobody can watch. */
  readonly feed: { stats(): StockFeedStats } | null;
  /** Null where the other processes are told nothing. */
  readonly publisher: { stats(): { readonly published: number; readonly dropped: number } } | null;
  /** Left out where the door is not guarded. */
  readonly door?: DoorCounts | undefined;
}

export function stockadeMetrics({ lock, feed, publisher, door }: MetricsSources): MetricsPage {
  const registry = new Registry();
  addProcessMetrics(registry);
  if (lock) addLockMetrics(registry, lock);
  if (feed) addWatchMetrics(registry, feed);
  if (publisher) addPublisherMetrics(registry, publisher);
  if (door) addDoorMetrics(registry, door);
  return { contentType: registry.contentType, read: () => registry.metrics() };
}

function addProcessMetrics(registry: Registry): void {
  const gauge = (name: string, help: string, read: () => number) => {
    registry.registerMetric(
      new Gauge({
        name,
        help,
        registers: [],
        collect() {
          this.set(read());
        },
      }),
    );
  };
  let since = performance.eventLoopUtilization();
  gauge('process_uptime_seconds', 'Since the process began.', () => process.uptime());
  gauge('process_cpu_seconds', 'CPU time used, user and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  gauge(
    'nodejs_eventloop_utilization',
    'Busy part of the event loop since the last reading.',
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, since);
      since = now;
      return utilization;
    },
  );
}

function addDoorMetrics(registry: Registry, { authenticator, requestLimit }: DoorCounts): void {
  const counter = (name: string, help: string, read: () => number) => {
    const get = () =>
      Promise.resolve({
        name,
        help,
        type: 'counter',
        values: [{ value: read() }],
        aggregator: 'sum',
      });
    registry.registerMetric({ name, get } as unknown as Metric);
  };
  if (authenticator) {
    counter(
      'stockade_authentications_refused_total',
      'Requests whose credential proved nobody, or could not be looked up.',
      () => authenticator.stats().refused,
    );
  }
  if (requestLimit) {
    counter(
      'stockade_rate_limit_refused_total',
      'Requests beyond the rate of their principal.',
      () => requestLimit.stats().refused,
    );
    counter(
      'stockade_rate_limit_uncounted_total',
      'Requests that were let through uncounted while Redis was away.',
      () => requestLimit.stats().uncounted,
    );
  }
}

interface Sample {
  readonly value: number;
  readonly metricName?: string;
  readonly labels?: Readonly<Record<string, string | number>>;
}

type AddMetric<Stats> = (
  type: 'counter' | 'gauge' | 'histogram',
  name: string,
  help: string,
  read: (stats: Stats) => readonly Sample[],
) => void;

/** The parts count by themselves; prom-client is handed the finished numbers. */
function metricsOf<Stats>(registry: Registry, source: { stats(): Stats }): AddMetric<Stats> {
  return (type, name, help, read) => {
    const metric = {
      name,
      get: () =>
        Promise.resolve({ name, help, type, values: read(source.stats()), aggregator: 'sum' }),
    };
    registry.registerMetric(metric as unknown as Metric);
  };
}

function addWatchMetrics(registry: Registry, feed: { stats(): StockFeedStats }): void {
  const add = metricsOf(registry, feed);
  add('gauge', 'stockade_watchers', 'Subscriptions to changes of stock, now.', (s) => [
    { value: s.watchers },
  ]);
  add(
    'counter',
    'stockade_watch_changes_total',
    'Changes for watchers, one for each watcher.',
    (s) => [{ value: s.changes }],
  );
  add(
    'counter',
    'stockade_watch_missed_total',
    'Times that a watcher was told it may have missed changes.',
    (s) => [{ value: s.missed }],
  );
  add(
    'counter',
    'stockade_watch_overflows_total',
    'Times that more waited for a slow watcher than is kept.',
    (s) => [{ value: s.overflows }],
  );
}

function addPublisherMetrics(
  registry: Registry,
  publisher: NonNullable<MetricsSources['publisher']>,
): void {
  const add = metricsOf(registry, publisher);
  add(
    'counter',
    'stockade_changes_published_total',
    'Changed levels that the other processes were told of, or not, for Redis was away or slow.',
    (s) => byLabel('outcome', { published: s.published, dropped: s.dropped }),
  );
}

function addLockMetrics(registry: Registry, lock: { stats(): LockStats }): void {
  const add = metricsOf(registry, lock);
  add('counter', 'stockade_lock_acquisitions_total', 'Attempts to get a lock, by outcome.', (s) =>
    byLabel('outcome', {
      acquired: s.acquired,
      timed_out: s.timeouts,
      aborted: s.aborts,
      queue_full: s.queueFull,
      unavailable: s.unavailable,
    }),
  );
  add('counter', 'stockade_lock_waits_total', 'Locks that were not free at once.', (s) => [
    { value: s.waits },
  ]);
  add('counter', 'stockade_lock_hand_offs_total', 'Locks handed to the next waiter.', (s) =>
    byLabel('to', s.handOffs),
  );
  add('counter', 'stockade_lock_wake_ups_total', 'What woke a waiter.', (s) =>
    byLabel('cause', s.wakeUps),
  );
  add(
    'counter',
    'stockade_lock_renewals_total',
    'Renewals of leases; late ones are also ok.',
    (s) => byLabel('outcome', s.renewals),
  );
  add(
    'counter',
    'stockade_lock_leases_lost_total',
    'Leases that ended under their holder.',
    (s) => [{ value: s.leasesLost }],
  );
  add(
    'counter',
    'stockade_lock_releases_failed_total',
    'Releases that Redis was not told of.',
    (s) => [{ value: s.releasesFailed }],
  );
  add('counter', 'stockade_lock_round_trips_total', 'Commands sent to Redis for locks.', (s) => [
    { value: s.roundTrips },
  ]);
  add('gauge', 'stockade_lock_waiters', 'Who waits for a lock now.', (s) => [
    { value: s.waitersNow },
  ]);
  add('gauge', 'stockade_lock_leases_held', 'Leases held now.', (s) => [{ value: s.heldNow }]);
  const wait = 'stockade_lock_wait_seconds';
  add('histogram', wait, 'From asking for a lock to having it.', (s) =>
    histogram(wait, s.waitTime),
  );
  const hold = 'stockade_lock_hold_seconds';
  add('histogram', hold, 'From having a lock to its end.', (s) => histogram(hold, s.holdTime));
}

function byLabel(label: string, counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([name, value]) => ({ labels: { [label]: name }, value }));
}

/** Prometheus' buckets are cumulative, and in seconds. */
function histogram(name: string, { buckets, count, sumMs }: DurationStats): Sample[] {
  let below = 0;
  const bounds = buckets.map(({ leMs, count: within }): Sample => {
    below += within;
    return { metricName: `${name}_bucket`, labels: { le: leMs / 1_000 }, value: below };
  });
  return [
    ...bounds,
    { metricName: `${name}_bucket`, labels: { le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, value: sumMs / 1_000 },
    { metricName: `${name}_count`, value: count },
  ];
}
