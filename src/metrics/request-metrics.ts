/**
 * Requests by the field that they ask for and by their outcome, and how long they took. A request only increments plain
 * numbers, which are read at each scrape.
 */
import { Counter, type Registry } from 'prom-client';
import type { EndedRequest, RequestObserver } from '../graphql/context.js';
import { BUCKETS_MS, type DurationStats } from '../lock/index.js';
import { Metrics } from './read-metrics.js';

/** Of one field. */
class Requests {
  readonly outcomes: Record<string, number> = {};
  private count = 0;
  private sumMs = 0;
  private maxMs = 0;
  private readonly within = BUCKETS_MS.map(() => 0);

  add(outcome: string, tookMs: number): void {
    this.outcomes[outcome] = (this.outcomes[outcome] ?? 0) + 1;
    this.count += 1;
    this.sumMs += tookMs;
    if (tookMs > this.maxMs) this.maxMs = tookMs;
    for (let i = 0; i < BUCKETS_MS.length; i += 1) {
      if (tookMs > (BUCKETS_MS[i] ?? Infinity)) continue;
      this.within[i] = (this.within[i] ?? 0) + 1;
      return;
    }
  }

  times(): DurationStats {
    const { count, sumMs, maxMs } = this;
    const buckets = BUCKETS_MS.map((leMs, i) => ({ leMs, count: this.within[i] ?? 0 }));
    return { count, sumMs, maxMs, buckets };
  }
}

export class RequestMetrics implements RequestObserver {
  /** By fields of the schema, which bound their number. */
  private readonly requests = new Map<string, Requests>();
  private unexpectedErrors = 0;

  addTo(registry: Registry): void {
    const { requests } = this;
    // Without labels, so that it is there before the first error: the increase of a series that begins at 1 is none.
    new Metrics(registry, () => this.unexpectedErrors).counter(
      'stockade_unexpected_errors_total',
      'Errors that clients were told as INTERNAL_SERVER_ERROR.',
      (count) => count,
    );
    new Counter({
      name: 'stockade_requests_total',
      help: 'GraphQL requests, by their field and by ok or the code of their first error.',
      labelNames: ['operation', 'outcome'],
      registers: [registry],
      collect() {
        this.reset();
        for (const [operation, { outcomes }] of requests)
          for (const [outcome, count] of Object.entries(outcomes))
            this.inc({ operation, outcome }, count);
      },
    });
    new Metrics(registry, () => requests).histograms(
      'stockade_request_seconds',
      'From the headers of a request to its answer.',
      'operation',
      (each) => [...each].map(([operation, one]) => [operation, one.times()] as const),
    );
  }

  unexpected(): void {
    this.unexpectedErrors += 1;
  }

  ended({ operation, failure, tookMs }: EndedRequest): void {
    let requests = this.requests.get(operation);
    if (!requests) {
      requests = new Requests();
      this.requests.set(operation, requests);
    }
    requests.add(failure ?? 'ok', tookMs);
  }
}
