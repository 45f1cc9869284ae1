/**
 * The counters of a lock service. They show contention, which CPU and network measures do not: callers that wait use
 * neither.
 */

/** Upper bounds in milliseconds. Longer durations are in the total alone. */
export const BUCKETS_MS = [
  1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000,
] as const;

export interface DurationStats {
  readonly count: number;
  readonly sumMs: number;
  readonly maxMs: number;
  /** Not cumulative: how many lasted at most `leMs` and longer than the bound before. */
  readonly buckets: readonly { readonly leMs: number; readonly count: number }[];
}

export type WakeUpCause = 'grant' | 'ttl' | 'reconnect';

export interface LockStats {
  readonly acquired: number;
  /** Of those acquired, the ones that were not granted by the first answer. */
  readonly waits: number;
  readonly timeouts: number;
  readonly aborts: number;
  readonly queueFull: number;
  readonly unavailable: number;
  /** From the call of `acquire` to the lease. */
  readonly waitTime: DurationStats;
  /** From the lease to its release or loss. */
  readonly holdTime: DurationStats;
  readonly handOffs: {
    /** To the next waiter of this process. */
    readonly local: number;
    /** To another process. */
    readonly remote: number;
    /** Processes that were skipped because their inbox had no subscriber. */
    readonly skipped: number;
    /** Grants that arrived when no waiter was left, and were given back. */
    readonly givenBack: number;
  };
  readonly wakeUps: Readonly<Record<WakeUpCause, number>>;
  readonly renewals: {
    readonly ok: number;
    /** Of those ok, the ones answered in the second half of the time to live. */
    readonly late: number;
    readonly failed: number;
  };
  readonly leasesLost: number;
  readonly releasesFailed: number;
  /** Commands sent to Redis, including probes. */
  readonly roundTrips: number;
  readonly waitersNow: number;
  readonly heldNow: number;
}

/** The mutable counters. */
export class StatsCollector {
  acquired = 0;
  waits = 0;
  timeouts = 0;
  aborts = 0;
  queueFull = 0;
  unavailable = 0;
  readonly waitTime = new Durations();
  readonly holdTime = new Durations();
  readonly handOffs = { local: 0, remote: 0, skipped: 0, givenBack: 0 };
  readonly wakeUps: Record<WakeUpCause, number> = { grant: 0, ttl: 0, reconnect: 0 };
  readonly renewals = { ok: 0, late: 0, failed: 0 };
  leasesLost = 0;
  releasesFailed = 0;
  roundTrips = 0;
  waitersNow = 0;
  heldNow = 0;

  /** A waiter has received its lease. */
  granted(waiter: { readonly hasWaited: boolean; readonly sinceMs: number }, nowMs: number): void {
    this.acquired += 1;
    if (waiter.hasWaited) this.waits += 1;
    this.waitTime.add(nowMs - waiter.sinceMs);
    this.heldNow += 1;
  }

  /** A lease was released or lost. */
  ended(lease: { readonly sinceMs: number }, nowMs: number): void {
    this.heldNow -= 1;
    this.holdTime.add(nowMs - lease.sinceMs);
  }

  /** A copy that does not change. */
  snapshot(): LockStats {
    const { waitTime, holdTime, handOffs, wakeUps, renewals, ...numbers } = this;
    return {
      ...numbers,
      waitTime: waitTime.snapshot(),
      holdTime: holdTime.snapshot(),
      handOffs: { ...handOffs },
      wakeUps: { ...wakeUps },
      renewals: { ...renewals },
    };
  }
}

export class Durations {
  private count = 0;
  private sumMs = 0;
  private maxMs = 0;
  private readonly counts = BUCKETS_MS.map(() => 0);

  add(durationMs: number): void {
    this.count += 1;
    this.sumMs += durationMs;
    this.maxMs = Math.max(this.maxMs, durationMs);
    const bucket = BUCKETS_MS.findIndex((leMs) => durationMs <= leMs);
    if (bucket >= 0) this.counts[bucket] = (this.counts[bucket] ?? 0) + 1;
  }

  snapshot(): DurationStats {
    const buckets = BUCKETS_MS.map((leMs, index) => ({ leMs, count: this.counts[index] ?? 0 }));
    return { count: this.count, sumMs: this.sumMs, maxMs: this.maxMs, buckets };
  }
}
