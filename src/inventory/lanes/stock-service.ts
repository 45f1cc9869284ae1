/**
 * Carries out writes of stock, each in a transaction.
 *
 * A write of one product goes through that product's lane, where it shares a turn and a transaction with the writes
 * that wait beside it. A write of several products takes all their turns, in one order, and commits alone. Principals
 * take turns in each lane, and a principal with many writes of several products asks for a few of them at a time.
 * Correctness needs neither turn nor lane: the store's conditional updates alone prevent overselling and lost updates.
 */
import { systemClock, type Clock } from '../../time/clock.js';
import type { Deadline } from '../../time/deadline.js';
import { UNAVAILABLE, isPossible, type StockFailure, type StockWrite } from '../stock.js';
import type { StockStore, WriteResult } from '../stock-store.js';
import { ALWAYS_WRITABLE, WRITE_HEALTH, type Writability } from '../write-health.js';
import { BasketGates } from './basket-gates.js';
import { CommitSlots } from './commit-slots.js';
import { GroupCommit } from './group-commit.js';
import type { HandOver } from './handed-entries.js';
import { Lane, type LaneLoad, type LaneParts } from './lane.js';
import { refusal } from './lane-entry.js';
import { Pace } from './pace.js';
import { Standstill } from './standstill.js';
import type { Turn, TurnFailure, Turns } from './turns.js';

export interface StockServiceSettings {
  /** The longest wait for a turn, in milliseconds; may change. */
  readonly lockWaitMs: number;
  /** How long a turn is kept while the transaction under it has no outcome, in milliseconds; may change. */
  readonly turnMaxMs: number;
  /** Whether this process can commit; always, where nothing tells. */
  readonly writes?: Writability | undefined;
  /** The most lines in one transaction; 1 takes one lock and one transaction for each line. */
  readonly batchMax: number;
  /** The most lines that may wait for one product, and the most writes of several products under way. */
  readonly queueMax: number;
  /** The part of `queueMax` that one principal may use; without authentication it is the whole. */
  readonly queueMaxPerPrincipal: number;
  /** The most writing transactions at once. */
  readonly commitsMax: number;
  /** Hands lines to the processes that own their products; null where products have no owners. */
  readonly handOver?: HandOver | null | undefined;
  /** Called with the principal of each write that is refused as OVERLOADED. */
  readonly onOverloaded?: (principal: string | null) => void;
  /** Called with each write that has its result. */
  readonly onResult?: ((write: StockWrite, result: WriteResult) => void) | undefined;
  /** Called for each write whose commit begins in this process, with the time since its arrival in milliseconds. */
  readonly onWaited?: (waitMs: number) => void;
}

export interface StockServiceStats {
  /** Products with a queue, or that this process owns. */
  readonly lanes: number;
  /** Lines that wait in queues. */
  readonly lines: number;
  /** Those of the product with most of them. */
  readonly longestQueue: number;
  /** Lines that are with the owners of their products. */
  readonly handedLines: number;
  /** Writes of several products under way. */
  readonly baskets: number;
  /** Transactions that run, and those that wait for a place. */
  readonly commits: { readonly running: number; readonly waiting: number };
}

/** Long enough to amortise the round trips to Redis, short enough for lanes of other processes. */
const TENURE_MS = 50;
const TENURE_COMMITS_MAX = 32;
/** How long an owner keeps an idle product, and others remember whose it is. */
const KEEP_MS = 5_000;
/** What a process may have with an owner, in batches: the owner's next batch is there when one commits. */
const HANDED_BATCHES = 2;

export class StockService {
  /** Shared by all writers of this process, so that writes never use more than `commitsMax` connections. */
  readonly slots: CommitSlots;
  private readonly commits: GroupCommit;
  private readonly lanes = new Map<string, Lane>();
  private readonly laneParts: LaneParts;
  private readonly gates: BasketGates;
  private basketsUnderWay = 0;
  private readonly basketPace: Pace;
  private readonly basketsOf = new Map<string, number>();
  private resigned = false;
  private stopped = false;
  private whenLanesAreGone: () => void = () => undefined;

