/**
 * ProductImportStore on MySQL: a batch of rows in one transaction. A new place gets its level and the first line of its
 * ledger. A level that exists is changed by the same attempt as every other write (attempt.ts), so sales can
 * continue during an import.
 */
import type { Sequelize } from 'sequelize';
import {
  IMPORT_REASON,
  type BadLine,
  type ImportOptions,
  type ImportRow,
  type ImportedBatch,
  type ProductImportStore,
} from '../../inventory/product-import.js';
import type { Operations } from '../../inventory/operation.js';
import { sweepOf } from '../../inventory/reservation-sweep.js';
import {
  compareBytes,
  comparePlaces,
  levelKey,
  type LinesWrite,
  type StockFailure,
  type StockLine,
  type Verdict,
} from '../../inventory/stock.js';
import type { ApplyOptions } from '../../inventory/stock-store.js';
import { systemClock, type Clock } from '../../time/clock.js';
import { Deadline } from '../../time/deadline.js';
import { runAttempt } from './attempt.js';
import { Attempt, Known } from './known.js';
import { LevelMemory } from './level-memory.js';
import { ManyDueError } from './levels.js';
import { MysqlStockStore } from './stock-store.js';
import { WordStatements } from './product-words.js';
import { StockStatements } from './stock-statements.js';
import { committedValue, runTransaction, type RunningTransaction } from './transactions.js';

const BATCH_TIMEOUT_MS = 60_000;

/** These rows cannot be applied to their levels. The transaction is rolled back and repeated without them. */
class RefusedRowsError extends Error {
  constructor(readonly refused: readonly BadLine[]) {
    super(`${refused.length} row(s) cannot be carried out.`);
    this.name = 'RefusedRowsError';
  }
}

export class MysqlProductImport implements ProductImportStore {
  constructor(
    private readonly sequelize: Sequelize,
    private readonly operations: Operations,
    private readonly clock: Clock = systemClock,
  ) {}

  async importBatch(rows: readonly ImportRow[], options: ImportOptions): Promise<ImportedBatch> {
    const applying: ApplyOptions = {
      deadline: Deadline.in(BATCH_TIMEOUT_MS, this.clock),
      contended: false,
      impatient: false,
      fencingTokenOf: () => null,
    };
    let wanted = rows;
    const refused: BadLine[] = [];
    for (;;) {
      try {
        const done = await this.importOnce(wanted, options, applying);
        return { ...done, refused: [...refused, ...done.refused] };
      } catch (error) {
        if (error instanceof RefusedRowsError) {
          refused.push(...error.refused);
          const lines = new Set(refused.map(({ line }) => line));
          wanted = rows.filter(({ line }) => !lines.has(line));
        } else if (error instanceof ManyDueError && !applying.deadline.hasPassed) {
          // One transaction releases a bounded number of reservations; the next attempt continues.
          const store = new MysqlStockStore(this.sequelize);
          await store.apply([sweepOf(error.productIds)], applying);
        } else {
          throw error;
        }
      }
    }
  }

  private async importOnce(
    rows: readonly ImportRow[],
    options: ImportOptions,
    applying: ApplyOptions,
  ): Promise<ImportedBatch> {
    const operation = this.operations.withoutKey('setStock', null);
    let planned: ImportedBatch | undefined;
    const outcome = await runTransaction(this.sequelize, applying.deadline, async (running) => {
      const batch = new ImportBatch(this.sequelize, running, options, applying);
      // The ledger tells whether an earlier attempt, whose COMMIT was not answered, was applied.
      if (running.tracesAreSought && planned && (await batch.isApplied(operation))) return planned;
      planned = await batch.run(rows, operation);
      return planned;
    });
    return committedValue(outcome);
  }
}

interface StoredProduct {
  readonly id: string;
  readonly name: string;
  readonly lowStockThreshold: number | null;
  readonly archived: number;
}

/** A row, and its product where there is one: another name or threshold, or none yet. */
interface Difference {
  readonly row: ImportRow;
  readonly stored: StoredProduct | undefined;
}

/** A row with a place, as a line that sets the level to the row's quantity. */
interface Placed {
  readonly row: ImportRow;
  readonly line: StockLine;
}

class ImportBatch {
  private readonly statements: StockStatements;
  private readonly words: WordStatements;

