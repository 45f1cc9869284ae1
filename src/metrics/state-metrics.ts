/** How this process is now: whether it serves, what waits in it, its connections, and what its transactions did. */
import type { Registry } from 'prom-client';
import type { StockServiceStats } from '../inventory/lanes/stock-service.js';
import { Metrics } from './read-metrics.js';

interface PoolStats {
  readonly used: number;
  readonly free: number;
  readonly waiting: number;
}

interface TransactionStats {
  readonly ends: Readonly<Record<string, number>>;
  readonly retries: Readonly<Record<string, number>>;
  readonly staleReads: number;
}

export interface RedisState {
  readonly name: string | null;
  readonly available: boolean;
}

export interface StateSources {
  readonly readiness?: { readonly state: string };
  readonly writes?: { readonly isWritable: boolean; check(): Promise<unknown> };
  readonly stock?: { stats(): StockServiceStats };
  readonly database?: { pools(): Readonly<Record<string, PoolStats>> };
  readonly transactions?: { stats(): TransactionStats };
}

/** @param redis the servers of the lock; null without one. */
export function addStateMetrics(
  registry: Registry,
  sources: StateSources,
  redis: (() => readonly RedisState[]) | null,
): void {
  const { readiness, writes, stock, database, transactions } = sources;
  if (readiness) {
    new Metrics(registry, () => readiness.state === 'READY').gauge(
      'stockade_ready',
      '1: /ready answers 200, as far as it is known without asking; of several workers the least.',
      Number,
      'min',
    );
  }
  if (writes) {
    const isWritable = () => {
      // A server that nothing is asked of finds out by this alone; the next scrape has the answer.
      void writes.check();
      return writes.isWritable;
    };
    new Metrics(registry, isWritable).gauge(
      'stockade_database_writable',
      '1: MySQL takes writes of this process; of several workers the least.',
      Number,
      'min',
    );
  }
  if (redis) {
    new Metrics(registry, redis).gauges(
      'stockade_redis_available',
      '1: this Redis serves the lock; of several workers the least.',
      'server',
      (servers) =>
        Object.fromEntries(servers.map(({ name, available }) => [name ?? 'Redis', +available])),
      'min',
    );
  }
  if (stock) addQueueMetrics(new Metrics(registry, () => stock.stats()));
  if (database) addPoolMetrics(new Metrics(registry, () => database.pools()));
  if (transactions) addTransactionMetrics(new Metrics(registry, () => transactions.stats()));
}

function addQueueMetrics(metrics: Metrics<StockServiceStats>): void {
  metrics.gauge(
    'stockade_lanes',
    'Products with a queue, or that this process owns.',
    ({ lanes }) => lanes,
  );
  metrics.gauge('stockade_queue_lines', 'Lines that wait in queues.', ({ lines }) => lines);
  metrics.gauge(
    'stockade_queue_lines_longest',
    'Lines in the longest queue of one product; of several workers the most.',
    ({ longestQueue }) => longestQueue,
    'max',
  );
  metrics.gauge(
    'stockade_delegated_lines',
    'Lines that are with the owners of their products.',
    ({ handedLines }) => handedLines,
  );
  metrics.gauge('stockade_baskets', 'Writes of several products.', ({ baskets }) => baskets);
  metrics.gauges(
    'stockade_commits',
    'Transactions that write, and those that wait for a place.',
    'state',
    ({ commits }) => ({ ...commits }),
  );
}

function addPoolMetrics(metrics: Metrics<Readonly<Record<string, PoolStats>>>): void {
  const each =
    (read: (pool: PoolStats) => number) => (pools: Readonly<Record<string, PoolStats>>) =>
      Object.fromEntries(Object.entries(pools).map(([name, pool]) => [name, read(pool)]));
  metrics.gauges(
    'stockade_pool_used',
    'Connections to MySQL that work.',
    'pool',
    each(({ used }) => used),
  );
  metrics.gauges(
    'stockade_pool_free',
    'Connections to MySQL that are free.',
    'pool',
    each(({ free }) => free),
  );
  metrics.gauges(
    'stockade_pool_waiting',
    'Callers that wait for a connection to MySQL.',
    'pool',
    each(({ waiting }) => waiting),
  );
}

function addTransactionMetrics(metrics: Metrics<TransactionStats>): void {
  metrics.counters(
    'stockade_transactions_total',
    'Transactions that change stock, by how they ended.',
    'outcome',
    ({ ends }) => ends,
  );
  metrics.counters(
    'stockade_transaction_retries_total',
    'Transactions that were begun again, by the cause.',
    'cause',
    ({ retries }) => retries,
  );
  metrics.counter(
    'stockade_stale_reads_total',
    'Transactions that were begun again because a level had changed since it was read.',
    ({ staleReads }) => staleReads,
  );
}
