/**
 * Drops stored answers after some days. Their idempotency keys stay: a request that is repeated later is refused
 * because its answer has expired, and is never carried out a second time.
 */
import type { CommitSlots } from './lanes/commit-slots.js';
import type { ExclusiveTurns } from './recurring-work.js';
import { Deadline } from '../time/deadline.js';

/** Operations in one transaction. */
const BATCH_MAX = 500;
const ROUND_MAX_MS = 10_000;
const BATCH_TIMEOUT_MS = 5_000;

/** The storage port that drops stored answers. */
export interface AnswerArchive {
  /**
   * Drops the stored answers of operations that are older than this. Their keys stay, marked as expired.
   *
   * @returns the number of operations; fewer than `limit` when none is left.
   * @throws StorageUnavailableError
   */
  expireAnswers(olderThanDays: number, limit: number, deadline: Deadline): Promise<number>;
}

export class AnswerRetention {
  constructor(
    private readonly archive: AnswerArchive,
    private readonly slots: CommitSlots,
    private readonly turns: ExclusiveTurns,
    private readonly retentionDays: number,
  ) {}

  /** One round, which ends when nothing is left to expire or after a bounded time. @throws StorageUnavailableError */
  async expire(signal: AbortSignal): Promise<void> {
    await this.turns.exclusively('answers', async () => {
      const { clock } = this.slots;
      const endMs = clock.nowMs() + ROUND_MAX_MS;
      while (!signal.aborted && clock.nowMs() < endMs) {
        const deadline = Deadline.in(BATCH_TIMEOUT_MS, clock);
        const expired = await this.slots.run(deadline, () =>
          this.archive.expireAnswers(this.retentionDays, BATCH_MAX, deadline),
        );
        if (expired === 'TIMED_OUT' || expired < BATCH_MAX) return;
      }
    });
  }
}