  constructor(
    private readonly sequelize: Sequelize,
    private readonly running: RunningTransaction,
    private readonly options: ImportOptions,
    private readonly applying: ApplyOptions,
  ) {
    this.statements = new StockStatements(sequelize, running.transaction);
    this.words = new WordStatements(sequelize, running.transaction);
  }

  async isApplied(operation: LinesWrite['operation']): Promise<boolean> {
    return (await this.statements.readMovementsOf([operation])).length > 0;
  }

  /** @throws RefusedRowsError, ManyDueError */
  async run(
    rows: readonly ImportRow[],
    operation: LinesWrite['operation'],
  ): Promise<ImportedBatch> {
    const { refused, accepted } = await this.checkLocations(rows);
    const { withOtherThreshold, ...products } = await this.writeProducts(accepted);
    const { fresh, changed, memory } = await this.compare(accepted.flatMap(toPlaced));
    const wanted = this.options.setQuantities ? changed : [];
    if (!this.options.dryRun) {
      await this.createLevels(writeOf(operation, fresh));
      const corrected = await this.setQuantities(operation, wanted, memory);
      await this.statements.copyThresholds(withOtherThreshold);
      return { ...products, stocked: fresh.length, corrected, refused };
    }
    return { ...products, stocked: fresh.length, corrected: wanted.length, refused };
  }

  private async checkLocations(
    rows: readonly ImportRow[],
  ): Promise<{ readonly refused: readonly BadLine[]; readonly accepted: readonly ImportRow[] }> {
    const ids = new Set(rows.flatMap(({ locationId }) => locationId ?? []));
    if (ids.size === 0) return { refused: [], accepted: rows };
    const known = await this.statements.readLocations([...ids]);
    const refused: BadLine[] = [];
    const accepted = rows.filter(({ line, locationId }) => {
      if (locationId === null || known.has(locationId)) return true;
      const reason = `There is no location ${locationId}. Create it first.`;
      refused.push({ line, column: 'locationId', reason });
      return false;
    });
    return { refused, accepted };
  }

  /** Creates products that are new, and updates names and thresholds that differ. */
  private async writeProducts(
    rows: readonly ImportRow[],
  ): Promise<
    Pick<ImportedBatch, 'created' | 'updated'> & { readonly withOtherThreshold: readonly string[] }
  > {
    const wanted = [...new Map(rows.map((row) => [row.id, row])).values()];
    let changed = await this.differences(wanted, '');
    if (!this.options.dryRun) {
      // Again, now that no other transaction can change these products until COMMIT: what copies of them are written
      // is decided by what they were.
      changed = await this.differences(
        changed.map(({ row }) => row),
        'FOR UPDATE',
      );
      await this.write(changed, rows);
    }
    const created = changed.filter(({ stored }) => !stored).length;
    const withOtherThreshold = changed.flatMap(({ row, stored }) =>
      stored && stored.lowStockThreshold !== row.lowStockThreshold ? [row.id] : [],
    );
    return { created, updated: changed.length - created, withOtherThreshold };
  }

  private async differences(
    rows: readonly ImportRow[],
    lock: '' | 'FOR UPDATE',
  ): Promise<readonly Difference[]> {
    if (rows.length === 0) return [];
    const found = await this.statements.read<StoredProduct>(
      `SELECT id, name, low_stock_threshold AS lowStockThreshold, is_archived AS archived
       FROM products WHERE id IN (?) ORDER BY id ${lock}`,
      [rows.map(({ id }) => id)],
    );
    const byId = new Map(found.map((product) => [product.id, product]));
    return rows
      .map((row) => ({ row, stored: byId.get(row.id) }))
      .filter(
        ({ row, stored }) =>
          stored?.name !== row.name || stored.lowStockThreshold !== row.lowStockThreshold,
      );
  }

  /** Of products that another transaction creates meanwhile, the race is lost and the attempt repeated. */
  private async write(changed: readonly Difference[], rows: readonly ImportRow[]): Promise<void> {
    const stocked = new Set(rows.flatMap(({ id, locationId }) => (locationId === null ? [] : id)));
    const sorted = [...changed].sort((a, b) => compareBytes(a.row.id, b.row.id));
    const insert = async (differences: readonly Difference[], otherwise: string): Promise<void> => {
      if (differences.length === 0) return;
      const values = differences.map(({ row: { id, name, lowStockThreshold } }) => {
        return [id, name, lowStockThreshold, !stocked.has(id)];
      });
      await this.statements.write(
        `INSERT INTO products (id, name, low_stock_threshold, may_lack_levels) VALUES ? ${otherwise}`,
        [values],
      );
    };
    await insert(
      sorted.filter(({ stored }) => !stored),
      '',
    );
    await insert(
      sorted.filter(({ stored }) => stored),
      'ON DUPLICATE KEY UPDATE name = VALUES(name), low_stock_threshold = VALUES(low_stock_threshold)',
    );
    const renamed = sorted.filter(({ row, stored }) => stored?.name !== row.name);
    await this.words.replace(
      renamed.map(({ row: { id, name }, stored }) => ({
        id,
        name,
        archived: stored?.archived === 1,
      })),
    );
  }

