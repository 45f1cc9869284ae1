/**
 * The queue of one product in this process: first come, first served, and bounded.
 *
 * A lane with work waits for its product's turn once for all who queue in it; while it has the turn, its lines go with
 * the next commits. After a bounded time or number of commits it gives the turn back and asks for it again, so that
 * other processes and large baskets are served in between. Whoever queues here costs neither a connection nor a
 * command to anybody.
 */
import { LaneEntry, refusal, type LaneTicket } from './lane-entry.js';
import type { StockFailure } from '../stock.js';
import { NoTurnError, type StockLocking, type Turn } from './turns.js';
import type { WriteResult } from '../stock-store.js';

export interface LaneSettings {
  /** How long a lane may keep its turn while others may be waiting for it, in milliseconds. */
  readonly tenureMs: number;
  /** How many commits a lane may take part in before it gives its turn back. */
  readonly tenureCommitsMax: number;
  /** The most lines that may wait. */
  readonly queueMax: number;
  /** What is told to whoever finds the queue full, in milliseconds. */
  readonly retryAfterMs: number;
}

/** Where a lane that has its turn waits for a commit. */
export interface CommitQueue {
  join(lane: Lane): void;
}

export class Lane {
  /** The turn that this lane has; meaningful only while it is in the commit queue or in a commit. */
  turn!: Turn;
  private readonly entries = new Fifo<LaneEntry>();
  private linesWaiting = 0;
  private running = false;
  private commitsLeft = 0;
  private tenureEndsMs = 0;
  private endTenure: () => void = () => undefined;
  private expiry: NodeJS.Timeout | undefined;

  constructor(
    readonly productId: string,
    private readonly locking: StockLocking,
    private readonly commits: CommitQueue,
    private readonly settings: LaneSettings,
    private readonly onIdle: (lane: Lane) => void,
  ) {}

  /** Never rejects but for a mistake in our program. */
  enqueue(ticket: LaneTicket): Promise<WriteResult> {
    const { queueMax, retryAfterMs } = this.settings;
    if (this.linesWaiting >= queueMax) {
      return Promise.resolve(refusal({ code: 'OVERLOADED', retryAfterMs }));
    }
    const entry = new LaneEntry(ticket);
    this.entries.push(entry);
    this.linesWaiting += ticket.write.lines.length;
    this.expiry ??= this.expireAt(ticket.expiresMs);
    if (!this.running) void this.run();
    return entry.result;
  }

  /** The first entry that still wants to be served. */
  head(nowMs: number): LaneEntry | undefined {
    for (;;) {
      const entry = this.entries.first;
      if (!entry || entry.isWanted(nowMs)) return entry;
      this.removeHead();
    }
  }

  removeHead(): void {
    const entry = this.entries.shift();
    if (entry) this.linesWaiting -= entry.write.lines.length;
  }

  /**
   * To be called after each commit that this lane took part in, or was called to in vain.
   *
   * @returns whether it waits for the next one. Where it does not, `endTurn` is to be called as soon as those who were
   *   just answered have had the time to come back.
   */
  commitEnded(): boolean {
    this.commitsLeft -= 1;
    return this.goOn();
  }

  /** Gives the turn back, unless somebody has come meanwhile. */
  endTurn(): void {
    if (!this.goOn()) this.endTenure();
  }

  /** Answers all who wait and are in no commit yet. */
  refuseAll(failure: StockFailure): void {
    for (let entry = this.entries.first; entry; entry = this.entries.first) {
      this.removeHead();
      if (!entry.settled) entry.refuse(failure);
    }
  }

  private goOn(): boolean {
    const isOver = this.commitsLeft <= 0 || performance.now() >= this.tenureEndsMs;
    if (!this.entries.first || isOver) return false;
    this.commits.join(this);
    return true;
  }

  private async run(): Promise<void> {
    this.running = true;
    while (this.entries.last) {
      const waitMs = Math.max(0, this.entries.last.expiresMs - performance.now());
      try {
        await this.locking.inTurn([this.productId], { waitMs }, (turn) => this.serve(turn));
      } catch (error) {
        this.explainNoTurn(error);
      }
    }
    this.running = false;
    clearTimeout(this.expiry);
    this.expiry = undefined;
    this.onIdle(this);
  }

  /** Resolves when the turn is to be given back. */
  private serve(turn: Turn): Promise<void> {
    this.turn = turn;
    this.commitsLeft = this.settings.tenureCommitsMax;
    this.tenureEndsMs = performance.now() + this.settings.tenureMs;
    return new Promise((resolve) => {
      this.endTenure = resolve;
      this.commits.join(this);
    });
  }

  private explainNoTurn(error: unknown): void {
    if (error instanceof NoTurnError && error.failure.code === 'LOCK_TIMEOUT') {
      // It was waited for as long as the youngest may wait; who came since then waits on.
      this.head(performance.now());
    } else if (error instanceof NoTurnError) {
      this.refuseAll(error.failure);
    } else {
      for (let entry = this.entries.first; entry; entry = this.entries.first) {
        this.removeHead();
        if (!entry.settled) entry.fail(error);
      }
    }
  }

  private expireAt(expiresMs: number): NodeJS.Timeout {
    return setTimeout(
      () => {
        const head = this.head(performance.now());
        this.expiry = head && this.expireAt(head.expiresMs);
      },
      Math.ceil(Math.max(0, expiresMs - performance.now())),
    );
  }
}

/** A queue whose head is taken in constant time. */
class Fifo<T> {
  private items: T[] = [];
  private taken = 0;

  get first(): T | undefined {
    return this.items[this.taken];
  }

  get last(): T | undefined {
    return this.items[this.items.length - 1];
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
