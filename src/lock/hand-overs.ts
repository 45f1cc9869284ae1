/**
 * Gives up tickets, and watches the hand-overs that follow.
 *
 * A process that was handed a lock may be paused and never claim it, while the waiters behind it sleep for the
 * remaining time of the previous holder. So the process that handed the lock over checks it when the claim has expired:
 * giving up the same ticket again hands an expired lock to the next ticket in the queue.
 *
 * | the lock after a hand-over | remaining time       | this process                                        |
 * | -------------------------- | -------------------- | --------------------------------------------------- |
 * | handed over, not claimed   | at most `claimTtlMs` | gives the old ticket up again when that time is over |
 * | claimed                    | longer               | stops watching                                      |
 * | free                       | none                 | watches nothing                                     |
 *
 * Invariants:
 * 1. An unclaimed hand-over costs the waiters behind it the claim time.
 *    (test/faults/lock/stopped-waiter.test.ts: "paused processes at the head of the queue cost at most the claim time")
 * 2. Giving up a ticket again takes the lock from no holder.
 *    (test/integration/lock/scripts.test.ts: "giving up a ticket that does not hold the lock takes nothing")
 * 3. A lock has at most one timer here, however many hand-overs it sees.
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

  /** Gives the ticket up at Redis, now or when Redis is back. */
  giveUp(key: string, ticket: string): void {
    this.parts.gateway.release(key, ticket).then(
      (answer) => {
        this.note(key, ticket, answer);
      },
      () => undefined, // The gateway repeats it.
    );
  }

  /** As giveUp, for a ticket that was granted the lock, or may have been, when no waiter was left. */
  giveBack(key: string, ticket: string): void {
    this.parts.gateway.release(key, ticket).then(
      (answer) => {
        if (answer.mine) this.parts.stats.handOffs.givenBack += 1;
        this.note(key, ticket, answer);
      },
      () => undefined,
    );
  }

  /** Counts the outcome of a ticket that was given up, and watches the claim of the next holder. */
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
