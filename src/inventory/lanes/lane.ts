/**
 * A lane is the queue of one product in this process: bounded, fair between principals, and first come, first served
 * for each of them.
 *
 * A lane runs a loop while entries wait: it takes its product's turn once for all of them, adds its entries to the next
 * group commits, and ends the turn after a bounded number of commits or a bounded time. So a hundred callers of one
 * product cost one lock and one transaction, and baskets get their turns in between. A waiting entry holds no database
 * connection and sends no command.
 *
 * Where products have owners, the lane that gets the turn owns its product: it keeps the turn while it has no entries,
 * and decides the entries of other processes in its commits. The lanes of the others hand theirs to it
 * (../delegation/README.md). It gives the turn up where a basket, or a process that knows no owners, waits for it.
 *
 * | state   | the lane has                                | it ends when                                          |
 * | ------- | ------------------------------------------- | ----------------------------------------------------- |
 * | idle    | no entries                                  | an entry arrives → asking, or away                    |
 * | away    | no turn: the database takes no writes       | it takes them → asking; not within a second → the     |
 * |         |                                             | entries are answered → idle                           |
 * | asking  | asked for its turn; no answer yet           | granted → serving; a place in the queue → queued;     |
 * |         |                                             | another owner → handing; refused → entries are        |
 * |         |                                             | answered → asking or idle                             |
 * | queued  | its place in the queue behind another owner | granted → serving; refused, as above                  |
 * | serving | the turn; its entries go with the commits   | no entries → keeping, or the turn ends → idle; the    |
 * |         | of GroupCommit                              | tenure is over → the turn ends → asking or away;      |
 * |         |                                             | standstill.ts ends it where the commit does not move  |
 * | keeping | the turn, as owner, and no entries          | an entry arrives → serving; the turn is wanted, or    |
 * |         |                                             | `keepMs` are over → the turn ends → idle              |
 * | handing | another process that owns the product, and  | that process does not take an entry, or is not heard  |
 * |         | has this lane's entries                     | → asking; no entries for `keepMs` → idle              |
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
 * 5. A turn that others want ends after `tenureCommitsMax` commits or `tenureMs`, however many entries wait.
 *    (test/unit/inventory/lanes.test.ts: "a turn ends after a bounded number of commits", "after a bounded time")
 * 6. A lane whose commit does not move gives its turn back, and asks for none while the database takes no writes.
 *    (test/unit/inventory/standstill.test.ts: "a turn ends where its transaction has no outcome for too long")
 *    (test/unit/inventory/standstill.test.ts: "no turn is asked for while the database is away")
 */
import type { Clock, Timer } from '../../time/clock.js';
import { Deadline } from '../../time/deadline.js';
import { WITHDRAWN, isDoubtful } from '../delegated-write.js';
import {
  LINES_MAX,
  UNAVAILABLE,
  type Operation,
  type StockFailure,
  type StockWrite,
} from '../stock.js';
import type { WriteResult } from '../stock-store.js';
import { WRITE_HEALTH, type Writability } from '../write-health.js';
import type { GroupCommit } from './group-commit.js';
import { EntryQueue, type Arrival } from './entry-queue.js';
import { HandedEntries, type HandOver } from './handed-entries.js';
import { LaneEntry, refusal, type Origin } from './lane-entry.js';
import type { Standstill } from './standstill.js';
import type { NoTurn, OwnedByOther, Turn, TurnFailure, Turns } from './turns.js';
import { Wakeup } from './wakeup.js';

export interface LaneSettings {
  /** How long a caller may wait for its commit to begin, in milliseconds. */
  readonly lockWaitMs: number;
  /** How long a lane may keep its turn while other processes or baskets may wait for it, in milliseconds. */
  readonly tenureMs: number;
  /** The most commits of one turn that others may wait for. */
  readonly tenureCommitsMax: number;
  /** How long an owner keeps a turn without entries, in milliseconds. */
  readonly keepMs: number;
  /** The most lines that are with another process and have no answer yet. */
  readonly handedMax: number;
  /** The most lines that may wait. */
  readonly queueMax: number;
  /** The most lines of one principal that may wait; writes without a principal may use the whole queue. */
  readonly queueMaxPerPrincipal: number;
}

