/** The entries of a lane that are in no commit yet: first come, first served. */
import type { LaneEntry } from './lane-entry.js';

export class EntryQueue {
  private readonly entries = new Fifo<LaneEntry>();
  private waitingLines = 0;

  get lines(): number {
    return this.waitingLines;
  }

  get isEmpty(): boolean {
    return this.entries.first === undefined;
  }

  push(entry: LaneEntry): void {
    this.entries.push(entry);
    this.waitingLines += entry.write.lines.length;
  }

  /** The first entry that may still be written; expired and abandoned entries before it are answered and removed. */
  head(nowMs: number): LaneEntry | undefined {
    for (;;) {
      const entry = this.entries.first;
      if (!entry || entry.isWanted(nowMs)) return entry;
      this.shift();
    }
  }

  shift(): LaneEntry | undefined {
    const entry = this.entries.shift();
    if (entry) this.waitingLines -= entry.write.lines.length;
    return entry;
  }

  /** Answers all entries and empties the queue. */
  dismiss(answer: (entry: LaneEntry) => void): void {
    for (let entry = this.shift(); entry; entry = this.shift()) {
      if (!entry.settled) answer(entry);
    }
  }
}

/** A queue whose head is taken in constant time. */
class Fifo<T> {
  private items: T[] = [];
  private taken = 0;

  get first(): T | undefined {
    return this.items[this.taken];
  }

  push(item: T): void {
    this.items.push(item);
  }

  shift(): T | undefined {
    const item = this.items[this.taken];
    if (item === undefined) return undefined;
    this.taken += 1;
    if (this.taken === this.items.length) {
      this.items = [];
      this.taken = 0;
    } else if (this.taken >= 1_024) {
      this.items = this.items.slice(this.taken);
      this.taken = 0;
    }
    return item;
  }
}
