/**
 * Group commit: one transaction for what waits in all the lanes that have their turn, and as many such transactions at
 * once as there are slots, each on other lanes and with its share of them.
 *
 * Nothing waits for company: whenever a slot is free, what is there goes, be it one line. What comes while all slots
 * are taken goes with the next one, so the batches grow with the load and only with it. This is flat
 * combining (Hendler, Incze, Shavit, Tzafrir: "Flat Combining and the Synchronization-Parallelism Tradeoff", SPAA
 * 2010) with the group commit of databases (DeWitt et al., SIGMOD 1984) as the combined work.
 */
import type { Deadline } from '../../time/deadline.js';
import type { CommitSlots } from './commit-slots.js';
import type { CommitQueue, Lane } from './lane.js';
import type { LaneEntry } from './lane-entry.js';
import type { Operation } from '../stock.js';
import type { StockLocking } from './turns.js';
import { RowsLockedError, type StockStore } from '../stock-store.js';

/** So few lanes go together: two transactions would cost more than they save. */
const LANES_UNDIVIDED = 32;

export class GroupCommit implements CommitQueue {
  private ready: Lane[] = [];
  private lanesInCommit = 0;
  private calling = false;

  constructor(
    private readonly store: StockStore,
    private readonly slots: CommitSlots,
    private readonly locking: Pick<StockLocking, 'settled'>,
    private readonly settings: { readonly batchMax: number },
  ) {}

  join(lane: Lane): void {
    this.ready.push(lane);
    this.callForSlot();
  }

  private callForSlot(): void {
    if (this.calling || this.ready.length === 0) return;
    this.calling = true;
    const hasToWait = !this.slots.isFree;
    void this.slots.run(null, async () => {
      // What arrived in the same turn of the event loop goes together.
      await new Promise(setImmediate);
      if (hasToWait) {
        // Those whom the last commit has answered may have asked for their next turns by now. What is known within a
        // round trip goes along, or it would be just too late for this commit, and the next would be its own again.
        await this.locking.settled();
        await new Promise(setImmediate);
      }
      const batch = new Batch(this.settings.batchMax, performance.now());
      this.ready = batch.fill(this.ready, this.shareOfLanes());
      this.calling = false;
      // Those for whom there was no room, and whoever joins from now on, may go in another slot.
      this.callForSlot();
      await this.commit(batch);
    });
  }

  /**
   * A commit takes its slot's share of all lanes that are in commits or want to be. One that took whatever is there
   * would carry nearly everybody, round after round, and the other slots a few each: the database would rest while a
   * large transaction is prepared, and this process while it is carried out.
   */
  private shareOfLanes(): number {
    const lanes = this.lanesInCommit + this.ready.length;
    return Math.max(LANES_UNDIVIDED, Math.ceil(lanes / this.slots.slotsMax));
  }

  private async commit(batch: Batch): Promise<void> {
    const watch = new DeadlineWatch(batch.entries);
    this.lanesInCommit += batch.lanes.size;
    try {
      await this.decide(batch);
    } finally {
      watch.stop();
      this.lanesInCommit -= batch.lanes.size;
      const ending = [...batch.lanes.values()].filter((lane) => !lane.commitEnded());
      // All at once: their locks are then given back in one go.
      if (ending.length > 0) {
        setImmediate(() => {
          for (const lane of ending) lane.endTurn();
        });
      }
    }
  }

  /**
   * A transaction that fails for a reason of its own, such as a line that the database will not take or a row that a
   * stranger keeps locked, is divided, until nobody fails or waits with the culprit. Nothing was written by it. The
   * lines of a product stay in the order of arrival, and products that are or may be locked go last.
   */
  private async decide({ entries, lanes }: Batch): Promise<void> {
    const open: Part[] = entries.length > 0 ? [{ entries, rowsWereLocked: false }] : [];
    for (let part = open.shift(); part; part = open.shift()) {
      const impatient = open.length > 0 || productsOf(part).length > 1;
      try {
        await this.apply(part, lanes, impatient);
      } catch (error) {
        const middle = part.entries.length >> 1;
        if (error instanceof RowsLockedError) putOff(part, error.productIds, open);
        else if (middle === 0) part.entries[0]?.fail(error);
        else {
          const { entries: all } = part;
          open.unshift(
            { ...part, entries: all.slice(0, middle) },
            { ...part, entries: all.slice(middle) },
          );
        }
      }
    }
  }

  private async apply(
    { entries, rowsWereLocked }: Part,
    lanes: ReadonlyMap<string, Lane>,
    impatient: boolean,
  ): Promise<void> {
    const results = await this.store.apply(
      entries.map((entry) => entry.write),
      {
        deadline: latestOf(entries),
        contended: [...lanes.values()].some((lane) => lane.turn.isContended()),
        impatient,
        rowsWereLocked,
        fencingTokenOf: (productId) => lanes.get(productId)?.turn.fencingTokenOf(productId) ?? null,
      },
    );
    entries.forEach((entry, i) => {
      const result = results[i];
      if (result) entry.decide(result);
      else entry.fail(new Error('The store gave no result for a write.'));
    });
  }
}

function latestOf(entries: readonly LaneEntry[]): Deadline {
  const deadlines = entries.map(({ deadline }) => deadline);
  return deadlines.reduce((latest, one) => (one.endMs > latest.endMs ? one : latest));
}

