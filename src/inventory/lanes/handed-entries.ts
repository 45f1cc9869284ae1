/** The entries of a lane that are with the process that owns its product. */
import type { Clock } from '../../time/clock.js';
import type { WriteResult } from '../stock-store.js';
import type { EntryQueue } from './entry-queue.js';
import type { LaneEntry } from './lane-entry.js';
import type { Wakeup } from './wakeup.js';

/** What became of an entry that was handed to another process. */
export type Handed =
  | { readonly outcome: 'ANSWERED'; readonly result: WriteResult }
  /** That process has not decided it, and never will. */
  | { readonly outcome: 'NOT_TAKEN' }
  /** It may have been decided, or may be from now on. */
  | { readonly outcome: 'UNKNOWN' };

/** Hands entries to other processes. */
export interface HandOver {
  /** @param end called once, never before this returns. */
  hand(owner: string, productId: string, entry: LaneEntry, end: (handed: Handed) => void): void;
}

/** The parts of a lane that this uses. */
interface Handing {
  readonly productId: string;
  readonly queue: EntryQueue;
  readonly wakeup: Wakeup;
  /** The process stops: an idle lane ends. */
  readonly isOver: () => boolean;
  /** The most lines that may be with the owner. */
  readonly linesMax: number;
}

/** An entry that came back, and its place among those that were handed over. */
interface ReturnedEntry {
  readonly order: number;
  readonly entry: LaneEntry;
}

export class HandedEntries {
  /** Lines that are with the owner. */
  lines = 0;
  /** The last owner did not take an entry. */
  private wasRefused = false;

  constructor(
    private readonly lane: Handing,
    private readonly handOver: HandOver,
    private readonly clock: Clock,
  ) {}

  /** Whether the last owner did not take an entry: then the lane waits for its turn, whatever owner it is told. */
  takeRefusal(): boolean {
    const { wasRefused } = this;
    this.wasRefused = false;
    return wasRefused;
  }

  /**
   * Hands the lane's entries to the owner, in the order of their turns, and answers them as the owner does. Ends when
   * the owner does not take one, or when none has come for so long.
   *
   * @returns the entries that came back without an answer, in the order in which they were handed over.
   */
  async handTo(owner: string, keepMs: number): Promise<readonly LaneEntry[]> {
    const { queue, wakeup } = this.lane;
    const back: ReturnedEntry[] = [];
    let order = 0;
    for (;;) {
      while (!this.wasRefused) {
        const entry = this.next();
        if (!entry) break;
        order += 1;
        this.hand(owner, entry, order, back);
      }
      queue.countTaken();
      if (this.lines === 0 && this.wasRefused) break;
      const beganMs = this.clock.nowMs();
      await wakeup.next(keepMs);
      if (this.lines > 0 || !queue.isEmpty || this.wasRefused) continue;
      if (this.lane.isOver() || this.clock.nowMs() - beganMs >= keepMs) break;
    }
    return back.sort((a, b) => a.order - b.order).map(({ entry }) => entry);
  }

  private next(): LaneEntry | null {
    const { queue, linesMax } = this.lane;
    if (this.lines >= linesMax) return null;
    const entry = queue.head(this.clock.nowMs());
    if (entry) queue.shift();
    return entry ?? null;
  }

  private hand(owner: string, entry: LaneEntry, order: number, back: ReturnedEntry[]): void {
    const { length } = entry.write.lines;
    this.lines += length;
    this.handOver.hand(owner, this.lane.productId, entry, (handed) => {
      this.lines -= length;
      if (handed.outcome === 'ANSWERED') {
        entry.decide(handed.result);
        // Else the next entry or the last answer wakes the lane.
        if (this.lines > 0 && this.lane.queue.isEmpty) return;
      } else {
        if (handed.outcome === 'NOT_TAKEN') entry.takeBack();
        else entry.doubt();
        back.push({ order, entry });
        this.wasRefused = true;
      }
      this.lane.wakeup.ring();
    });
  }
}
