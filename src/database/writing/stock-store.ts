/**
 * StockStore on MySQL: one transaction for the list of writes, repeated until its outcome is certain. Transactions
 * before it create missing levels, and release expired reservations beyond the number that one transaction handles.
 */
import type { Sequelize } from 'sequelize';
import { isDoubtful } from '../../inventory/delegated-write.js';
import { sweepOf } from '../../inventory/reservation-sweep.js';
import { isPossible, levelKey, type StockFailure, type StockWrite } from '../../inventory/stock.js';
import type { StockChanges } from '../../inventory/stock-changes.js';
import {
  ROWS_LOCKED_RETRY_AFTER_MS,
  RowsLockedError,
  type ApplyOptions,
  type StockStore,
  type WriteResult,
} from '../../inventory/stock-store.js';
import type { WriteHealth } from '../../inventory/write-health.js';
import { MissingLevelsError, runAttempt, type Applied } from './attempt.js';
import { Attempt, Known } from './known.js';
import { LevelMemory } from './level-memory.js';
import { ManyDueError } from './levels.js';
import { StockStatements } from './stock-statements.js';
import type { TransactionCounts, TransactionEnd } from './transaction-counts.js';
import {
  isPerhapsApplied,
  noDoubts,
  runTransaction,
  type Doubts,
  type TransactionOutcome,
} from './transactions.js';

export interface StockStoreSettings {
  /** Receives the changed levels after each COMMIT. */
  readonly changes?: StockChanges | undefined;
  /** The most units of one product that one principal may hold; null: no bound. */
  readonly heldUnitsMax?: number | null | undefined;
  /** Learns what becomes of each attempt at a transaction. */
  readonly health?: WriteHealth | undefined;
  readonly counts?: TransactionCounts | undefined;
}

export class MysqlStockStore implements StockStore {
  private readonly memory = new LevelMemory();

  constructor(
    private readonly sequelize: Sequelize,
    private readonly settings: StockStoreSettings = {},
  ) {}