  constructor(
    private readonly store: StockStore,
    private readonly turns: Turns,
    private readonly settings: StockServiceSettings,
    private readonly clock: Clock = systemClock,
  ) {
    const { batchMax, commitsMax, queueMax, queueMaxPerPrincipal } = settings;
    this.gates = new BasketGates(clock);
    this.basketPace = new Pace(clock);
    this.slots = new CommitSlots(commitsMax, clock);
    const { onWaited } = settings;
    this.commits = new GroupCommit(store, this.slots, { batchMax, onWaited }, clock);
    const { writes = ALWAYS_WRITABLE } = settings;
    const { commits } = this;
    const standstill = new Standstill(clock, writes, settings);
    const laneSettings = {
      get lockWaitMs() {
        return settings.lockWaitMs;
      },
      queueMax,
      queueMaxPerPrincipal,
      tenureMs: TENURE_MS,
      tenureCommitsMax: batchMax === 1 ? 1 : TENURE_COMMITS_MAX,
      keepMs: KEEP_MS,
      handedMax: HANDED_BATCHES * batchMax,
    };
    const { handOver } = settings;
    this.laneParts = {
      turns,
      commits,
      writes,
      standstill,
      handOver,
      settings: laneSettings,
      clock,
    };
  }

  /** Takes stock out: for a write whose lines TAKE. */
  decreaseStock(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    return this.carryOut(write, deadline);
  }

  /** Puts stock in: for a write whose lines PUT. */
  increaseStock(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    return this.carryOut(write, deadline);
  }

  /** Carries out any write. Rejects only for a defect of the program; any other failure is a result. */
  async carryOut(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    const result = await this.resultOf(write, deadline);
    this.settings.onResult?.(write, result);
    if (isOverloaded(write, result)) this.settings.onOverloaded?.(write.operation.principal);
    return result;
  }

  private resultOf(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    const [productId, ...others] = write.productIds;
    if (productId === undefined) return this.carryOutWithoutProducts(write, deadline);
    if (others.length > 0) return this.carryOutBasket(write, deadline);
    if (this.stopped) return Promise.resolve(refusal(UNAVAILABLE));
    return this.laneOf(productId).enqueue(write, deadline);
  }

  /** The lane that decides lines of other processes; null where this process does not own the product. */
  takingForeign(productId: string): Lane | null {
    const lane = this.lanes.get(productId);
    return lane?.takesForeign === true ? lane : null;
  }

  /** The lanes as they are now. @param own the id of this process among the owners of products. */
  *loads(own: string | null): Generator<LaneLoad> {
    for (const lane of this.lanes.values()) yield lane.load(own);
  }

  /** Gives up all products that this process owns, and the lines of other processes. Own lines go on. */
  resign(): void {
    this.resigned = true;
    for (const lane of this.lanes.values()) lane.resign();
  }