/** What a lane has at the moment, for reports. */
export interface LaneLoad {
  readonly productId: string;
  readonly queuedLines: number;
  /** The process that owns the product; null where this lane knows none. */
  readonly ownerId: string | null;
}

/** What all lanes of a process share. */
export interface LaneParts {
  readonly turns: Turns;
  readonly commits: GroupCommit;
  readonly writes: Writability;
  readonly standstill: Standstill;
  /** Null where products have no owners. */
  readonly handOver?: HandOver | null | undefined;
  readonly settings: LaneSettings;
  readonly clock: Clock;
}

type LaneState =
  | { readonly name: 'idle' | 'away' | 'asking' | 'queued' | 'keeping' | 'handing' }
  | { readonly name: 'serving'; readonly turn: Turn };

const IDLE: LaneState = { name: 'idle' };
const AWAY: LaneState = { name: 'away' };
const ASKING: LaneState = { name: 'asking' };
const QUEUED: LaneState = { name: 'queued' };
const KEEPING: LaneState = { name: 'keeping' };
const HANDING: LaneState = { name: 'handing' };

/** An owner asks for its turn again after this long: a message that the turn is wanted may have been lost. */
const UNWANTED_TENURE_MS = 250;

/** How much later than its wait ends an entry of another process may be refused, in milliseconds. */
const FOREIGN_LATE_MS = 50;

export class Lane {
  private current: LaneState = IDLE;
  private readonly queue: EntryQueue;
  /** The latest last moment of an entry, because entries do not arrive in the order of their deadlines. */
  private longestWaitEndMs = 0;
  private expiry: Timer | null = null;
  /**
   * The request that found room last, and how many lines it may still have. Its lines share the operation, unless they
   * come from another process. The same request sent again has an operation of its own, with the same id.
   */
  private admitted: { readonly operation: Operation; linesLeft: number } | null = null;
  /** Others wait for the turn that this lane has. */
  private isWanted = false;
  /** The process stops: it owns no product any more, and takes no entries of others. */
  private resigned = false;
  private readonly wakeup: Wakeup;
  private readonly handed: HandedEntries | null;
  private handedTo: string | null = null;

  /** @param onIdle called when the last entry has its answer and the turn was given back. */
  constructor(
    readonly productId: string,
    private readonly parts: LaneParts,
    private readonly onIdle: () => void,
  ) {
    const { clock, handOver, settings } = parts;
    this.queue = new EntryQueue(clock);
    this.wakeup = new Wakeup(clock);
    const { queue, wakeup } = this;
    const isOver = () => this.resigned;
    const lane = { productId, queue, wakeup, isOver, linesMax: settings.handedMax };
    this.handed = handOver ? new HandedEntries(lane, handOver, clock) : null;
  }

  get waitingLines(): number {
    return this.queue.lines;
  }

  /** With the owner of the product. */
  get handedLines(): number {
    return this.handed?.lines ?? 0;
  }

  /** When a request that came now would be served, as fast as the queue moves, in milliseconds. */
  get retryAfterMs(): number {
    return this.queue.retryAfterMs();
  }

  /** @param own the id of this process among the owners; null where products have none. */
  load(own: string | null): LaneLoad {
    const { productId, queue, current } = this;
    const isOwner = current === KEEPING || (current.name === 'serving' && current.turn.isOwned);
    const ownerId = current === HANDING ? this.handedTo : isOwner === true ? own : null;
    return { productId, queuedLines: queue.lines, ownerId };
  }

