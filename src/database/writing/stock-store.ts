/**
 * StockStore on MySQL: one transaction for the list of lines, whatever their number, run again until it has one certain
 * outcome. What has to be there before it, levels that are new or room that expired reservations take, is made in
 * transactions of their own.
 */
import type { Sequelize } from 'sequelize';
import { sweepOf } from '../../inventory/reservation-sweep.js';
import { isPossible, levelKey, type StockFailure, type StockWrite } from '../../inventory/stock.js';
import type { StockChanges } from '../../inventory/stock-changes.js';
import {
  RowsLockedError,
  type ApplyOptions,
  type StockStore,
  type WriteResult,
} from '../../inventory/stock-store.js';
import { Application, ManyDueError, MissingLevelsError, type Applied } from './attempt.js';
import type { AnsweredBefore } from './claims.js';
import { LevelMemory } from './level-memory.js';
import { StockStatements } from './stock-statements.js';
import { isPerhapsApplied, runTransaction, type TransactionOutcome } from './transactions.js';

export class MysqlStockStore implements StockStore {
  private readonly memory = new LevelMemory();

  /** @param changes told of the levels after each COMMIT, where anybody wants to know. */
  constructor(
    private readonly sequelize: Sequelize,
    private readonly changes?: StockChanges,
  ) {}

  async apply(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<readonly WriteResult[]> {
    const outcome = await this.applyPrepared(writes, options);
    if (outcome.outcome === 'COMMITTED') return outcome.value.results;
    return writes.map((write) => undecided(failureOf(outcome, write)));
  }

  /** Whatever is missing is made, and all of it tried again, for as long as the caller has time. */
  private async applyPrepared(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<TransactionOutcome<Applied>> {
    for (;;) {
      try {
        return await this.applyOnce(writes, options);
      } catch (error) {
        if (error instanceof RowsLockedError) throw await this.explain(error, writes, options);
        const prepared = await this.prepareFor(error, options);
        if (prepared.outcome !== 'COMMITTED') return prepared;
      }
    }
  }

  /** Says whose levels are the locked ones, so that nobody else has to wait with them. */
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
      // Levels are created empty, in a transaction of their own, so that the transactions that move stock only ever
      // update rows that exist: an INSERT that meets another's row would lock out of order.
      return runTransaction(this.sequelize, options.deadline, ({ transaction }) =>
        new StockStatements(this.sequelize, transaction).createLevels(error.places),
      );
    }
    // One transaction gives back what fits; whatever is left is met again, and given back by the next one.
    if (error instanceof ManyDueError) return this.applyOnce([sweepOf(error.productIds)], options);
    throw error;
  }

  private async applyOnce(
    writes: readonly StockWrite[],
    options: ApplyOptions,
  ): Promise<TransactionOutcome<Applied>> {
    const began = new Date();
    const answeredBefore: AnsweredBefore = new Map();
    const outcome = await runTransaction(
      this.sequelize,
      options.deadline,
      (attempt) =>
        new Application(
          this.sequelize,
          this.memory,
          writes,
          options,
          attempt,
          answeredBefore,
        ).run(),
      options,
    );
    // What a first attempt committed without our hearing of it is found again by its answers, and not by its levels.
    const isUncertain =
      outcome.outcome === 'COMMITTED' ? outcome.value.settled : isPerhapsApplied(outcome);
    if (isUncertain) this.changes?.uncertain(began);
    if (outcome.outcome === 'COMMITTED') {
      const { levels } = outcome.value;
      for (const level of levels) {
        this.memory.left(level, options.fencingTokenOf(level.productId));
      }
      this.changes?.committed(levels);
    }
    return outcome;
  }
}

function undecided(failure: StockFailure): WriteResult {
  return { outcome: 'REFUSED', failure, replayed: false };
}

function failureOf(
  outcome: Exclude<TransactionOutcome<unknown>, { outcome: 'COMMITTED' }>,
  write: StockWrite,
): StockFailure {
  if (outcome.outcome === 'ROWS_LOCKED') {
    return { code: 'LOCK_TIMEOUT', waitedMs: Math.round(outcome.waitedMs) };
  }
  const { mayHaveApplied } = outcome;
  const retryable = !mayHaveApplied || write.operation.idempotencyKey !== null;
  return { code: 'UNAVAILABLE', mayHaveApplied, retryable };
}
