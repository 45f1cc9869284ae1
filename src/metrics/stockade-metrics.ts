/**
 * The metrics of one process for Prometheus: prom-client's default metrics, and the counters of the parts, which are
 * read at each scrape, so that a request only increments plain numbers.
 */
import { performance } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, Registry } from 'prom-client';
import type { StockFeedStats } from '../changes/stock-feed.js';
import type { CompiledStats } from '../graphql/compiled/compiled-operations.js';
import type { DocumentStoreStats } from '../graphql/document-store.js';
import type { DelegationStats } from '../inventory/delegation/delegation.js';
import type { LockStats } from '../lock/index.js';
import type { LineMetrics } from './line-metrics.js';
import type { OperationMetrics } from './operation-metrics.js';
import { Metrics } from './read-metrics.js';
import type { RequestMetrics } from './request-metrics.js';
import { addStateMetrics, type RedisState, type StateSources } from './state-metrics.js';

interface ConnectionStats {
  /** WebSockets included. */
  readonly connections: number;
  readonly webSockets: number;
  readonly unsentBytes: number;
  readonly held: number;
  /** Requests for GraphQL that have no answer yet. */
  readonly operations: number;
}

export interface MetricsSources extends StateSources {
  /** Null where no distributed lock is used. */
  readonly lock: {
    stats(): LockStats;
    health(): { readonly servers: readonly RedisState[] };
  } | null;
  /** Null where products have no owners. */
  readonly delegation?: { stats(): DelegationStats } | null;
  readonly feed: { stats(): StockFeedStats } | null;
  /** Null where changes are not published to other processes. */
  readonly publisher: { stats(): { readonly published: number; readonly dropped: number } } | null;
  readonly documents: { stats(): DocumentStoreStats };
  readonly compiled?: { stats(): CompiledStats };
  /** Null without authentication. */
  readonly authenticator: { stats(): { readonly refused: number } } | null;
  /** Null without a rate limit. */
  readonly requestLimit: {
    stats(): { readonly refused: number; readonly uncounted: number };
  } | null;
  readonly connections?: {
    stats(): ConnectionStats;
  };
  readonly refusals?: { stats(): Readonly<Record<string, number>> };
  readonly operations?: OperationMetrics;
  readonly lines?: LineMetrics;
  readonly requests?: RequestMetrics;
  readonly times?: { readonly ttlMs: number; readonly waitMs: number };
}

export function stockadeMetrics(sources: MetricsSources): Registry {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  addEventLoopUtilization(registry);
  const { lock, feed, publisher, documents, compiled, authenticator, requestLimit } = sources;
  const { connections, refusals, operations, times, delegation } = sources;
  operations?.addTo(registry);
  sources.lines?.addTo(registry);
  sources.requests?.addTo(registry);
  addStateMetrics(registry, sources, lock && (() => lock.health().servers));
  if (times) addTimeOuts(registry, times);
  addDocumentMetrics(new Metrics(registry, () => documents.stats()));
  if (compiled) addCompiledMetrics(new Metrics(registry, () => compiled.stats()));
  if (refusals) {
    new Metrics(registry, () => refusals.stats()).counters(
      'stockade_refusals_total',
      'Refused requests, by the kind of the refusal.',
      'kind',
      (counts) => counts,
    );
  }
  if (connections) addConnectionMetrics(new Metrics(registry, () => connections.stats()));
  if (lock) addLockMetrics(new Metrics(registry, () => lock.stats()));
  if (delegation) addDelegationMetrics(new Metrics(registry, () => delegation.stats()));
  if (feed) addFeedMetrics(new Metrics(registry, () => feed.stats()));
  if (publisher) {
    new Metrics(registry, () => publisher.stats()).counters(
      'stockade_changes_published_total',
      'Changed levels, by whether they were published to the other processes.',
      'outcome',
      ({ published, dropped }) => ({ published, dropped }),
    );
  }
  if (authenticator) {
    new Metrics(registry, () => authenticator.stats()).counter(
      'stockade_authentications_refused_total',
      'Requests whose credential was refused, or could not be checked.',
      ({ refused }) => refused,
    );
  }
  if (requestLimit) {
    const metrics = new Metrics(registry, () => requestLimit.stats());
    metrics.counter(
      'stockade_rate_limit_refused_total',
      'Requests beyond the rate of their principal.',
      ({ refused }) => refused,
    );
    metrics.counter(
      'stockade_rate_limit_uncounted_total',
      'Requests that were let through uncounted while Redis was away.',
      ({ uncounted }) => uncounted,
    );
  }
  return registry;
}

