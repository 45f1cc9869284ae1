/** What clients saw of an incident. */
import { TAKEN, type Attempt } from './attempts.js';

export interface Timeline {
  readonly incident: string;
  /** From 1. */
  readonly repeat: number;
  /** The longest time without a deduction that succeeded, from the incident on. */
  readonly outageMs: number;
  readonly taken: number;
  /** How often each code of an error was answered. */
  readonly failed: Readonly<Record<string, number>>;
  /** In milliseconds since the incident. */
  readonly attempts: readonly {
    readonly atMs: number;
    readonly tookMs: number;
    readonly outcome: string;
  }[];
}

export function timelineOf(
  incident: string,
  repeat: number,
  sinceMs: number,
  ended: readonly Attempt[],
): Timeline {
  const failed: Record<string, number> = {};
  for (const { outcome } of ended) {
    if (outcome !== TAKEN) failed[outcome] = (failed[outcome] ?? 0) + 1;
  }
  const attempts = ended.map(({ beganMs, endedMs, outcome }) => ({
    atMs: Math.round(beganMs - sinceMs),
    tookMs: Number((endedMs - beganMs).toFixed(1)),
    outcome,
  }));
  const taken = ended.filter(({ outcome }) => outcome === TAKEN);
  const endsMs = taken.map(({ endedMs }) => endedMs);
  const outageMs = longestGapMs(endsMs, sinceMs);
  return { incident, repeat, outageMs, taken: taken.length, failed, attempts };
}

/** The longest time between two successes, from the given moment on, in milliseconds. */
export function longestGapMs(successesMs: readonly number[], sinceMs: number): number {
  const after = successesMs.filter((ms) => ms > sinceMs).sort((a, b) => a - b);
  const gaps = after.map((ms, i) => ms - (after[i - 1] ?? sinceMs));
  return Math.round(Math.max(0, ...gaps));
}
