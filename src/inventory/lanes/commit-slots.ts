/**
 * Limits the writing transactions that this process runs at once. Parties take turns: the lanes together, each
 * principal with its requests over several products, and the work that creates something. Within a party the order is
 * that of arrival.
 *
 * Waiting work holds no database connection, so queued writes never take the pool's connections from reads.
 */
import { systemClock, type Clock } from '../../time/clock.js';
import type { Deadline } from '../../time/deadline.js';
import { StorageUnavailableError } from '../stock-store.js';
import { TurnQueue, type PartyName } from './turn-queue.js';

/** The party of all work that belongs to no single principal. No principal's name is a symbol. */
const SHARED = Symbol('shared');
const CREATING = Symbol('creating');

export class CommitSlots {
  private free: number;
  private readonly waiting = new TurnQueue<() => void>();

  constructor(
    readonly slotsMax: number,
    readonly clock: Clock = systemClock,
  ) {
    this.free = slotsMax;
  }

  get used(): number {
    return this.slotsMax - this.free;
  }

  /** Work that waits for a slot. */
  get waitingNow(): number {
    return this.waiting.weight;
  }

  get isFree(): boolean {
    return this.free > 0;
  }

  /**
   * Runs the work in a slot, or resolves with 'TIMED_OUT' where no slot came free before the deadline.
   *
   * @param deadline null: the wait is unbounded.
   * @param party takes turns with the others that wait.
   */
  async run<T>(
    deadline: Deadline | null,
    work: () => Promise<T>,
    party: PartyName = SHARED,
  ): Promise<T | 'TIMED_OUT'> {
    if (!(await this.enter(deadline, party))) return 'TIMED_OUT';
    try {
      return await work();
    } finally {
      this.leave();
    }
  }

  private enter(deadline: Deadline | null, party: PartyName): Promise<boolean> | true {
    if (this.free > 0) {
      this.free -= 1;
      return true;
    }
    return new Promise((resolve) => {
      const giveUp = () => {
        this.waiting.remove(place);
        resolve(false);
      };
      const timer = deadline && this.clock.after(deadline.leftMs, giveUp);
      const admit = () => {
        timer?.cancel();
        resolve(true);
      };
      const place = this.waiting.push(party, admit, 1);
    });
  }

  private leave(): void {
    const next = this.waiting.shift();
    // The slot passes directly to work that waits, so that new work cannot overtake it.
    if (next) next();
    else this.free += 1;
  }
}

const CREATE_TIMEOUT_MS = 5_000;

/**
 * Runs work that creates something, in a slot and within a bounded time, of which the caller's is the most.
 *
 * @throws StorageUnavailableError where no slot came free in time.
 */
export async function inSlot<T>(
  slots: CommitSlots,
  caller: Deadline,
  work: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const deadline = caller.within(CREATE_TIMEOUT_MS);
  const outcome = await slots.run(deadline, () => work(deadline), CREATING);
  if (outcome === 'TIMED_OUT')
    throw new StorageUnavailableError('No transaction came free in time.');
  return outcome;
}
