/**
 * How long a lock outlives its owner, and how long a caller waits for one: as configured, or, for `auto`, as this
 * process measures it.
 *
 *   time to live = 5 × the 99.9th percentile of commits, from 3 s to 30 s
 *   longest wait = time to live + 2 s + 4 × the 99th percentile of waits for turns, from 5 s to what a request has,
 *                  less the time that its commit needs
 *
 * Both are measured over the last minute and rounded up to whole seconds. A value rises at once, because a turn that
 * ends before its commit makes transactions compete. It falls a minute after its last move at the earliest, and only to
 * three quarters or less, so that it does not alternate between two values. Commits that do not end, or that began in
 * an outage, are not counted: a database that does not answer must not lengthen the time for which it keeps products.
 */
import type { Clock } from '../time/clock.js';
import { SlidingQuantile } from './sliding-quantile.js';

export const TIME_OUTS = Object.freeze({
  ttlMinMs: 3_000,
  ttlMaxMs: 30_000,
  waitMinMs: 5_000,
  /** Before anything was measured. */
  ttlFirstMs: 5_000,
  waitFirstMs: 10_000,
  /** Between two looks at what was measured. */
  lookMs: 1_000,
  /** After a move the value does not fall for so long. */
  restMs: 60_000,
  fallsTo: 0.75,
});

const COMMITS_PER_TTL = 5;
const WAITS_PER_WAIT = 4;
/** Beyond the time to live: the next owner takes the lock, and commits. */
const AFTER_TTL_MS = 2_000;
const COMMIT_LEAST_MS = 1_000;

export interface TimeOutsParts {
  /** As configured. */
  readonly ttlMs: number | 'auto';
  readonly waitMs: number | 'auto';
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly log?: { info(details: object, message: string): void } | undefined;
}

export class TimeOuts {
  private readonly commits: SlidingQuantile;
  private readonly waits: SlidingQuantile;
  private readonly ttl: Value;
  private readonly wait: Value;
  private lookedMs: number;

  constructor(private readonly parts: TimeOutsParts) {
    const { clock, ttlMs, waitMs } = parts;
    this.commits = new SlidingQuantile(clock);
    this.waits = new SlidingQuantile(clock);
    this.lookedMs = clock.nowMs();
    const waitFirstMs = Math.min(TIME_OUTS.waitFirstMs, this.waitBoundMs(COMMIT_LEAST_MS));
    this.ttl = new Value(ttlMs, TIME_OUTS.ttlFirstMs, clock.nowMs());
    this.wait = new Value(waitMs, waitFirstMs, clock.nowMs());
  }

  /** How long a lock outlives its owner, in milliseconds. */
  get ttlMs(): number {
    return this.ttl.ms;
  }

  /** The longest wait for a turn, in milliseconds. */
  get waitMs(): number {
    return this.wait.ms;
  }

  /** The shortest that `ttlMs` can be, in milliseconds. */
  get ttlLeastMs(): number {
    return this.ttl.isAuto ? TIME_OUTS.ttlMinMs : this.ttl.ms;
  }

  committed(commitMs: number): void {
    this.commits.add(commitMs);
    this.look();
  }

  waited(waitMs: number): void {
    this.waits.add(waitMs);
    this.look();
  }

  private look(): void {
    const nowMs = this.parts.clock.nowMs();
    if (nowMs - this.lookedMs < TIME_OUTS.lookMs) return;
    this.lookedMs = nowMs;
    if (this.ttl.isAuto) this.followCommits(nowMs);
    if (this.wait.isAuto) this.followWaits(nowMs);
  }

  private followCommits(nowMs: number): void {
    const commitMs = this.commits.at(0.999);
    if (commitMs === 0) return;
    const { ttlMinMs, ttlMaxMs } = TIME_OUTS;
    const fromMs = this.ttl.ms;
    const wantedMs = Math.max(ttlMinMs, commitMs * COMMITS_PER_TTL);
    if (!this.ttl.follow(wantedMs, ttlMaxMs, nowMs)) return;
    const details = { fromMs, toMs: this.ttl.ms, commitMs: Math.round(commitMs) };
    this.parts.log?.info(details, 'LOCK_TTL_MS=auto follows how long commits take.');
  }

  private followWaits(nowMs: number): void {
    const queueMs = this.waits.at(0.99);
    if (queueMs === 0) return;
    const commitMs = Math.max(COMMIT_LEAST_MS, this.commits.at(0.99));
    const budgetMs = this.waitBoundMs(commitMs);
    const wishMs = this.ttl.ms + AFTER_TTL_MS + queueMs * WAITS_PER_WAIT;
    const fromMs = this.wait.ms;
    const wantedMs = Math.max(TIME_OUTS.waitMinMs, wishMs);
    if (!this.wait.follow(wantedMs, budgetMs, nowMs)) return;
    const details = { fromMs, toMs: this.wait.ms, queueMs: Math.round(queueMs), budgetMs };
    this.parts.log?.info(details, 'LOCK_WAIT_MS=auto follows how fast queues move.');
  }

  /** What a request has beside its commit. */
  private waitBoundMs(commitMs: number): number {
    return Math.floor(Math.max(1, this.parts.requestTimeoutMs - commitMs));
  }
}

/** One of the two values. */
class Value {
  readonly isAuto: boolean;
  ms: number;

  constructor(
    configured: number | 'auto',
    firstMs: number,
    private movedAtMs: number,
  ) {
    this.isAuto = configured === 'auto';
    this.ms = configured === 'auto' ? firstMs : configured;
  }

  /** @returns whether it moved. */
  follow(wantedMs: number, boundMs: number, nowMs: number): boolean {
    const toMs = Math.min(boundMs, Math.ceil(wantedMs / 1_000) * 1_000);
    const rises = toMs > this.ms;
    const falls = toMs <= this.ms * TIME_OUTS.fallsTo && nowMs - this.movedAtMs >= TIME_OUTS.restMs;
    if (!rises && !falls && this.ms <= boundMs) return false;
    this.ms = toMs;
    this.movedAtMs = nowMs;
    return true;
  }
}
