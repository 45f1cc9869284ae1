/**
 * Renews the holds of this process: one timer, one command for many locks, after a third of the time to live. A hold
 * that was not renewed before its deadline is lost at that deadline, by this process's clock.
 */
import type { Clock, Timer } from '../time/clock.js';
import type { Hold } from './hold.js';
import type { RedisGateway } from './redis-gateway.js';
import type { Renewed } from './scripts.js';
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
      readonly gateway: Pick<RedisGateway, 'available' | 'renew'>;
      readonly stats: StatsCollector;
    },
  ) {}

  add(hold: Hold): void {
    this.holds.add(hold);
    // The timer runs until its next tick also without holds, so that short holds set none of their own.
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

  /** After an outage, which may have used up most of the time to live. */
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
    const { ttlMs } = settings;
    // A renewal also shortens a life at Redis, and its answer may be lost.
    for (const hold of holds) {
      if (ttlMs < hold.lifeMs) hold.deadlineMs = Math.min(hold.deadlineMs, sentAtMs + ttlMs);
    }
    let renewed: readonly Renewed[];
    try {
      renewed = await gateway.renew(holds);
    } catch {
      stats.renewals.failed += holds.length; // The next tick tries again until the deadline.
      return;
    }
    const nowMs = clock.nowMs();
    holds.forEach((hold, index) => {
      // Released or lost before the answer arrived.
      if (!hold.isCurrent) return;
      if (renewed[index] === 'LOST' || renewed[index] === undefined) {
        stats.renewals.failed += 1;
        hold.lose('taken-from-us');
        return;
      }
      stats.renewals.ok += 1;
      if (hold.deadlineMs - nowMs < hold.lifeMs / 2) stats.renewals.late += 1;
      // It may have changed meanwhile: the shorter one is safe.
      const lifeMs = Math.min(ttlMs, settings.ttlMs);
      const deadlineMs = sentAtMs + lifeMs;
      const isShorter = lifeMs < hold.lifeMs;
      hold.deadlineMs = isShorter ? deadlineMs : Math.max(hold.deadlineMs, deadlineMs);
      hold.lifeMs = lifeMs;
      if (renewed[index] === 'WANTED') hold.onWanted();
    });
  }
}
