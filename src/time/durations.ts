/**
 * Counts of durations in buckets that grow by a tenth: an observation is one increment, and a quantile is at most a
 * tenth too long.
 */
const SHORTEST_MS = 0.1;
const GROWTH = 1.1;
/** The last one is for everything from three minutes. */
const BUCKETS = 160;
const LOG_GROWTH = Math.log(GROWTH);

export interface Quantiles {
  /** How many durations there were. */
  readonly count: number;
  /** In milliseconds; null where there was none. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export class Durations {
  private readonly counts = new Uint32Array(BUCKETS);
  private total = 0;

  add(durationMs: number): void {
    const at = Math.ceil(Math.log(durationMs / SHORTEST_MS) / LOG_GROWTH);
    const bucket = at > 0 ? Math.min(BUCKETS - 1, at) : 0;
    this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
    this.total += 1;
  }

  addAll(other: Durations): void {
    other.counts.forEach((count, bucket) => {
      this.counts[bucket] = (this.counts[bucket] ?? 0) + count;
    });
    this.total += other.total;
  }

  quantiles(): Quantiles {
    return { count: this.total, p50Ms: this.at(0.5), p99Ms: this.at(0.99) };
  }

  /** At least as long as this part of the durations, in milliseconds; null where there was none. */
  at(part: number): number | null {
    if (this.total === 0) return null;
    let below = 0;
    const bucket = this.counts.findIndex((count) => (below += count) >= this.total * part);
    return Math.round(SHORTEST_MS * GROWTH ** bucket * 100) / 100;
  }
}
