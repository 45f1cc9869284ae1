/**
 * Group commit: one transaction for the entries of all lanes that have their turn, and as many such transactions at
 * once as there are commit slots.
 *
 * A commit begins as soon as a slot is free, with the entries that wait, even a single one: there is no timer and no
 * minimum. Lines that arrive while all slots are taken go with the next commit, so batches grow only with the load.
 * This is flat combining (Hendler, Incze, Shavit, Tzafrir: "Flat Combining and the Synchronization-Parallelism
 * Tradeoff", SPAA 2010) with the group commit of databases (DeWitt et al., SIGMOD 1984) as the combined work.
 *
 * The steps of a commit:
 *
 * | step    | what happens                                                                                           |
 * | ------- | ------------------------------------------------------------------------------------------------------ |
 * | call    | a lane joins; unless a call is under way, the next free slot is called for                             |
 * | gather  | the rest of the event-loop turn is waited for; after a wait for the slot, also the answers that Redis  |
 * |         | owes to asking lanes                                                                                   |
 * | fill    | the slot takes its share of the joined lanes, in the turns of the principals whose entries are next,   |
 * |         | and the batch takes its share of each lane's queue                                                     |
 * | apply   | one transaction; a failing one is divided (division.ts); late callers are answered (deadline-watch.ts) |
 * | release | each lane of the batch goes on: it joins again, or ends its turn                                       |
 *
 * Invariants:
 * 1. An entry is answered after COMMIT has returned, never before.
 *    (test/concurrency/lanes.test.ts: "no caller is answered before COMMIT has returned")
 * 2. A lane is in at most one batch at a time, so the entries of a principal commit in the order of arrival.
 *    (test/unit/inventory/lanes.test.ts: "entries of one product are decided in order of arrival")
 * 3. An entry never fails because of another entry's line.
 *    (test/concurrency/lanes.test.ts: "a line that the database rejects fails alone, and the others keep their order")
 * 4. A batch has at most `batchMax` lines, except for one entry that cannot be divided.
 *    (test/concurrency/lanes-bounds.test.ts: "no transaction has more lines than the bound")
 */
import type { Clock } from '../../time/clock.js';
import type { Deadline } from '../../time/deadline.js';
import type { StockStore } from '../stock-store.js';
import { Batch, type ServingLane } from './batch.js';
import type { CommitSlots } from './commit-slots.js';
import { DeadlineWatch } from './deadline-watch.js';
import { applyDivided, type Part } from './division.js';
import type { LaneEntry } from './lane-entry.js';
import { TurnQueue } from './turn-queue.js';

/** A slot takes at least so many lanes: two smaller transactions would cost more than they save. */
const LANES_UNDIVIDED = 32;

/** Bounds the delay that an unanswered command to Redis causes to lanes that have their turn. */
const ANSWER_WAIT_MAX_MS = 50;

/** A lane that waits for its commit. */
interface Joined {
  readonly lane: ServingLane;
  readonly resume: () => void;
}

export interface GroupCommitSettings {
  /** The most lines in one transaction. */
  readonly batchMax: number;
  /** Called for each write whose commit begins, with the time since it was asked for, in milliseconds. */
  readonly onWaited?: ((waitMs: number) => void) | undefined;
}

export class GroupCommit {
  private readonly joined = new TurnQueue<Joined>();
  private lanesInCommit = 0;
  private calling = false;
  private lastAnswer: Promise<void> = Promise.resolve();
  private turnEnd: Promise<void> | null = null;

  constructor(
    private readonly store: StockStore,
    private readonly slots: CommitSlots,
    private readonly settings: GroupCommitSettings,
    private readonly clock: Clock,
  ) {}

  /** Resolves when a commit has included the lane's entries, or when all of them have expired. */
  join(lane: ServingLane): Promise<void> {
    return new Promise((resume) => {
      this.joined.push(lane.queue.scope, { lane, resume }, 1);
      this.callForSlot();
    });
  }

  /**
   * To be called by a lane that asks for its turn.
   *
   * @returns a function that the lane calls when its request is granted or queued. Redis answers in the order of the
   *   requests, so the last answer implies all earlier ones.
   */
  expectAnswer(): () => void {
    let answered!: () => void;
    this.lastAnswer = new Promise((resolve) => {
      answered = resolve;
    });
    return answered;
  }

