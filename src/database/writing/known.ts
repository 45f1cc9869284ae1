/**
 * State that the steps of a write share: `Known` for one call of the store, `Attempt` for each attempt of the call.
 *
 * A failed attempt leaves nothing in the database, but the next one needs the list of answers that were stored before
 * this call first sent a COMMIT: only those are replays. Answers that are found after a COMMIT without a reply may be
 * this call's own.
 */
import type { Sequelize } from 'sequelize';
import { isDoubtful } from '../../inventory/delegated-write.js';
import { holdersOf, type Holders } from '../../inventory/held-units.js';
import type { ApplyOptions } from '../../inventory/stock-store.js';
import type { StockWrite } from '../../inventory/stock.js';
import type { LevelMemory } from './level-memory.js';
import { ReservationStatements } from './reservation-statements.js';
import { StockStatements, type KeyedOperation } from './stock-statements.js';
import type { RunningTransaction } from './transactions.js';
import { WithdrawalStatements } from './withdrawals.js';

export class Known {
  /** For each write the row that its idempotency key claims; null without a key. */
  readonly keys: readonly (KeyedOperation | null)[];
  /** The holders whose units are bounded; null where none is. */
  readonly holders: Holders | null;
  /** The writes that other processes have handed on, which may be withdrawn. */
  readonly delegated: readonly StockWrite[];
  /** Those of which earlier attempts may have been applied, or may be from now on. */
  readonly doubtful: readonly StockWrite[];
  private readonly answered: (ReadonlySet<number> | undefined)[] = [];

  constructor(
    readonly writes: readonly StockWrite[],
    readonly options: Pick<ApplyOptions, 'contended' | 'fencingTokenOf' | 'waitedMsOf'>,
    /** The levels as the last transactions of this process left them. */
    readonly memory: LevelMemory,
    /** The most units of one product that one principal may hold; null: no bound. */
    readonly heldUnitsMax: number | null = null,
  ) {
    this.keys = writes.map(keyedOperation);
    this.holders = heldUnitsMax === null ? null : holdersOf(writes);
    this.delegated = writes.filter(({ delegated }) => delegated !== undefined);
    this.doubtful = this.delegated.filter(isDoubtful);
  }

  /**
   * The lines of a write that were answered before this call.
   *
   * @param write its index among the writes of the call.
   */
  noteAnswered(write: number, lineIndexes: ReadonlySet<number>): void {
    this.answered[write] = lineIndexes;
  }

  wasAnswered(write: number, lineIndex: number): boolean {
    return this.answered[write]?.has(lineIndex) ?? false;
  }
}

export class Attempt {
  readonly stock: StockStatements;
  readonly reservations: ReservationStatements;
  readonly withdrawals: WithdrawalStatements;
  /** From 1. */
  readonly number: number;
  /** As in Doubts. */
  readonly settling: boolean;
  /** As in Doubts: an earlier attempt may have been applied, and may be still at another member of a cluster. */
  readonly commitFailed: boolean;
  /** An earlier attempt of this call may have left effects. */
  readonly mayHaveLeftTraces: boolean;
  /** That, or an attempt of another process may have: so the effects of operations without a key are looked up. */
  readonly tracesAreSought: boolean;
  /**
   * Rows are locked before they are read, so that a repeated attempt cannot lose the race again, and so that no other
   * transaction adds to what a principal holds between the count and COMMIT.
   */
  readonly rowsAreLocked: boolean;

  constructor(
    sequelize: Sequelize,
    { transaction, number, settling, commitFailed, tracesAreSought }: RunningTransaction,
    readonly known: Known,
  ) {
    this.stock = new StockStatements(sequelize, transaction);
    this.reservations = new ReservationStatements(sequelize, transaction);
    this.withdrawals = new WithdrawalStatements(sequelize, transaction);
    this.number = number;
    this.settling = settling;
    this.commitFailed = commitFailed;
    this.mayHaveLeftTraces = tracesAreSought;
    const isInDoubt = known.doubtful.length > 0;
    this.tracesAreSought = tracesAreSought || isInDoubt;
    this.rowsAreLocked =
      known.options.contended || number > 1 || known.holders !== null || isInDoubt;
  }
}

function keyedOperation(write: StockWrite): KeyedOperation | null {
  const { id, name, fingerprint, idempotencyKey } = write.operation;
  if (idempotencyKey === null) return null;
  const reservationId = write.type === 'CREATING' ? write.reservationId : null;
  return { id, operationKey: id.toString('hex'), name, fingerprint, reservationId };
}