function addEventLoopUtilization(registry: Registry): void {
  let since = performance.eventLoopUtilization();
  new Gauge({
    name: 'nodejs_eventloop_utilization',
    help: 'Busy part of the event loop since the last scrape; of several workers the most.',
    registers: [registry],
    aggregator: 'max',
    collect() {
      const now = performance.eventLoopUtilization();
      this.set(performance.eventLoopUtilization(now, since).utilization);
      since = now;
    },
  });
}

/** Of several workers the longest counts: it bounds what others wait for. */
function addTimeOuts(registry: Registry, times: NonNullable<MetricsSources['times']>): void {
  const add = (name: string, help: string, readMs: () => number) =>
    new Gauge({
      ...{ name, help, registers: [registry], aggregator: 'max' },
      collect() {
        this.set(readMs() / 1_000);
      },
    });
  add('stockade_lock_ttl_seconds', 'LOCK_TTL_MS as it is now.', () => times.ttlMs);
  add('stockade_lock_wait_max_seconds', 'LOCK_WAIT_MS as it is now.', () => times.waitMs);
}

function addDocumentMetrics(metrics: Metrics<DocumentStoreStats>): void {
  metrics.counters(
    'stockade_document_lookups_total',
    'Operations, by whether their parsed document was in the store.',
    'outcome',
    ({ hits, misses }) => ({ hit: hits, miss: misses }),
  );
  metrics.gauge('stockade_documents', 'Parsed documents in the store.', (stats) => stats.documents);
  metrics.gauge(
    'stockade_documents_bytes',
    'Their size by the estimate that bounds the store.',
    ({ bytes }) => bytes,
  );
}

function addCompiledMetrics(metrics: Metrics<CompiledStats>): void {
  metrics.counter(
    'stockade_operations_compiled_total',
    'Operations that were executed by a plan.',
    ({ compiled }) => compiled,
  );
  metrics.counters(
    'stockade_operations_interpreted_total',
    'Operations that graphql-js executed, by why they had no plan.',
    'reason',
    ({ interpreted }) => interpreted,
  );
  metrics.gauge(
    'stockade_compiled_operations',
    'Operations that have plans.',
    ({ operations }) => operations,
  );
}

function addConnectionMetrics(metrics: Metrics<ConnectionStats>): void {
  metrics.gauge(
    'stockade_connections',
    'Open connections, WebSockets included.',
    ({ connections }) => connections,
  );
  metrics.gauge(
    'stockade_requests_under_way',
    'Requests for GraphQL that have no answer yet.',
    ({ operations }) => operations,
  );
  metrics.gauge('stockade_websockets', 'Open WebSockets.', ({ webSockets }) => webSockets);
  metrics.gauge(
    'stockade_unsent_bytes',
    'Bytes of answers that wait until their clients read them.',
    ({ unsentBytes }) => unsentBytes,
  );
  metrics.counter(
    'stockade_requests_held_total',
    'Pipelined requests that waited until earlier ones of their connection were answered.',
    ({ held }) => held,
  );
}

