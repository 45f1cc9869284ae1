/**
 * Limits the writing transactions that this process runs at once: first come, first served.
 *
 * Waiting work holds no database connection, so queued writes never take the pool's connections from reads.
 */
import { systemClock, type Clock } from '../../time/clock.js';
import { Deadline } from '../../time/deadline.js';
import { StorageUnavailableError } from '../stock-store.js';

export class CommitSlots {
  private free: number;
  private readonly waiting = new Set<() => void>();

  constructor(
    readonly slotsMax: number,
    readonly clock: Clock = systemClock,
  ) {
    this.free = slotsMax;
  }

  get isFree(): boolean {
    return this.free > 0;
  }

  /**
   * Runs the work in a slot, or resolves with 'TIMED_OUT' where no slot came free before the deadline.
   *
   * @param deadline null: the wait is unbounded.
   */
  async run<T>(deadline: Deadline | null, work: () => Promise<T>): Promise<T | 'TIMED_OUT'> {
    if (!(await this.enter(deadline))) return 'TIMED_OUT';
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private enter(deadline: Deadline | null): Promise<boolean> | true {
    if (this.free > 0) {
      this.free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      const giveUp = () => {
        this.waiting.delete(admit);
        resolve(false);
      };
      const timer = deadline && this.clock.after(deadline.leftMs, giveUp);
      const admit = () => {
        timer?.cancel();
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
    // The slot passes directly to the work that has waited longest, so that new work cannot overtake it.
    this.waiting.delete(next);
    next();
  }
}

const CREATE_TIMEOUT_MS = 5_000;

/**
 * Runs work that creates something, in a slot and within a bounded time.
 *
 * @throws StorageUnavailableError where no slot came free in time.
 */
export async function inSlot<T>(
  slots: CommitSlots,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = Deadline.in(CREATE_TIMEOUT_MS, slots.clock);
  const outcome = await slots.run(deadline, () => work(deadline));
  if (outcome === 'TIMED_OUT')
    throw new StorageUnavailableError('No transaction came free in time.');
  return outcome;
}
