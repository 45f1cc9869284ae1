/**
 * A lane is the queue of one product in this process: bounded, fair between principals, and first come, first served
 * for each of them.
 *
 * A lane runs a loop while entries wait: it takes its product's turn once for all of them, adds its entries to the next
 * group commits, and ends the turn after a bounded number of commits or a bounded time. So a hundred callers of one
 * product cost one lock and one transaction, and other processes and baskets get their turns in between. A waiting
 * entry holds no database connection and sends no command.
 *
 * | state   | the lane has                                | it ends when                                          |
 * | ------- | ------------------------------------------- | ----------------------------------------------------- |
 * | idle    | no entries                                  | an entry arrives → asking, or away                    |
 * | away    | no turn: the database takes no writes       | it takes them → asking; not within a second → the     |
 * |         |                                             | entries are answered → idle                           |
 * | asking  | asked for its turn; no answer yet           | granted → serving; a place in the queue → queued;     |
 * |         |                                             | refused → entries are answered → asking or idle       |
 * | queued  | its place in the queue behind another owner | granted → serving; refused, as above                  |
 * | serving | the turn; its entries go with the commits   | no entries, or the tenure is over → the turn ends     |
 * |         | of GroupCommit                              | → asking, away or idle; standstill.ts ends the turn   |
 * |         |                                             | earlier where the commit does not move                |
 *
 * Invariants:
 * 1. The entries of a principal are decided in the order of their arrival, and principals take turns by lines.
 *    (test/unit/inventory/lanes.test.ts: "entries of one product are decided in order of arrival")
 *    (test/unit/inventory/fair-lanes.test.ts: "a principal's flood leaves each other principal its turn")
 * 2. Each entry gets exactly one answer, whatever happens to its turn, its commit or its caller.
 *    (test/unit/inventory/adversarial.test.ts: "each caller gets one answer when a stop meets a commit")
 * 3. An entry whose commit has not begun by the end of its wait, or whose caller has gone, is never written. The wait
 *    ends with an answer, whatever waits before the entry.
 *    (test/simulation/lane-waits.test.ts: "each entry is answered at the end of its own wait")
 *    (test/unit/inventory/lanes.test.ts: "an entry whose wait is over, or whose caller has gone, is left out")
 * 4. A request is OVERLOADED at once where `queueMax` lines wait, or `queueMaxPerPrincipal` lines of its principal.
 *    (test/unit/inventory/lanes.test.ts: "one line more than the queue holds is refused at once")
 *    (test/unit/inventory/fair-lanes.test.ts: "a principal that fills its part of the queue leaves the rest to others")
 * 5. A turn ends after `tenureCommitsMax` commits or `tenureMs`, however many entries wait.
 *    (test/unit/inventory/lanes.test.ts: "a turn ends after a bounded number of commits", "after a bounded time")
 * 6. A lane whose commit does not move gives its turn back, and asks for none while the database takes no writes.
 *    (test/unit/inventory/standstill.test.ts: "a turn ends where its transaction has no outcome for too long")
 *    (test/unit/inventory/standstill.test.ts: "no turn is asked for while the database is away")
 */
import type { Clock, Timer } from '../../time/clock.js';
import { Deadline } from '../../time/deadline.js';
import { UNAVAILABLE, type Operation, type StockFailure, type StockWrite } from '../stock.js';
import type { WriteResult } from '../stock-store.js';
import { WRITE_HEALTH, type Writability } from '../write-health.js';
import type { GroupCommit } from './group-commit.js';
import { EntryQueue, type Arrival } from './entry-queue.js';
import { LaneEntry, refusal } from './lane-entry.js';
import type { Standstill } from './standstill.js';
import type { Turn, TurnFailure, Turns } from './turns.js';

export interface LaneSettings {
  /** How long a caller may wait for its commit to begin, in milliseconds. */
  readonly lockWaitMs: number;
  /** How long a lane may keep its turn while other processes or baskets may wait for it, in milliseconds. */
  readonly tenureMs: number;
  /** The most commits of one turn. */
  readonly tenureCommitsMax: number;
  /** The most lines that may wait. */
  readonly queueMax: number;
  /** The most lines of one principal that may wait; writes without a principal may use the whole queue. */
  readonly queueMaxPerPrincipal: number;
}

/** What all lanes of a process share. */
export interface LaneParts {
  readonly turns: Turns;
  readonly commits: GroupCommit;
  readonly writes: Writability;
  readonly standstill: Standstill;
  readonly settings: LaneSettings;
  readonly clock: Clock;
}

type LaneState =
  | { readonly name: 'idle' }
  | { readonly name: 'away' }
  | { readonly name: 'asking' }
  | { readonly name: 'queued' }
  | { readonly name: 'serving'; readonly turn: Turn };

const IDLE: LaneState = { name: 'idle' };
const AWAY: LaneState = { name: 'away' };
const ASKING: LaneState = { name: 'asking' };
const QUEUED: LaneState = { name: 'queued' };

export class Lane {
  private current: LaneState = IDLE;
  private readonly queue: EntryQueue;
  /** The latest end of an entry's wait, because entries do not arrive in the order of their deadlines. */
  private longestWaitEndMs = 0;
  private expiry: Timer | null = null;
  /** Of the last entry. */
  private admitted: Operation | null = null;

  /** @param onIdle called when the last entry has its answer and the turn was given back. */
  constructor(
    readonly productId: string,
    private readonly parts: LaneParts,
    private readonly onIdle: () => void,
  ) {
    this.queue = new EntryQueue(parts.clock);
  }

