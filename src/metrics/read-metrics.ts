/** Metrics whose values are read from the parts at each scrape, so that a request only increments plain numbers. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { DurationStats } from '../lock/index.js';

/** Metrics that read their values from one part. */
export class Metrics<Stats> {
  constructor(
    private readonly registry: Registry,
    private readonly stats: () => Stats,
  ) {}

  /** @param aggregator what several workers have together. */
  gauge(
    name: string,
    help: string,
    read: (stats: Stats) => number,
    aggregator: 'sum' | 'max' | 'min' = 'sum',
  ): void {
    const value = () => read(this.stats());
    new Gauge({
      name,
      help,
      aggregator,
      registers: [this.registry],
      collect() {
        this.set(value());
      },
    });
  }

  /** One series for each name that `read` returns. */
  gauges(
    name: string,
    help: string,
    label: string,
    read: (stats: Stats) => Readonly<Record<string, number>>,
    aggregator: 'sum' | 'min' = 'sum',
  ): void {
    const values = () => Object.entries(read(this.stats()));
    new Gauge({
      name,
      help,
      aggregator,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [key, value] of values()) this.set({ [label]: key }, value);
      },
    });
  }

  counter(name: string, help: string, read: (stats: Stats) => number): void {
    const value = () => read(this.stats());
    new Counter({
      name,
      help,
      registers: [this.registry],
      collect() {
        this.reset();
        this.inc(value());
      },
    });
  }

  /** One series for each name that `read` returns. */
  counters(
    name: string,
    help: string,
    label: string,
    read: (stats: Stats) => Readonly<Record<string, number>>,
  ): void {
    const values = () => Object.entries(read(this.stats()));
    new Counter({
      name,
      help,
      labelNames: [label],
      registers: [this.registry],
      collect() {
        this.reset();
        for (const [key, value] of values()) this.inc({ [label]: key }, value);
      },
    });
  }

  histogram(name: string, help: string, read: (stats: Stats) => DurationStats): void {
    const series = () => [[{}, read(this.stats())] as const];
    this.registry.registerMetric(new ReadHistogram({ name, help }, series));
  }

  /** One series for each pair that `read` returns. */
  histograms(
    name: string,
    help: string,
    label: string,
    read: (stats: Stats) => readonly (readonly [value: string, stats: DurationStats])[],
  ): void {
    const series = () =>
      read(this.stats()).map(([value, one]) => [{ [label]: value }, one] as const);
    this.registry.registerMetric(new ReadHistogram({ name, help }, series));
  }
}

type Series = readonly [labels: Readonly<Record<string, string>>, stats: DurationStats];

type HistogramValues = Awaited<ReturnType<Histogram['get']>>;

/** A histogram from counts that a part keeps; prom-client's own only observes single values. */
class ReadHistogram extends Histogram {
  private readonly empty: Histogram;

  constructor(
    private readonly names: { readonly name: string; readonly help: string },
    private readonly read: () => readonly Series[],
  ) {
    super({ ...names, registers: [] });
    this.empty = new Histogram({ ...names, registers: [] });
  }

  override async get(): Promise<HistogramValues> {
    return {
      ...(await this.empty.get()),
      values: this.read().flatMap((series) => samples(this.names.name, series)),
    };
  }

  /** prom-client writes its text from this. */
  getForPromString(): Promise<HistogramValues> {
    return this.get();
  }
}

/** Prometheus' buckets are cumulative, and in seconds. */
function samples(name: string, [labels, { buckets, count, sumMs }]: Series) {
  let below = 0;
  const bounds = buckets.map(({ leMs, count: within }) => {
    below += within;
    return { metricName: `${name}_bucket`, labels: { ...labels, le: leMs / 1_000 }, value: below };
  });
  return [
    ...bounds,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count },
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: count },
  ];
}
