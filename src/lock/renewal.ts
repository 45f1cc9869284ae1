/**
 * Keeps what is held: one timer for the process, one call for many locks, at a third of the time to live. What could
 * not be renewed until its deadline is declared lost at that deadline, by our clock, whatever Redis would say.
 */
import type { Clock, Timer } from '../time/clock.js';
import type { Hold } from './hold.js';
import type { RedisGateway } from './redis-gateway.js';
import { LIMITS, type Settings } from './settings.js';
import type { StatsCollector } from './stats.js';

export class Renewal {
  private readonly holds = new Set<Hold>();
  private timer: Timer | null = null;
  private lastTickMs = Number.NEGATIVE_INFINITY;
  private nextTickMs = Number.POSITIVE_INFINITY;

  constructor(
    private readonly parts: {
      readonly settings: Settings;
      readonly clock: Clock;
      readonly gateway: RedisGateway;
      readonly stats: StatsCollector;
    },
  ) {}

  add(hold: Hold): void {
    this.holds.add(hold);
    // The timer outlives the holds until its next tick, so that short holds cost none of their own.
    if (!this.timer) {
      this.lastTickMs = hold.sinceMs;
      this.schedule();
    } else if (this.renewAtMs(hold) < this.nextTickMs) {
      this.timer.cancel();
      this.schedule();
    }
  }

  remove(hold: Hold): void {
    this.holds.delete(hold);
  }

  /** Redis is back after an absence, which may have used up most of the time. */
  renewNow(): void {
    if (this.holds.size === 0) return;
    this.timer?.cancel();
    this.tick();
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = null;
  }

  private schedule(): void {
    const { clock, settings } = this.parts;
    let nextMs = this.lastTickMs + settings.ttlMs / 3;
    for (const hold of this.holds) nextMs = Math.min(nextMs, this.renewAtMs(hold), hold.deadlineMs);
    this.nextTickMs = nextMs;
    this.timer = clock.after(nextMs - clock.nowMs(), () => {
      this.tick();
    });
  }

  private renewAtMs({ sinceMs, lifeMs }: Hold): number {
    return Math.max(this.lastTickMs, sinceMs) + lifeMs / 3;
  }

  private tick(): void {
    this.timer = null;
    const nowMs = this.parts.clock.nowMs();
    for (const hold of this.holds) {
      if (nowMs >= hold.deadlineMs) hold.lose('not-renewed-in-time');
    }
    if (this.holds.size === 0) return;
    this.lastTickMs = nowMs;
    this.renewAll([...this.holds], nowMs);
    this.schedule();
  }

  private renewAll(holds: readonly Hold[], sentAtMs: number): void {
    if (!this.parts.gateway.available) {
      this.parts.stats.renewals.failed += holds.length;
      return;
    }
    for (let from = 0; from < holds.length; from += LIMITS.renewalChunkMax) {
      void this.renew(holds.slice(from, from + LIMITS.renewalChunkMax), sentAtMs);
    }
  }

  private async renew(holds: readonly Hold[], sentAtMs: number): Promise<void> {
    const { clock, settings, gateway, stats } = this.parts;
    let renewed: readonly boolean[];
    try {
      renewed = await gateway.renew(holds);
    } catch {
      stats.renewals.failed += holds.length; // Those that are still held are tried again until their deadline.
      return;
    }
    const nowMs = clock.nowMs();
    holds.forEach((hold, index) => {
      // Released or lost meanwhile: the answer is about the past.
      if (!hold.isCurrent) return;
      if (renewed[index] !== true) {
        stats.renewals.failed += 1;
        hold.lose('taken-from-us');
        return;
      }
      stats.renewals.ok += 1;
      if (hold.deadlineMs - nowMs < hold.lifeMs / 2) stats.renewals.late += 1;
      hold.deadlineMs = Math.max(hold.deadlineMs, sentAtMs + settings.ttlMs);
      hold.lifeMs = settings.ttlMs;
    });
  }
}
