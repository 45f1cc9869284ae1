/**
 * Drops stored answers after some days. Their idempotency keys stay: a request that is repeated later is refused
 * because its answer has expired, and is never carried out a second time. Withdrawals of attempts that processes have
 * handed to each other go after a day: no transaction of such an attempt is open for so long.
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
  /**
   * Deletes the withdrawals (delegated-write.ts) that are older than this.
   *
   * @returns their number; fewer than `limit` when none is left.
   * @throws StorageUnavailableError
   */
  forgetWithdrawals(olderThanDays: number, limit: number, deadline: Deadline): Promise<number>;
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
      const goesOn = () => !signal.aborted && clock.nowMs() < endMs;
      const { archive, retentionDays } = this;
      while (
        goesOn() &&
        (await this.batch((deadline) => archive.forgetWithdrawals(1, BATCH_MAX, deadline)))
      );
      while (
        goesOn() &&
        (await this.batch((deadline) => archive.expireAnswers(retentionDays, BATCH_MAX, deadline)))
      );
    });
  }

  /** @returns whether there may be more. */
  private async batch(work: (deadline: Deadline) => Promise<number>): Promise<boolean> {
    const deadline = Deadline.in(BATCH_TIMEOUT_MS, this.slots.clock);
    const done = await this.slots.run(deadline, () => work(deadline));
    return done !== 'TIMED_OUT' && done >= BATCH_MAX;
  }
}
