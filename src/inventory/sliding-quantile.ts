/**
 * A high quantile of the durations of about the last minute. Durations are counted in buckets that grow by a quarter,
 * in slots of time that are dropped one after another: an observation is one increment, the error at most a quarter.
 */
import type { Clock } from '../time/clock.js';

const SLOT_MS = 5_000;
const SLOTS = 12;
const GROWTH = 1.25;
/** The last one is for everything from 80 s. */
const BUCKETS = 52;

export class SlidingQuantile {
  private slots: { readonly beganMs: number; readonly counts: Uint32Array }[] = [];

  constructor(private readonly clock: Clock) {}

  add(durationMs: number): void {
    const nowMs = this.clock.nowMs();
    let slot = this.slots.at(-1);
    if (!slot || nowMs - slot.beganMs >= SLOT_MS) {
      slot = { beganMs: nowMs, counts: new Uint32Array(BUCKETS) };
      this.slots.push(slot);
      if (this.slots.length > SLOTS) this.slots.shift();
    }
    const bucket = Math.ceil(Math.log(Math.max(1, durationMs)) / Math.log(GROWTH));
    const at = Math.min(BUCKETS - 1, bucket);
    slot.counts[at] = (slot.counts[at] ?? 0) + 1;
  }

  /** At least as long as this part of the durations, in milliseconds; 0 where there was none. */
  at(part: number): number {
    const sinceMs = this.clock.nowMs() - SLOTS * SLOT_MS;
    this.slots = this.slots.filter(({ beganMs }) => beganMs > sinceMs);
    const counts = new Float64Array(BUCKETS);
    let total = 0;
    for (const slot of this.slots) {
      slot.counts.forEach((count, bucket) => {
        counts[bucket] = (counts[bucket] ?? 0) + count;
        total += count;
      });
    }
    let below = 0;
    for (const [bucket, count] of counts.entries()) {
      below += count;
      if (total > 0 && below >= total * part) return GROWTH ** bucket;
    }
    return 0;
  }
}