  async apply(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<readonly WriteResult[]> {
    const began = new Date();
    const outcome = await this.applyPrepared(writes, options);
    this.tell(outcome, began, options);
    if (outcome.outcome === 'COMMITTED') return outcome.value.results;
    return writes.map((write) => undecided(failureOf(outcome, write)));
  }

  /** Creates missing levels, releases excess expired reservations, and tries again until the deadline. */
  private async applyPrepared(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<TransactionOutcome<Applied>> {
    const doubts = noDoubts();
    const known = this.knownOf(writes, options);
    for (;;) {
      try {
        return await this.applyOnce(known, options, doubts);
      } catch (error) {
        if (error instanceof RowsLockedError) throw await this.explain(error, writes, options);
        const prepared = await this.prepareFor(error, options).catch((defect: unknown) => {
          // The caller would begin anew, and would take what was applied for refused.
          if (doubts.commitFailed) return unavailable(defect);
          throw defect;
        });
        if (prepared.outcome === 'COMMITTED') continue;
        if (doubts.commitFailed) return unavailable(error);
        // What may have been applied is the preparation, and not the writes.
        return prepared.outcome === 'UNAVAILABLE'
          ? { ...prepared, mayHaveApplied: false }
          : prepared;
      }
    }
  }

  private knownOf(writes: readonly StockWrite[], options: ApplyOptions): Known {
    return new Known(writes, options, this.memory, this.settings.heldUnitsMax ?? null);
  }

  /** Names the products with locked levels, so that writes of other products need not wait. */
  private async explain(
    error: RowsLockedError,
    writes: readonly StockWrite[],
    { deadline }: ApplyOptions,
  ): Promise<RowsLockedError> {
    const places = writes.flatMap(({ lines }) => lines.filter(isPossible));
    if (places.length === 0) return error;
    const free = await runTransaction(this.sequelize, deadline, ({ transaction }) =>
      new StockStatements(this.sequelize, transaction).readFreeLevels(places),
    );
    if (free.outcome !== 'COMMITTED') return error;
    const found = new Set(free.value.map(levelKey));
    const locked = places.filter((place) => !found.has(levelKey(place)));
    return new RowsLockedError(error, new Set(locked.map(({ productId }) => productId)));
  }

  private async prepareFor(
    error: unknown,
    options: ApplyOptions,
  ): Promise<TransactionOutcome<unknown>> {
    if (error instanceof MissingLevelsError) {
      // In a transaction of its own, so that transactions that move stock only update rows that exist: an INSERT that
      // meets another transaction's row would lock out of order.
      return runTransaction(this.sequelize, options.deadline, ({ transaction }) =>
        new StockStatements(this.sequelize, transaction).createLevels(error.places),
      );
    }
    // One transaction releases a bounded number of reservations; the next attempt continues.
    if (error instanceof ManyDueError) {
      const began = new Date();
      const sweep = this.knownOf([sweepOf(error.productIds)], options);
      const outcome = await this.applyOnce(sweep, options, noDoubts());
      this.tell(outcome, began, options);
      return outcome;
    }
    throw error;
  }

  private applyOnce(
    known: Known,
    options: ApplyOptions,
    doubts: Doubts,
  ): Promise<TransactionOutcome<Applied>> {
    const { health, counts } = this.settings;
    const { impatient, rowsWereLocked } = options;
    return runTransaction(
      this.sequelize,
      options.deadline,
      (running) => runAttempt(new Attempt(this.sequelize, running, known)),
      { impatient, rowsWereLocked, health, counts, doubts },
    );
  }

  /** @param began a moment before the first of its attempts, over all transactions of the call. */
  private tell(
    outcome: TransactionOutcome<Applied>,
    began: Date,
    { fencingTokenOf }: Pick<ApplyOptions, 'fencingTokenOf'>,
  ): void {
    const { changes, counts } = this.settings;
    // An attempt that settles an earlier one finds its answers, but not the levels as that one left them.
    const isUncertain =
      outcome.outcome === 'COMMITTED' ? outcome.value.settled : isPerhapsApplied(outcome);
    if (isUncertain) changes?.uncertain(began);
    counts?.ended(endOf(outcome));
    if (outcome.outcome !== 'COMMITTED') return;
    const { levels } = outcome.value;
    for (const level of levels) this.memory.left(level, fencingTokenOf(level.productId));
    changes?.committed(levels);
  }
}

function endOf(outcome: TransactionOutcome<Applied>): TransactionEnd {
  if (outcome.outcome === 'COMMITTED') return outcome.value.settled ? 'settled' : 'committed';
  if (outcome.outcome === 'ROWS_LOCKED') return 'rows_locked';
  return outcome.mayHaveApplied ? 'unknown' : 'unavailable';
}

function unavailable(cause: unknown): TransactionOutcome<never> {
  return { outcome: 'UNAVAILABLE', mayHaveApplied: true, cause };
}

function undecided(failure: StockFailure): WriteResult {
  return { outcome: 'REFUSED', failure, replayed: false };
}

function failureOf(
  outcome: Exclude<TransactionOutcome<unknown>, { outcome: 'COMMITTED' }>,
  write: StockWrite,
): StockFailure {
  const isInDoubt = isDoubtful(write);
  if (outcome.outcome === 'ROWS_LOCKED' && !isInDoubt) {
    const waitedMs = Math.round(outcome.waitedMs);
    return { code: 'LOCK_TIMEOUT', waitedMs, retryAfterMs: ROWS_LOCKED_RETRY_AFTER_MS };
  }
  const mayHaveApplied = isInDoubt || isPerhapsApplied(outcome);
  const retryable = !mayHaveApplied || write.operation.idempotencyKey !== null;
  return { code: 'UNAVAILABLE', mayHaveApplied, retryable };
}