  /** Reads the levels once; the attempt gets the levels that it changes as remembered ones. */
  private async compare(placed: readonly Placed[]): Promise<{
    readonly fresh: readonly Placed[];
    readonly changed: readonly Placed[];
    readonly memory: LevelMemory;
  }> {
    const memory = new LevelMemory();
    if (placed.length === 0) return { fresh: [], changed: [], memory };
    const sorted = [...placed].sort((a, b) => comparePlaces(a.line, b.line));
    const places = sorted.map(({ line }) => line);
    const levels = await this.statements.readLevels(places, { lock: false });
    for (const level of levels) memory.hasJustRead(level);
    const byKey = new Map(levels.map((level) => [levelKey(level), level]));
    return {
      fresh: sorted.filter(({ line }) => !byKey.has(levelKey(line))),
      changed: sorted.filter(({ row, line }) => {
        const level = byKey.get(levelKey(line));
        return level && row.quantity !== null && level.onHand !== row.quantity;
      }),
      memory,
    };
  }

  /** If another transaction creates one of the levels first, the race is lost and the attempt repeated. */
  private async createLevels(write: LinesWrite): Promise<void> {
    if (write.lines.length === 0) return;
    await this.statements.insertLevels(write.lines);
    const filled = write.lines.filter(({ quantity }) => quantity > 0);
    const movements = filled.map((line) => ({
      write,
      line,
      kind: 'INITIAL' as const,
      sequence: 1,
      delta: line.quantity,
      quantityBefore: 0,
      quantityAfter: line.quantity,
      availableAfter: line.quantity,
    }));
    await this.statements.insertMovements(movements, this.applying);
  }

  /** @returns how many levels were changed. @throws RefusedRowsError, ManyDueError */
  private async setQuantities(
    operation: LinesWrite['operation'],
    placed: readonly Placed[],
    memory: LevelMemory,
  ): Promise<number> {
    if (placed.length === 0) return 0;
    const known = new Known([writeOf(operation, placed)], this.applying, memory);
    const { results } = await runAttempt(new Attempt(this.sequelize, this.running, known));
    const [result] = results;
    if (result?.outcome !== 'DECIDED') throw new Error('Lines of an import were not decided.');
    const refused = placed.flatMap(({ row }, at): BadLine[] => {
      const verdict = result.verdicts[at];
      return verdict?.outcome === 'REFUSED' ? [refusalOf(row.line, verdict.failure)] : [];
    });
    if (refused.length > 0) throw new RefusedRowsError(refused);
    return result.verdicts.filter(hasMovement).length;
  }
}

function hasMovement(verdict: Verdict): boolean {
  return verdict.outcome === 'APPLIED' && verdict.movementId !== null;
}

function writeOf(operation: LinesWrite['operation'], placed: readonly Placed[]): LinesWrite {
  const lines = placed.map(({ line }) => line);
  // The store's transaction takes no turn, so no product is named.
  const rest = { productIds: [], reason: IMPORT_REASON, reference: null };
  return { type: 'LINES', operation, atomic: false, lines, ...rest };
}

function toPlaced(row: ImportRow, index: number): readonly Placed[] {
  const { id: productId, locationId, quantity } = row;
  if (locationId === null) return [];
  const change = { type: 'SET', changeFrom: null } as const;
  return [{ row, line: { index, productId, locationId, quantity: quantity ?? 0, change } }];
}

function refusalOf(line: number, failure: StockFailure): BadLine {
  const reason =
    failure.code === 'INSUFFICIENT_STOCK'
      ? `Reservations hold more than this quantity: it would take ${failure.requested} out, ` +
        `${failure.available} are available. Release them, or set a higher quantity.`
      : `The quantity cannot be set: ${failure.code}.`;
  return { line, column: 'quantity', reason };
}
