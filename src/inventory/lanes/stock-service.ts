/**
 * The transactional work on stock, behind its locks: takes lines out of the levels, or puts them in.
 *
 * What concerns one product goes through that product's lane, where it shares a lock and a transaction with all who
 * wait beside it. What must be decided over several products at once takes all their locks, in one order, and commits
 * alone. Safe also without any lock: nobody can oversell or lose an update. The locks are for order and speed.
 */
import type { Deadline } from '../../time/deadline.js';
import { CommitSlots } from './commit-slots.js';
import { refusal } from './lane-entry.js';
import { isPossible, type StockWrite } from '../stock.js';
import { StockLanes } from './stock-lanes.js';
import { NoTurnError, type StockLocking, type Turn } from './turns.js';
import type { StockStore, WriteResult } from '../stock-store.js';

export interface StockServiceSettings {
  /** The longest wait for a turn, in milliseconds. */
  readonly lockWaitMs: number;
  /** The most lines in one transaction; 1 takes one lock and one transaction for each line. */
  readonly batchMax: number;
  /** The most lines that may wait for one product, and the most writes over several products. */
  readonly queueMax: number;
  /** The most writing transactions at once. */
  readonly commitsMax: number;
}

/** What is told to whoever finds a queue full. */
export const OVERLOADED_RETRY_AFTER_MS = 1_000;
/** Long enough to be worth the way to Redis, short enough for whoever waits in another process. */
const TENURE_MS = 50;
const TENURE_COMMITS_MAX = 32;

export class StockService {
  /** For all else that writes, so that writing never takes more connections than it may. */
  readonly slots: CommitSlots;
  private readonly lanes: StockLanes;
  private writesAlone = 0;

  constructor(
    private readonly store: StockStore,
    private readonly locking: StockLocking,
    private readonly settings: StockServiceSettings,
  ) {
    this.slots = new CommitSlots(settings.commitsMax);
    this.lanes = new StockLanes(store, this.slots, locking, {
      batchMax: settings.batchMax,
      queueMax: settings.queueMax,
      retryAfterMs: OVERLOADED_RETRY_AFTER_MS,
      tenureMs: TENURE_MS,
      tenureCommitsMax: settings.batchMax === 1 ? 1 : TENURE_COMMITS_MAX,
    });
  }

  /** Takes stock out: for a write whose lines TAKE. */
  decreaseStock(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    return this.carryOut(write, deadline);
  }

  /** Puts stock in: for a write whose lines PUT. */
  increaseStock(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    return this.carryOut(write, deadline);
  }

  /** Answers all who still wait and lets what is under way end, for at most `graceMs` milliseconds. */
  stop(graceMs: number): Promise<void> {
    return this.lanes.stop(graceMs);
  }

  /** Carries out any write. Rejects only for a mistake in our program: all else is an answer. */
  carryOut(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    const [productId, ...others] = write.productIds;
    if (productId !== undefined && others.length === 0) {
      const expiresMs = Math.min(deadline.endMs, performance.now() + this.settings.lockWaitMs);
      return this.lanes.enqueue(productId, { write, expiresMs, deadline });
    }
    if (productId !== undefined) return this.carryOutAlone(write, deadline);
    // Only its answer has to be kept, and that only where the same request can come again.
    const nothingToKeep = write.operation.idempotencyKey === null && !write.atomic;
    if (nothingToKeep && !write.lines.some(isPossible)) {
      return Promise.resolve(refusal({ code: 'INVALID_QUANTITY' }));
    }
    return this.commitAlone(write, NO_TURN_NEEDED, deadline);
  }

  private async carryOutAlone(write: StockWrite, deadline: Deadline): Promise<WriteResult> {
    if (this.writesAlone >= this.settings.queueMax) {
      return refusal({ code: 'OVERLOADED', retryAfterMs: OVERLOADED_RETRY_AFTER_MS });
    }
    this.writesAlone += 1;
    try {
      const waitMs = Math.min(this.settings.lockWaitMs, deadline.leftMs);
      return await this.locking.inTurn(
        write.productIds,
        { waitMs, signal: deadline.signal },
        (turn) => this.commitAlone(write, turn, deadline),
      );
    } catch (error) {
      if (error instanceof NoTurnError) return refusal(error.failure);
      throw error;
    } finally {
      this.writesAlone -= 1;
    }
  }

  private async commitAlone(
    write: StockWrite,
    turn: Turn,
    deadline: Deadline,
  ): Promise<WriteResult> {
    const arrivedMs = performance.now();
    const results = await this.slots.run(deadline, () => {
      if (deadline.callerHasGone) return Promise.resolve([refusal(LEFT_UNDONE)]);
      return this.store.apply([write], {
        deadline,
        contended: turn.isContended(),
        impatient: false,
        fencingTokenOf: (productId) => turn.fencingTokenOf(productId),
      });
    });
    if (results === 'TIMED_OUT') {
      const waitedMs = Math.round(performance.now() - arrivedMs);
      return refusal({ code: 'LOCK_TIMEOUT', waitedMs });
    }
    const [result] = results;
    if (!result) throw new Error('The store gave no result for a write.');
    return result;
  }
}

const LEFT_UNDONE = { code: 'UNAVAILABLE', mayHaveApplied: false, retryable: true } as const;
const NO_TURN_NEEDED: Turn = { isContended: () => false, fencingTokenOf: () => null };
