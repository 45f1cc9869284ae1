/**
 * Gives up tickets, and looks after the locks that were handed over thereby: whoever got one may be stopped and never
 * claim it, while those behind it sleep until the time to live of somebody who has left. So who handed it over looks
 * again when the claim has lapsed; giving up the same ticket again starts the next. One timer for each lock, however
 * many hand-overs.
 */
import type { Clock, Random, Timer } from '../time/clock.js';
import type { RedisGateway } from './redis-gateway.js';
import type { ReleaseAnswer } from './scripts.js';
import { LIMITS, type Settings } from './settings.js';
import type { StatsCollector } from './stats.js';

export class HandOvers {
  private readonly watched = new Map<string, Timer>();

  constructor(
    private readonly parts: {
      readonly settings: Settings;
      readonly clock: Clock;
      readonly random: Random;
      readonly gateway: RedisGateway;
      readonly stats: StatsCollector;
    },
  ) {}

  /** Whatever Redis knows of the ticket ends, now or when Redis is back. */
  giveUp(key: string, ticket: string): void {
    this.parts.gateway.release(key, ticket).then(
      (answer) => {
        this.note(key, ticket, answer);
      },
      () => undefined, // The gateway remembers it.
    );
  }

  /** As giveUp, for a ticket that got the lock when nobody wanted it any more, or may have got it. */
  giveBack(key: string, ticket: string): void {
    this.parts.gateway.release(key, ticket).then(
      (answer) => {
        if (answer.mine) this.parts.stats.handOffs.givenBack += 1;
        this.note(key, ticket, answer);
      },
      () => undefined,
    );
  }

  /** Counts what became of a ticket that was given up, and looks after who got the lock. */
  note(key: string, ticket: string, { mine, standing, skipped }: ReleaseAnswer): void {
    this.parts.stats.handOffs.skipped += skipped;
    if (standing.kind !== 'theirs') return;
    if (mine) this.parts.stats.handOffs.remote += 1;
    this.watch(key, ticket, standing.remainingMs);
  }

  stop(): void {
    for (const timer of this.watched.values()) timer.cancel();
    this.watched.clear();
  }

  /** A lock that has been claimed has longer than a claim, and is left alone. */
  private watch(key: string, ticket: string, remainingMs: number): void {
    const { settings, clock, random } = this.parts;
    if (remainingMs < 0 || remainingMs > settings.claimTtlMs || this.watched.has(key)) return;
    const timer = clock.after(remainingMs + 1 + random() * LIMITS.wakeJitterMs, () => {
      this.watched.delete(key);
      if (this.parts.gateway.available) this.giveUp(key, ticket);
    });
    this.watched.set(key, timer);
  }
}
