/**
 * At most so many writing transactions of this process at once, first come, first served.
 *
 * Whoever waits here holds no database connection, so a queue of buyers never takes the pool away from the reads.
 */
import { StorageUnavailableError } from '../stock-store.js';

export class CommitSlots {
  private free: number;
  private readonly waiting = new Set<() => void>();

  constructor(readonly slotsMax: number) {
    this.free = slotsMax;
  }

  get isFree(): boolean {
    return this.free > 0;
  }

  /**
   * Runs the work in a slot, or resolves with 'TIMED_OUT' where none came free before the deadline.
   *
   * @param deadlineMs on the monotonic clock (`performance.now()`), in milliseconds; Infinity waits for as long as it
   *   takes.
   */
  async run<T>(deadlineMs: number, work: () => Promise<T>): Promise<T | 'TIMED_OUT'> {
    if (!(await this.enter(deadlineMs))) return 'TIMED_OUT';
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private enter(deadlineMs: number): Promise<boolean> | true {
    if (this.free > 0) {
      this.free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      const giveUp = () => {
        this.waiting.delete(admit);
        resolve(false);
      };
      const timer =
        deadlineMs === Infinity
          ? undefined
          : setTimeout(giveUp, Math.max(0, deadlineMs - performance.now()));
      const admit = () => {
        clearTimeout(timer);
        resolve(true);
      };
      this.waiting.add(admit);
    });
  }

  private leave(): void {
    const [next] = this.waiting;
    if (!next) {
      this.free += 1;
      return;
    }
    // The slot goes straight to the one who waits longest: a newcomer can't barge in.
    this.waiting.delete(next);
    next();
  }
}

const CREATE_TIMEOUT_MS = 5_000;

/**
 * Runs what creates something, in a slot and within a bounded time.
 *
 * @param work is given its deadline, on the monotonic clock (`performance.now()`), in milliseconds.
 * @throws StorageUnavailableError where no slot came free in time.
 */
export async function inSlot<T>(
  slots: CommitSlots,
  work: (deadlineMs: number) => Promise<T>,
): Promise<T> {
  const deadlineMs = performance.now() + CREATE_TIMEOUT_MS;
  const outcome = await slots.run(deadlineMs, () => work(deadlineMs));
  if (outcome === 'TIMED_OUT')
    throw new StorageUnavailableError('No transaction came free in time.');
  return outcome;
}