  /** Whether it decides entries of other processes now, or will when it gets its turn. */
  get takesForeign(): boolean {
    if (this.resigned || !this.handed) return false;
    if (this.current.name === 'serving') return !this.current.turn.isOver;
    return [ASKING, QUEUED, KEEPING].includes(this.current);
  }

  /**
   * Queues a write of this product. Rejects only for a defect of the program.
   *
   * @param origin of a write that another process has handed over.
   */
  enqueue(
    write: StockWrite,
    deadline: Deadline,
    origin: Origin | null = null,
  ): Promise<WriteResult> {
    const { settings, clock } = this.parts;
    if (!this.admits(write, origin)) {
      // That an earlier attempt was not applied is more than this process knows.
      if (isDoubtful(write)) return Promise.resolve(WITHDRAWN);
      return Promise.resolve(refusal({ code: 'OVERLOADED', retryAfterMs: this.retryAfterMs }));
    }
    const wait = deadline.forWaiting(settings.lockWaitMs);
    const entry = new LaneEntry(write, wait, deadline, clock, origin);
    const arrival = this.queue.push(entry);
    // An entry of another process has waited there, so it may be a little late for the timer of all.
    const toleranceMs = origin ? FOREIGN_LATE_MS : 0;
    const { lastMoment } = entry;
    if (lastMoment.endMs + toleranceMs < this.longestWaitEndMs) this.expireAlone(arrival);
    else this.longestWaitEndMs = Math.max(this.longestWaitEndMs, lastMoment.endMs);
    this.expiry ??= this.expireAt(lastMoment);
    if (this.current.name === 'idle') void this.run();
    else this.wakeup.ring();
    return entry.result;
  }

  /** A request of several writes is admitted as a whole: its last lines would otherwise never find room. */
  private admits({ operation, lines }: StockWrite, origin: Origin | null): boolean {
    const { admitted } = this;
    const isSame = origin
      ? admitted?.operation.id.equals(operation.id) === true
      : admitted?.operation === operation;
    if (admitted && isSame && admitted.linesLeft >= lines.length) {
      admitted.linesLeft -= lines.length;
      return true;
    }
    if (!this.hasRoomFor(operation)) return false;
    this.admitted = { operation, linesLeft: LINES_MAX - lines.length };
    return true;
  }

  private hasRoomFor({ principal, scope }: Operation): boolean {
    const { queueMax, queueMaxPerPrincipal } = this.parts.settings;
    if (this.queue.lines + (this.handed?.lines ?? 0) >= queueMax) return false;
    return principal === null || this.queue.linesOf(scope) < queueMaxPerPrincipal;
  }

  /** Refuses all entries that are in no commit yet. */
  refuseAll(failure: StockFailure): void {
    this.queue.dismiss((entry) => {
      entry.refuse(failure);
    });
  }

  /** Gives up the product, and the entries of other processes that are in no commit yet. Own entries go on. */
  resign(): void {
    this.resigned = true;
    this.queue.giveBackForeign();
    this.wakeup.ring();
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
    this.queue.giveBackForeign();
    return writes.whenWritable(Deadline.in(WRITE_HEALTH.patienceMs, clock));
  }

  private async takeTurn(): Promise<void> {
    const turn = await this.take(this.longestWaitEndMs);
    if ('owner' in turn) await this.handTo(turn.owner);
    else if ('failure' in turn) this.refuseFor(turn.failure);
    // The wait for the turn may have been long.
    else if (this.parts.writes.isWritable) await this.serve(turn);
    else turn.end();
  }