  /** Shared by all lanes that wait in one event-loop turn, so that their locks are given back by one command. */
  endOfTurn(): Promise<void> {
    this.turnEnd ??= new Promise((resolve) => {
      this.clock.soon(() => {
        this.turnEnd = null;
        resolve();
      });
    });
    return this.turnEnd;
  }

  private callForSlot(): void {
    if (this.calling || this.joined.isEmpty) return;
    this.calling = true;
    const hasToWait = !this.slots.isFree;
    void this.slots.run(null, async () => {
      await this.gather(hasToWait);
      const members = this.takeShare();
      const batch = new Batch(this.settings.batchMax, this.clock.nowMs());
      batch.fill(members.map(({ lane }) => lane));
      this.returnLeftOut(members, batch);
      this.calling = false;
      // Lanes that found no room, and lanes that join from now on, may use another slot.
      this.callForSlot();
      await this.commit(batch);
      for (const { lane, resume } of members) if (batch.lanes.has(lane.productId)) resume();
    });
  }

  /**
   * Waits for lines of the same event-loop turn. Lanes of callers that the last commit answered may be asking Redis for
   * their next turns: the commit waits one round trip for them, because they would otherwise miss each commit by it.
   */
  private async gather(hasToWait: boolean): Promise<void> {
    await this.endOfTurn();
    if (!hasToWait) return;
    await this.answersOfRedis();
    await this.endOfTurn();
  }

  private answersOfRedis(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.after(ANSWER_WAIT_MAX_MS, resolve);
      void this.lastAnswer.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  /**
   * A slot takes its share of all lanes that are in commits or have joined. If one slot took all lanes, the database
   * would be idle while the process prepares the transaction, and the process idle while the database executes it.
   */
  private takeShare(): Joined[] {
    const lanes = this.lanesInCommit + this.joined.weight;
    const share = Math.max(LANES_UNDIVIDED, Math.ceil(lanes / this.slots.slotsMax));
    const members: Joined[] = [];
    while (members.length < share) {
      const next = this.joined.shift();
      if (!next) break;
      members.push(next);
    }
    return members;
  }

  /** Lanes that found no room in the batch are the first of their principals in the next one. */
  private returnLeftOut(members: readonly Joined[], batch: Batch): void {
    if (batch.lanes.size === members.length) return;
    for (const member of members.toReversed()) {
      const { productId, queue } = member.lane;
      if (!batch.lanes.has(productId)) this.joined.putBack(queue.scope, member, 1);
    }
  }

  private async commit({ entries, lanes }: Batch): Promise<void> {
    const { onWaited } = this.settings;
    const nowMs = this.clock.nowMs();
    if (onWaited) for (const entry of entries) onWaited(entry.waitedMs(nowMs));
    const watch = new DeadlineWatch(entries, this.clock);
    this.lanesInCommit += lanes.size;
    try {
      await applyDivided(entries, (part) => this.apply(part, lanes), this.clock);
    } finally {
      watch.stop();
      this.lanesInCommit -= lanes.size;
    }
  }

  private async apply(part: Part, lanes: ReadonlyMap<string, ServingLane>): Promise<void> {
    const { entries, impatient, rowsWereLocked } = part;
    const nowMs = this.clock.nowMs();
    const waits = new Map(entries.map((entry) => [entry.write.operation, entry.waitedMs(nowMs)]));
    const results = await this.store.apply(
      entries.map((entry) => entry.write),
      {
        deadline: latestDeadlineOf(entries),
        contended: [...lanes.values()].some((lane) => lane.turn.isContended()),
        impatient,
        rowsWereLocked,
        fencingTokenOf: (productId) => lanes.get(productId)?.turn.fencingTokenOf(productId) ?? null,
        waitedMsOf: (operation) => waits.get(operation) ?? null,
      },
    );
    entries.forEach((entry, i) => {
      const result = results[i];
      if (result) entry.decide(result);
      else entry.fail(new Error('The store gave no result for a write.'));
    });
  }
}

function latestDeadlineOf(entries: readonly LaneEntry[]): Deadline {
  const deadlines = entries.map(({ deadline }) => deadline);
  return deadlines.reduce((latest, one) => (one.endMs > latest.endMs ? one : latest));
}
