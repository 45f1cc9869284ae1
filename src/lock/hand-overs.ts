/**
 * Looks after locks that this process has handed over: whoever got one may be stopped and never claim it, and those
 * behind it sleep until the time to live of somebody who has left. So the one who handed it over looks again when the
 * claim has expired; repeating its release starts the next. One timer for each lock, however many hand-overs.
 */
import type { Clock, Random, Timer } from './clock.js';
import type { RedisGateway } from './redis-gateway.js';
import { LIMITS, type Settings } from './settings.js';

export class HandOvers {
  private readonly watched = new Map<string, Timer>();

  constructor(
    private readonly parts: {
      readonly settings: Settings;
      readonly clock: Clock;
      readonly random: Random;
      readonly gateway: RedisGateway;
    },
  ) {}

  /** The ticket has been given up and another has the lock for so long; a claimed lock has longer, and is left alone. */
  watch(key: string, ticket: string, remainingMs: number): void {
    const { settings, clock, random } = this.parts;
    if (remainingMs < 0 || remainingMs > settings.claimTtlMs || this.watched.has(key)) return;
    const delayMs = remainingMs + 1 + random() * LIMITS.wakeJitterMs;
    const timer = clock.after(delayMs, () => {
      this.watched.delete(key);
      this.look(key, ticket);
    });
    this.watched.set(key, timer);
  }

  stop(): void {
    for (const timer of this.watched.values()) timer.cancel();
    this.watched.clear();
  }

  private look(key: string, ticket: string): void {
    const { gateway } = this.parts;
    if (!gateway.available) return;
    gateway.release(key, ticket).then(
      ({ standing }) => {
        if (standing.kind === 'theirs') this.watch(key, ticket, standing.remainingMs);
      },
      () => undefined,
    );
  }
}
