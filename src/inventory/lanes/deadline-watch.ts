/** Answers the callers of a transaction that takes longer than they can wait: it may still be applied. */
import type { Clock, Timer } from '../../time/clock.js';
import type { LaneEntry } from './lane-entry.js';

/**
 * How long the transaction's own answer is waited for after a deadline, in milliseconds. The transaction ends at the
 * latest deadline of its entries, and its own answer says more: whether it may have been applied, what it waited for.
 */
const LAST_WORD_MS = 100;

export class DeadlineWatch {
  /** The earliest deadline last. */
  private readonly waiting: LaneEntry[];
  private timer: Timer;

  constructor(
    entries: readonly LaneEntry[],
    private readonly clock: Clock,
  ) {
    this.waiting = entries
      .flatMap((entry) => [entry, ...entry.followers])
      .sort((a, b) => b.deadline.endMs - a.deadline.endMs);
    this.timer = this.arm();
  }

  stop(): void {
    this.timer.cancel();
  }

  private arm(): Timer {
    const next = this.waiting.at(-1);
    return this.clock.after(Math.ceil((next?.deadline.leftMs ?? 0) + LAST_WORD_MS), () => {
      const overdueMs = this.clock.nowMs() - LAST_WORD_MS;
      while ((this.waiting.at(-1)?.deadline.endMs ?? Infinity) <= overdueMs) {
        const entry = this.waiting.pop();
        const retryable = entry?.write.operation.idempotencyKey !== null;
        entry?.refuse({ code: 'UNAVAILABLE', mayHaveApplied: true, retryable });
      }
      if (this.waiting.length > 0) this.timer = this.arm();
    });
  }
}