  /** Waits as long as any entry may. A caller that hangs up ends its own wait, not the lane's. */
  private take(endMs: number): Promise<Turn | NoTurn | OwnedByOther> {
    const { turns, commits, clock } = this.parts;
    this.current = ASKING;
    this.isWanted = false;
    const answered = commits.expectAnswer();
    const deadline = new Deadline(clock, endMs);
    const { operation } = this.queue;
    const onQueued = () => {
      if (this.current === ASKING) this.current = QUEUED;
      answered();
    };
    const asked =
      turns.own && this.handed && !this.resigned
        ? turns.own(this.productId, deadline, {
            operation,
            queues: this.handed.takeRefusal(),
            onQueued,
            onWanted: () => {
              this.isWanted = true;
              this.wakeup.ring();
            },
          })
        : turns.take([this.productId], deadline, operation, onQueued);
    return asked.finally(answered);
  }

  /** Entries of other processes are not handed on. */
  private async handTo(owner: string): Promise<void> {
    this.current = HANDING;
    this.handedTo = owner;
    this.queue.giveBackForeign();
    const back = (await this.handed?.handTo(owner, this.parts.settings.keepMs)) ?? [];
    for (const arrival of this.queue.putBack(back)) {
      if (arrival.entry.isInDoubt) {
        this.longestWaitEndMs = Math.max(this.longestWaitEndMs, arrival.entry.deadline.endMs);
      }
      this.expireAlone(arrival);
    }
  }

  private async serve(turn: Turn): Promise<void> {
    this.current = { name: 'serving', turn };
    try {
      do {
        await this.serveEntries(turn);
      } while (turn.isOwned === true && (await this.keep(turn)));
    } finally {
      turn.end();
    }
  }

  private async serveEntries(turn: Turn): Promise<void> {
    const { commits, settings, clock } = this.parts;
    const beganMs = clock.nowMs();
    let commitsDone = 0;
    const goesOn = () => {
      if (this.queue.isEmpty || turn.isOver) return false;
      const sinceMs = clock.nowMs() - beganMs;
      if (turn.isOwned === true && !this.isWanted) return sinceMs < UNWANTED_TENURE_MS;
      return commitsDone < settings.tenureCommitsMax && sinceMs < settings.tenureMs;
    };
    do {
      await this.commit(turn);
      commitsDone += 1;
      this.queue.countTaken();
      // Callers that were just answered may send their next request at once: keep the turn for this event-loop turn.
      if (!goesOn()) await commits.endOfTurn();
    } while (goesOn());
  }

  /** @returns whether an entry has arrived for which the turn may be used. */
  private async keep(turn: Turn): Promise<boolean> {
    const mayKeep = () =>
      !this.isWanted && !this.resigned && !turn.isContended() && this.parts.writes.isWritable;
    const isIdle = () => this.queue.isEmpty;
    if (!isIdle() || !mayKeep()) return false;
    this.current = KEEPING;
    await this.wakeup.next(this.parts.settings.keepMs);
    if (isIdle() || !mayKeep()) return false;
    this.current = { name: 'serving', turn };
    return true;
  }

  private async commit(turn: Turn): Promise<void> {
    const { commits, standstill } = this.parts;
    const watch = standstill.watch(turn, {
      // Another process may decide them now.
      onEnd: () => {
        this.queue.giveBackForeign();
      },
      whileAway: () => {
        this.refuseAll(UNAVAILABLE);
      },
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

  /** For an entry whose last moment is before that of an earlier one: a timer of its own answers it in time. */
  private expireAlone(arrival: Arrival): void {
    const { clock } = this.parts;
    const { result, lastMoment } = arrival.entry;
    const timer = clock.after(Math.ceil(lastMoment.leftMs), () => {
      this.queue.expire(arrival, clock.nowMs());
    });
    const cancel = () => {
      timer.cancel();
    };
    result.then(cancel, cancel);
  }

  /** For all other entries: each of them waits at least as long as those before it. */
  private expireAt(lastMoment: Deadline): Timer {
    const { clock } = this.parts;
    return clock.after(Math.ceil(lastMoment.leftMs), () => {
      const oldest = this.queue.oldest(clock.nowMs());
      this.expiry = oldest ? this.expireAt(oldest.lastMoment) : null;
    });
  }
}