/** What is left of a batch that had to be divided. */
interface Part {
  readonly entries: readonly LaneEntry[];
  /** A row that this part may need has kept the whole waiting. */
  readonly rowsWereLocked: boolean;
}

function productsOf({ entries }: Part): string[] {
  return [...new Set(entries.map(productOf))];
}

/** The entries of a lane concern one product. */
function productOf({ write }: LaneEntry): string {
  return write.productIds[0] ?? '';
}

/**
 * What concerns free products goes first, and what concerns locked ones last. Where it is not known which is which,
 * half of the products each, both last; one product alone stays whole, as its lines are decided in their order.
 */
function putOff(part: Part, locked: ReadonlySet<string>, open: Part[]): void {
  const [free, others] = split(part, (id) => !locked.has(id));
  if (free.entries.length > 0 && others.entries.length > 0) {
    open.unshift(free);
    open.push(others);
    return;
  }
  const products = productsOf(part);
  const firstHalf = new Set(products.slice(0, products.length >> 1));
  const halves = split(part, (id) => firstHalf.has(id));
  open.push(...halves.filter(({ entries }) => entries.length > 0));
}

function split({ entries }: Part, isFirst: (productId: string) => boolean): [Part, Part] {
  const first = entries.filter((entry) => isFirst(productOf(entry)));
  const second = entries.filter((entry) => !isFirst(productOf(entry)));
  return [
    { entries: first, rowsWereLocked: true },
    { entries: second, rowsWereLocked: true },
  ];
}

/** What one transaction is to decide. */
class Batch {
  readonly entries: LaneEntry[] = [];
  readonly lanes = new Map<string, Lane>();
  private readonly operations = new Map<string, Operation>();
  private room: number;

  constructor(
    linesMax: number,
    private readonly nowMs: number,
  ) {
    this.room = linesMax;
  }

  /**
   * Takes from each of the first lanes its share of the room, and what others leave of theirs.
   *
   * @returns the lanes that nothing was taken from, in their order.
   */
  fill(ready: readonly Lane[], lanesMax: number): Lane[] {
    let open = ready.slice(0, lanesMax);
    while (open.length > 0 && this.room > 0) {
      const share = Math.max(1, Math.floor(this.room / open.length));
      open = open.filter((lane) => this.takeFrom(lane, share));
    }
    return ready.filter((lane) => !this.lanes.has(lane.productId));
  }

  /** @returns whether more can be taken from this lane while there is room. */
  private takeFrom(lane: Lane, share: number): boolean {
    let taken = 0;
    for (;;) {
      const entry = lane.head(this.nowMs);
      if (!entry) {
        // All who waited have gone: the lane has to be told that there is no commit for it.
        this.lanes.set(lane.productId, lane);
        return false;
      }
      if (taken >= share) return true;
      const lines = entry.write.lines.length;
      if (lines > this.room && this.entries.length > 0) return false;
      if (!this.admit(entry)) return false;
      lane.removeHead();
      this.lanes.set(lane.productId, lane);
      this.room -= lines;
      taken += lines;
    }
  }

  /**
   * One idempotency key is one request in a transaction: the same one sent again shares the answer, and another one
   * waits for the next transaction, in which it finds the key taken.
   */
  private admit(entry: LaneEntry): boolean {
    const { operation, lines } = entry.write;
    if (operation.idempotencyKey !== null) {
      const key = operation.id.toString('latin1');
      const known = this.operations.get(key);
      if (known && !known.fingerprint.equals(operation.fingerprint)) return false;
      this.operations.set(key, operation);
      if (known) {
        const leader = this.entries.find(
          ({ write }) =>
            write.operation.id.equals(operation.id) && write.lines[0]?.index === lines[0]?.index,
        );
        if (leader) {
          leader.followers.push(entry);
          return true;
        }
      }
    }
    this.entries.push(entry);
    return true;
  }
}

/**
 * How long after a deadline the transaction's own answer is waited for, in milliseconds. It ends by the latest deadline
 * of those in it, and knows better than the clock whether it may have been applied and what it waited for.
 */
const LAST_WORD_MS = 100;

/** Answers those in a transaction that takes longer than they can wait: it may still be applied. */
class DeadlineWatch {
  private readonly waiting: LaneEntry[];
  private timer: NodeJS.Timeout;

  constructor(entries: readonly LaneEntry[]) {
    this.waiting = entries
      .flatMap((entry) => [entry, ...entry.followers])
      .sort((a, b) => b.deadline.endMs - a.deadline.endMs);
    this.timer = this.arm();
  }

  stop(): void {
    clearTimeout(this.timer);
  }

  private arm(): NodeJS.Timeout {
    const answerAtMs = (this.waiting.at(-1)?.deadline.endMs ?? 0) + LAST_WORD_MS;
    return setTimeout(
      () => {
        const nowMs = performance.now();
        while ((this.waiting.at(-1)?.deadline.endMs ?? Infinity) + LAST_WORD_MS <= nowMs) {
          const entry = this.waiting.pop();
          if (!entry || entry.settled) continue;
          const retryable = entry.write.operation.idempotencyKey !== null;
          entry.refuse({ code: 'UNAVAILABLE', mayHaveApplied: true, retryable });
        }
        if (this.waiting.length > 0) this.timer = this.arm();
      },
      Math.ceil(Math.max(0, answerAtMs - performance.now())),
    );
  }
}