  /**
   * Refuses the lines that wait in lanes. Resolves when the commits under way and all turns have ended, at the latest
   * after `graceMs` milliseconds.
   */
  async stop(graceMs: number): Promise<void> {
    this.stopped = true;
    this.resign();
    for (const lane of this.lanes.values()) lane.refuseAll(UNAVAILABLE);
    if (this.lanes.size === 0) return;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(graceMs, resolve);
      this.whenLanesAreGone = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  /** What waits now. */
  stats(): StockServiceStats {
    let lines = 0;
    let longestQueue = 0;
    let handedLines = 0;
    for (const lane of this.lanes.values()) {
      lines += lane.waitingLines;
      longestQueue = Math.max(longestQueue, lane.waitingLines);
      handedLines += lane.handedLines;
    }
    const { basketsUnderWay: baskets, slots } = this;
    const commits = { running: slots.used, waiting: slots.waitingNow };
    return { lanes: this.lanes.size, lines, longestQueue, handedLines, baskets, commits };
  }

  /** A lane exists while it has work. */
  private laneOf(productId: string): Lane {
    let lane = this.lanes.get(productId);
    if (!lane) {
      lane = new Lane(productId, this.laneParts, () => {
        this.lanes.delete(productId);
        if (this.lanes.size === 0) this.whenLanesAreGone();
      });
      if (this.resigned) lane.resign();
      this.lanes.set(productId, lane);
    }
    return lane;
  }

  /** No line can change a level. Only the answer is stored, and only where the request can be repeated under a key. */
  private carryOutWithoutProducts(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    const nothingToKeep = write.operation.idempotencyKey === null && !write.atomic;
    if (nothingToKeep && !write.lines.some(isPossible)) {
      return Promise.resolve(refusal({ code: 'INVALID_QUANTITY' }));
    }
    return this.commitAlone(write, NO_TURN_NEEDED, deadline);
  }

  private async carryOutBasket(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    const { scope } = write.operation;
    const ofPrincipal = this.basketsOf.get(scope) ?? 0;
    if (!this.hasRoomForBasket(write.operation.principal, ofPrincipal)) {
      return refusal(this.retryable({ code: 'OVERLOADED' }, write));
    }
    this.basketsUnderWay += 1;
    this.basketsOf.set(scope, ofPrincipal + 1);
    const arrivedMs = this.clock.nowMs();
    const wait = deadline.forWaiting(this.settings.lockWaitMs);
    try {
      const result = await this.gates.through(scope, write.productIds, wait, () =>
        this.commitInTurn(write, { wait, deadline, arrivedMs }),
      );
      return result === 'TIMED_OUT' ? this.timedOut(write, arrivedMs) : result;
    } finally {
      this.basketPace.add(1);
      this.basketsUnderWay -= 1;
      const left = (this.basketsOf.get(scope) ?? 0) - 1;
      if (left > 0) this.basketsOf.set(scope, left);
      else this.basketsOf.delete(scope);
    }
  }

  private hasRoomForBasket(principal: string | null, ofPrincipal: number): boolean {
    const { queueMax, queueMaxPerPrincipal } = this.settings;
    if (this.basketsUnderWay >= queueMax) return false;
    return principal === null || ofPrincipal < queueMaxPerPrincipal;
  }

  private async commitInTurn(
    write: StockWrite,
    times: { readonly wait: Deadline; readonly deadline: Deadline; readonly arrivedMs: number },
  ): Promise<WriteResult> {
    const { wait, deadline, arrivedMs } = times;
    const { writes, standstill } = this.laneParts;
    const patience = wait.within(WRITE_HEALTH.patienceMs);
    if (!(await writes.whenWritable(patience))) return refusal(UNAVAILABLE);
    const turn = await this.turns.take(write.productIds, wait, write.operation.name);
    if ('failure' in turn) return refusal(this.retryable(turn.failure, write));
    const watch = standstill.watch(turn);
    try {
      return await this.commitAlone(write, turn, deadline, arrivedMs);
    } finally {
      watch.cancel();
      turn.end();
    }
  }

  private async commitAlone(
    write: StockWrite,
    turn: Pick<Turn, 'isContended' | 'fencingTokenOf'>,
    deadline: Deadline,
    arrivedMs = this.clock.nowMs(),
  ): Promise<WriteResult> {
    const sinceMs = this.clock.nowMs();
    const apply = () => {
      if (deadline.callerHasGone) return Promise.resolve([refusal(UNAVAILABLE)]);
      const waitedMs = this.clock.nowMs() - arrivedMs;
      this.settings.onWaited?.(waitedMs);
      return this.store.apply([write], {
        deadline,
        contended: turn.isContended(),
        impatient: false,
        fencingTokenOf: (productId) => turn.fencingTokenOf(productId),
        waitedMsOf: () => waitedMs,
      });
    };
    const results = await this.slots.run(deadline, apply, write.operation.scope);
    if (results === 'TIMED_OUT') return this.timedOut(write, sinceMs);
    const [result] = results;
    if (!result) throw new Error('The store gave no result for a write.');
    return result;
  }

  private timedOut(write: StockWrite, sinceMs: number): WriteResult {
    const waitedMs = Math.round(this.clock.nowMs() - sinceMs);
    return refusal(this.retryable({ code: 'LOCK_TIMEOUT', waitedMs }, write));
  }

  /** A basket waits behind the lanes of its products, and behind other baskets: the slowest of these counts. */
  private retryable(failure: TurnFailure, { productIds }: StockWrite): StockFailure {
    if (failure.code === 'UNAVAILABLE') return failure;
    const lanes = productIds.flatMap((id) => this.lanes.get(id)?.retryAfterMs ?? []);
    const retryAfterMs = Math.max(this.basketPace.retryAfterMs(this.basketsUnderWay), ...lanes);
    return { ...failure, retryAfterMs };
  }
}

/** By a queue, or by what its principal may hold. */
function isOverloaded({ type }: StockWrite, result: WriteResult): boolean {
  if (result.outcome === 'REFUSED') return result.failure.code === 'OVERLOADED';
  if (result.outcome !== 'DECIDED' || type !== 'CREATING') return false;
  return result.verdicts.some(
    (verdict) => verdict.outcome === 'REFUSED' && verdict.failure.code === 'OVERLOADED',
  );
}

const NO_TURN_NEEDED = { isContended: () => false, fencingTokenOf: () => null };