  /** When a request that came now would be served, as fast as the queue moves, in milliseconds. */
  get retryAfterMs(): number {
    return this.queue.retryAfterMs();
  }

  /** Queues a write of this product. Rejects only for a defect of the program. */
  enqueue(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    const { settings, clock } = this.parts;
    const { operation } = write;
    // A request of several writes is admitted as a whole: its last lines would otherwise never find room.
    if (operation !== this.admitted && !this.hasRoomFor(operation)) {
      return Promise.resolve(refusal({ code: 'OVERLOADED', retryAfterMs: this.retryAfterMs }));
    }
    const entry = new LaneEntry(write, deadline.forWaiting(settings.lockWaitMs), deadline, clock);
    this.admitted = operation;
    const arrival = this.queue.push(entry);
    if (entry.wait.endMs < this.longestWaitEndMs) this.expireAlone(arrival);
    else this.longestWaitEndMs = entry.wait.endMs;
    this.expiry ??= this.expireAt(entry.wait);
    if (this.current.name === 'idle') void this.run();
    return entry.result;
  }

  private hasRoomFor({ principal, scope }: Operation): boolean {
    const { queueMax, queueMaxPerPrincipal } = this.parts.settings;
    if (this.queue.lines >= queueMax) return false;
    return principal === null || this.queue.linesOf(scope) < queueMaxPerPrincipal;
  }

  /** Refuses all entries that are in no commit yet. */
  refuseAll(failure: StockFailure): void {
    this.queue.dismiss((entry) => {
      entry.refuse(failure);
    });
  }

  private async run(): Promise<void> {
    while (!this.queue.isEmpty) {
      try {
        if (this.parts.writes.isWritable || (await this.untilWritable())) await this.takeTurn();
        else this.refuseAll(UNAVAILABLE);
      } catch (error) {
        this.queue.dismiss((entry) => {
          entry.fail(error);
        });
      }
    }
    this.current = IDLE;
    this.expiry?.cancel();
    this.expiry = null;
    this.onIdle();
  }

  /** Waits out a hiccup of the database, without a turn. */
  private untilWritable(): Promise<boolean> {
    const { writes, clock } = this.parts;
    this.current = AWAY;
    return writes.whenWritable(Deadline.in(WRITE_HEALTH.patienceMs, clock));
  }

  private async takeTurn(): Promise<void> {
    const turn = await this.take(this.longestWaitEndMs);
    if ('failure' in turn) this.refuseFor(turn.failure);
    // The wait for the turn may have been long.
    else if (this.parts.writes.isWritable) await this.serve(turn);
    else turn.end();
  }

  /** Waits as long as any entry may. A caller that hangs up ends its own wait, not the lane's. */
  private take(endMs: number): ReturnType<Turns['take']> {
    const { turns, commits, clock } = this.parts;
    this.current = ASKING;
    const answered = commits.expectAnswer();
    const deadline = new Deadline(clock, endMs);
    const turn = turns.take([this.productId], deadline, this.queue.operation, () => {
      if (this.current === ASKING) this.current = QUEUED;
      answered();
    });
    return turn.finally(answered);
  }

  private async serve(turn: Turn): Promise<void> {
    this.current = { name: 'serving', turn };
    const { commits, settings, clock } = this.parts;
    const tenure = Deadline.in(settings.tenureMs, clock);
    let commitsLeft = settings.tenureCommitsMax;
    const goesOn = () =>
      !this.queue.isEmpty && commitsLeft > 0 && !tenure.hasPassed && !turn.isOver;
    try {
      do {
        await this.commit(turn);
        commitsLeft -= 1;
        this.queue.countTaken();
        // Callers that were just answered may send their next request at once: keep the turn for this event-loop turn.
        if (!goesOn()) await commits.endOfTurn();
      } while (goesOn());
    } finally {
      turn.end();
    }
  }

  private async commit(turn: Turn): Promise<void> {
    const { commits, standstill } = this.parts;
    const watch = standstill.watch(turn, () => {
      this.refuseAll(UNAVAILABLE);
    });
    try {
      await commits.join({ productId: this.productId, queue: this.queue, turn });
    } finally {
      watch.cancel();
    }
  }

  private refuseFor(failure: TurnFailure): void {
    // All entries that the lane had when it asked have timed out. Entries that arrived since then keep waiting.
    if (failure.code === 'LOCK_TIMEOUT') this.queue.oldest(this.parts.clock.nowMs());
    else if (failure.code === 'UNAVAILABLE') this.refuseAll(failure);
    else this.refuseAll({ ...failure, retryAfterMs: this.retryAfterMs });
  }

  /** For an entry whose wait ends before that of an earlier one: it needs a timer of its own to be answered in time. */
  private expireAlone(arrival: Arrival): void {
    const { clock } = this.parts;
    const { result, wait } = arrival.entry;
    const timer = clock.after(Math.ceil(wait.leftMs), () => {
      this.queue.expire(arrival, clock.nowMs());
    });
    const cancel = () => {
      timer.cancel();
    };
    result.then(cancel, cancel);
  }

  /** For all other entries: each of them waits at least as long as those before it. */
  private expireAt(wait: Deadline): Timer {
    const { clock } = this.parts;
    return clock.after(Math.ceil(wait.leftMs), () => {
      const oldest = this.queue.oldest(clock.nowMs());
      this.expiry = oldest ? this.expireAt(oldest.wait) : null;
    });
  }
}
