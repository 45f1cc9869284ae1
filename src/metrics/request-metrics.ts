/** Requests by the field that they ask for and by their outcome, and how long they took. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { EndedRequest, RequestObserver } from '../graphql/context.js';
import { BUCKETS_MS } from '../lock/index.js';

const SECONDS = BUCKETS_MS.map((ms) => ms / 1_000);

export class RequestMetrics implements RequestObserver {
  private readonly requests = new Counter({
    name: 'stockade_requests_total',
    help: 'GraphQL requests, by their field and by ok or the code of their first error.',
    labelNames: ['operation', 'outcome'],
    registers: [],
  });
  private readonly times = new Histogram({
    name: 'stockade_request_seconds',
    help: 'From the admission of a request to its answer.',
    labelNames: ['operation'],
    buckets: SECONDS,
    registers: [],
  });
  /** A look-up of labels for each request would cost more than the rest of it. */
  private readonly series = new Map<string, Histogram.Internal<'operation'>>();
  private readonly counts = new Map<string, Map<string, Counter.Internal>>();

  addTo(registry: Registry): void {
    registry.registerMetric(this.requests);
    registry.registerMetric(this.times);
  }

  ended({ operation, failure, tookMs }: EndedRequest): void {
    let times = this.series.get(operation);
    let counts = this.counts.get(operation);
    if (!times || !counts) {
      times = this.times.labels(operation);
      counts = new Map();
      this.series.set(operation, times);
      this.counts.set(operation, counts);
    }
    times.observe(tookMs / 1_000);
    const outcome = failure ?? 'ok';
    let count = counts.get(outcome);
    if (!count) {
      count = this.requests.labels(operation, outcome);
      counts.set(outcome, count);
    }
    count.inc();
  }
}
