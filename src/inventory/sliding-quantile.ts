/** A high quantile of the durations of about the last minute, in slots of time that are dropped one after another. */
import type { Clock } from '../time/clock.js';
import { Durations } from '../time/durations.js';

const SLOT_MS = 5_000;
const SLOTS = 12;

export class SlidingQuantile {
  private slots: { readonly beganMs: number; readonly durations: Durations }[] = [];

  constructor(private readonly clock: Clock) {}

  add(durationMs: number): void {
    const nowMs = this.clock.nowMs();
    let slot = this.slots.at(-1);
    if (!slot || nowMs - slot.beganMs >= SLOT_MS) {
      slot = { beganMs: nowMs, durations: new Durations() };
      this.slots.push(slot);
      if (this.slots.length > SLOTS) this.slots.shift();
    }
    slot.durations.add(durationMs);
  }

  /** At least as long as this part of the durations, in milliseconds; 0 where there was none. */
  at(part: number): number {
    const sinceMs = this.clock.nowMs() - SLOTS * SLOT_MS;
    this.slots = this.slots.filter(({ beganMs }) => beganMs > sinceMs);
    const all = new Durations();
    for (const { durations } of this.slots) all.addAll(durations);
    return all.at(part) ?? 0;
  }
}