function addDelegationMetrics(metrics: Metrics<DelegationStats>): void {
  metrics.counters(
    'stockade_delegated_writes_total',
    'Writes that were handed to the process that owns their product, by what became of them.',
    'outcome',
    ({ outgoing }) => ({
      answered: outgoing.answered,
      not_taken: outgoing.notTaken,
      unknown: outgoing.unknown,
    }),
  );
  metrics.counter(
    'stockade_delegated_writes_repeated_total',
    'Writes that were handed over again, because the owner was not heard.',
    ({ outgoing }) => outgoing.sentAgain,
  );
  metrics.counters(
    'stockade_foreign_writes_total',
    'Writes of other processes, by whether this process decided them.',
    'outcome',
    ({ incoming }) => ({ answered: incoming.answered, given_back: incoming.givenBack }),
  );
  metrics.counter(
    'stockade_delegation_messages_total',
    'Messages to other processes about such writes.',
    ({ messages }) => messages,
  );
  metrics.counters(
    'stockade_delegation_messages_dropped_total',
    'Messages that were dropped: not of this form, of another version, forged, or sent before.',
    'reason',
    ({ dropped }) => dropped,
  );
}

function addFeedMetrics(metrics: Metrics<StockFeedStats>): void {
  metrics.gauge(
    'stockade_watchers',
    'Subscriptions to changes of stock, now.',
    ({ watchers }) => watchers,
  );
  metrics.counter(
    'stockade_watch_changes_total',
    'Changes delivered to subscriptions, one for each subscription.',
    ({ changes }) => changes,
  );
  metrics.counter(
    'stockade_watch_missed_total',
    'Notices to a subscription that changes may have been missed.',
    ({ missed }) => missed,
  );
  metrics.counter(
    'stockade_watch_overflows_total',
    'Overflows of the queue of a subscription whose client reads too slowly.',
    ({ overflows }) => overflows,
  );
}

function addLockMetrics(metrics: Metrics<LockStats>): void {
  metrics.counters(
    'stockade_lock_acquisitions_total',
    'Attempts to acquire a lock.',
    'outcome',
    (stats) => ({
      acquired: stats.acquired,
      timed_out: stats.timeouts,
      aborted: stats.aborts,
      queue_full: stats.queueFull,
      unavailable: stats.unavailable,
    }),
  );
  metrics.counter(
    'stockade_lock_waits_total',
    'Locks that were acquired only after a wait.',
    ({ waits }) => waits,
  );
  metrics.counters(
    'stockade_lock_hand_offs_total',
    'Locks handed to the next waiter.',
    'to',
    ({ handOffs }) => handOffs,
  );
  metrics.counters(
    'stockade_lock_wake_ups_total',
    'What woke a waiter.',
    'cause',
    ({ wakeUps }) => wakeUps,
  );
  metrics.counters(
    'stockade_lock_renewals_total',
    'Renewals of leases; late ones are also ok.',
    'outcome',
    ({ renewals }) => renewals,
  );
  metrics.counter(
    'stockade_lock_leases_lost_total',
    'Leases that ended before their release.',
    ({ leasesLost }) => leasesLost,
  );
  metrics.counter(
    'stockade_lock_releases_failed_total',
    'Releases that did not reach Redis.',
    ({ releasesFailed }) => releasesFailed,
  );
  metrics.counter(
    'stockade_lock_round_trips_total',
    'Commands sent to Redis for locks.',
    ({ roundTrips }) => roundTrips,
  );
  metrics.gauge('stockade_lock_waiters', 'Waiters for locks now.', ({ waitersNow }) => waitersNow);
  metrics.gauge('stockade_lock_leases_held', 'Leases held now.', ({ heldNow }) => heldNow);
  metrics.histogram(
    'stockade_lock_wait_seconds',
    'From the request for a lock to its lease.',
    ({ waitTime }) => waitTime,
  );
  metrics.histogram(
    'stockade_lock_hold_seconds',
    'From the lease of a lock to its end.',
    ({ holdTime }) => holdTime,
  );
}
