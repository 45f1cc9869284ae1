/**
 * Gives up tickets, and watches the hand-overs that follow.
 *
 * A process that was handed a lock may be stopped and never claim it, while the waiters behind it sleep for the time to
 * live of the previous owner. So the process that handed the lock over looks again when the claim has lapsed: giving up
 * the same ticket again hands the lock to the next in the queue.
 *
 * 1. A lock has at most one timer here, however many hand-overs it sees.
 * 2. A lock that has been claimed, and so has longer than a claim, is left alone.
 * Shown by test/faults/lock/stopped-waiter: stopped waiters cost the claim time each, no more.
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

  /** Ends the ticket at Redis, now or when Redis is back. */
  giveUp(key: string, ticket: string): void {
    this.parts.gateway.release(key, ticket).then(
      (answer) => {
        this.note(key, ticket, answer);
      },
      () => undefined, // The gateway remembers it.
    );
  }

  /** As giveUp, for a ticket that got, or may have got, the lock when no waiter was left. */
  giveBack(key: string, ticket: string): void {
    this.parts.gateway.release(key, ticket).then(
      (answer) => {
        if (answer.mine) this.parts.stats.handOffs.givenBack += 1;
        this.note(key, ticket, answer);
      },
      () => undefined,
    );
  }

  /** Counts the outcome of a ticket that was given up, and watches the next owner's claim. */
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
