/**
 * Histograms of turns and commits, by operation. All labels are made once: a look-up of labels for each observation
 * would cost more than the rest of it.
 */
import { exponentialBuckets, Histogram, type Registry } from 'prom-client';
import type { MeasuredOperation, Measures } from '../inventory/measures.js';
import { BUCKETS_MS } from '../lock/index.js';

const OPERATIONS = [
  ...(['deductStock', 'increaseStock', 'setStock', 'transferStock'] as const),
  ...(['reserveStock', 'commitReservation', 'releaseReservation', 'expireReservations'] as const),
  'mixed' as const,
] satisfies readonly MeasuredOperation[];

const SECONDS = BUCKETS_MS.map((ms) => ms / 1_000);
/** 1, 4, 16 … 4096 lines. */
const LINES = exponentialBuckets(1, 4, 7);

type Series = Readonly<Record<MeasuredOperation, Histogram.Internal<'operation'>>>;

export class OperationMetrics implements Measures {
  private readonly histograms: Histogram<'operation'>[] = [];
  private readonly waits = this.series(
    'stockade_turn_wait_seconds',
    'From the request for the turn at a product, which is its lock, to the grant.',
    SECONDS,
  );
  private readonly holds = this.series(
    'stockade_turn_hold_seconds',
    'From the grant of a turn to its end.',
    SECONDS,
  );
  private readonly commits = this.series(
    'stockade_commit_seconds',
    'Transactions that decided lines, with their repetitions.',
    SECONDS,
  );
  private readonly batches = this.series(
    'stockade_commit_lines',
    'Lines in one such transaction.',
    LINES,
  );

  addTo(registry: Registry): void {
    for (const histogram of this.histograms) registry.registerMetric(histogram);
  }

  waited(operation: MeasuredOperation, waitMs: number): void {
    this.waits[operation].observe(waitMs / 1_000);
  }

  held(operation: MeasuredOperation, holdMs: number): void {
    this.holds[operation].observe(holdMs / 1_000);
  }

  committed(operation: MeasuredOperation, commitMs: number, lines: number): void {
    this.commits[operation].observe(commitMs / 1_000);
    this.batches[operation].observe(lines);
  }

  private series(name: string, help: string, buckets: number[]): Series {
    const labelNames = ['operation'] as const;
    const histogram = new Histogram({ name, help, buckets, labelNames, registers: [] });
    this.histograms.push(histogram);
    const series = OPERATIONS.map((operation) => [operation, histogram.labels(operation)]);
    return Object.fromEntries(series) as Series;
  }
}
