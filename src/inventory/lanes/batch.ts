/**
 * The entries that one transaction decides: from several lanes, each with its share of `batchMax`, and from each lane
 * in the turns of its principals.
 */
import type { Operation } from '../stock.js';
import type { EntryQueue } from './entry-queue.js';
import type { LaneEntry } from './lane-entry.js';
import type { Turn } from './turns.js';

/** A lane that has its turn: the part of it that a commit uses. */
export interface ServingLane {
  readonly productId: string;
  readonly queue: EntryQueue;
  readonly turn: Turn;
}

export class Batch {
  readonly entries: LaneEntry[] = [];
  /** The lanes that take part, by product; a lane whose entries all expired takes part with none. */
  readonly lanes = new Map<string, ServingLane>();
  private readonly operations = new Map<string, Operation>();
  private room: number;

  constructor(
    linesMax: number,
    private readonly nowMs: number,
  ) {
    this.room = linesMax;
  }

  /** Takes each lane's share of the batch, then fills the room that other lanes left unused. */
  fill(lanes: readonly ServingLane[]): void {
    let open = lanes;
    while (open.length > 0 && this.room > 0) {
      const share = Math.max(1, Math.floor(this.room / open.length));
      open = open.filter((lane) => this.takeFrom(lane, share));
    }
    for (const { queue } of lanes) queue.resume();
  }

  /**
   * A principal whose next entry finds no room, or has to wait for the next transaction, is passed over: entries of
   * other principals do not wait for it.
   *
   * @returns whether this lane has more entries for the batch.
   */
  private takeFrom(lane: ServingLane, share: number): boolean {
    const { queue, productId } = lane;
    let taken = 0;
    for (;;) {
      const entry = queue.head(this.nowMs);
      if (!entry) {
        if (queue.isEmpty) this.lanes.set(productId, lane);
        return false;
      }
      if (taken >= share) return true;
      const lines = entry.write.lines.length;
      if (lines > this.room && this.entries.length > 0) {
        if (this.room <= 0) return false;
        queue.passOver();
      } else if (this.admit(entry)) {
        queue.shift();
        this.lanes.set(productId, lane);
        this.room -= lines;
        taken += lines;
      } else {
        queue.passOver();
      }
    }
  }

  /**
   * One idempotency key is one request in a transaction: the same request sent again shares the answer. A different
   * request under the key waits for the next transaction, in which it finds the key taken.
   */
  private admit(entry: LaneEntry): boolean {
    const { operation } = entry.write;
    if (operation.idempotencyKey !== null) {
      const key = operation.id.toString('latin1');
      const known = this.operations.get(key);
      if (known && !known.fingerprint.equals(operation.fingerprint)) return false;
      this.operations.set(key, operation);
      const leader = known && this.entries.find((other) => isSameWrite(other, entry));
      if (leader) {
        leader.followers.push(entry);
        return true;
      }
    }
    this.entries.push(entry);
    return true;
  }
}

/** A request has several writes of one product where it has more lines than a batch. */
function isSameWrite({ write: a }: LaneEntry, { write: b }: LaneEntry): boolean {
  return a.operation.id.equals(b.operation.id) && a.lines[0]?.index === b.lines[0]?.index;
}
