/**
 * ProductImportStore on MySQL: a batch of rows in one transaction. A place that is new gets its level and the first
 * line of its ledger; a level that is there is changed by the decision and the conditional statement of every other
 * write, with its row locked first, so servers may go on selling meanwhile, whatever lock they use.
 */
import type { Sequelize } from 'sequelize';
import type { BadLine, ImportRow } from '../../inventory/import-row.js';
import {
  IMPORT_REASON,
  type ImportOptions,
  type ImportedBatch,
  type ProductImportStore,
} from '../../inventory/product-import.js';
import { identifyOperation } from '../../inventory/operation.js';
import { sweepOf } from '../../inventory/reservation-sweep.js';
import {
  compareBytes,
  comparePlaces,
  levelKey,
  type LinesWrite,
  type StockFailure,
  type StockLine,
  type StockLevelState,
} from '../../inventory/stock.js';
import type { ApplyOptions } from '../../inventory/stock-store.js';
import { allAtOnce } from '../../inventory/stock-transaction.js';
import { Application, ManyDueError } from './attempt.js';
import { LevelMemory } from './level-memory.js';
import { MysqlStockStore } from './stock-store.js';
import { StockStatements } from './stock-statements.js';
import { systemClock } from '../../time/clock.js';
import { Deadline } from '../../time/deadline.js';
import { committedValue, runTransaction, type Attempt } from './transactions.js';

const BATCH_TIMEOUT_MS = 60_000;

/** These rows can't be carried out. The transaction is rolled back, to be run again without them. */
class RefusedRowsError extends Error {
  constructor(readonly refused: readonly BadLine[]) {
    super(`${refused.length} row(s) cannot be carried out.`);
    this.name = 'RefusedRowsError';
  }
}

export class MysqlProductImport implements ProductImportStore {
  constructor(private readonly sequelize: Sequelize) {}

  async importBatch(rows: readonly ImportRow[], options: ImportOptions): Promise<ImportedBatch> {
    const applying = applyOptions();
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
          // One transaction gives back what fits; whatever is left is met again, and given back by the next one.
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
    const operation = identifyOperation('setStock', null, null, []);
    const write = { type: 'LINES', operation, reason: IMPORT_REASON, reference: null } as const;
    let planned: ImportedBatch | undefined;
    const outcome = await runTransaction(
      this.sequelize,
      applying.deadline,
      async (attempt): Promise<ImportedBatch> => {
        const statements = new StockStatements(this.sequelize, attempt.transaction);
        // What an earlier attempt has done, whose COMMIT was never answered, was done by us.
        if (attempt.settling && planned && (await statements.readMovementsOf([operation])).length)
          return planned;
        const batch = new ImportBatch(this.sequelize, attempt, statements, options, applying);
        planned = await batch.run(rows, write);
        return planned;
      },
    );
    return committedValue(outcome);
  }
}

function applyOptions(): ApplyOptions {
  return {
    deadline: Deadline.in(BATCH_TIMEOUT_MS, systemClock),
    contended: true,
    impatient: false,
    fencingTokenOf: () => null,
  };
}

type WriteHead = Omit<LinesWrite, 'lines' | 'productIds' | 'atomic'>;

interface StoredProduct {
  readonly id: string;
  readonly name: string;
  readonly lowStockThreshold: number | null;
}

class ImportBatch {
  constructor(
    private readonly sequelize: Sequelize,
    private readonly attempt: Attempt,
    private readonly statements: StockStatements,
    private readonly options: ImportOptions,
    private readonly applying: ApplyOptions,
  ) {}

  async run(rows: readonly ImportRow[], head: WriteHead): Promise<ImportedBatch> {
    const { refused, accepted } = await this.checkLocations(rows);
    const products = await this.writeProducts(accepted);
    const lines = accepted.flatMap((row, index) => toLine(row, index)).sort(comparePlaces);
    const levels = await this.readLevels(lines);
    const fresh = lines.filter((line) => !levels.has(levelKey(line)));
    const known = lines.filter((line) => isOther(line, levels.get(levelKey(line))));
    if (this.options.dryRun) {
      return { ...products, stocked: fresh.length, corrected: this.wanted(known).length, refused };
    }
    await this.writeFirstStock(fresh, head);
    const corrected = await this.setQuantities(this.wanted(known), accepted, head);
    return { ...products, stocked: fresh.length, corrected, refused };
  }

  private wanted(known: readonly ImportLine[]): readonly ImportLine[] {
    return this.options.setQuantities ? known : [];
  }

  private async checkLocations(
    rows: readonly ImportRow[],
  ): Promise<{ readonly refused: readonly BadLine[]; readonly accepted: readonly ImportRow[] }> {
    const ids = new Set(rows.flatMap(({ locationId }) => locationId ?? []));
    if (ids.size === 0) return { refused: [], accepted: rows };
    const known = await this.statements.readExisting('locations', [...ids]);
    const isKnown = ({ locationId }: ImportRow) => locationId === null || known.has(locationId);
    return {
      accepted: rows.filter(isKnown),
      refused: rows
        .filter((row) => !isKnown(row))
        .map(({ line }) => ({
          line,
          column: 'locationId',
          reason: 'There is no location with this id.',
        })),
    };
  }

  /** Those that are new, and those that are to be called otherwise; who creates one meanwhile is overtaken. */
  private async writeProducts(
    rows: readonly ImportRow[],
  ): Promise<Pick<ImportedBatch, 'created' | 'updated'>> {
    const wanted = [...new Map(rows.map((row) => [row.id, row])).values()];
    if (wanted.length === 0) return { created: 0, updated: 0 };
    const stored = await this.statements.read<StoredProduct>(
      'SELECT id, name, low_stock_threshold AS lowStockThreshold FROM products WHERE id IN (?)',
      [wanted.map(({ id }) => id)],
    );
    const byId = new Map(stored.map((product) => [product.id, product]));
    const changed = wanted.filter((row) => {
      const product = byId.get(row.id);
      return product?.name !== row.name || product.lowStockThreshold !== row.lowStockThreshold;
    });
    const created = changed.filter(({ id }) => !byId.has(id)).length;
    if (changed.length > 0 && !this.options.dryRun) {
      const sorted = changed.sort((a, b) => compareBytes(a.id, b.id));
      await this.statements.write(
        `INSERT INTO products (id, name, low_stock_threshold) VALUES ?
         ON DUPLICATE KEY UPDATE name = VALUES(name), low_stock_threshold = VALUES(low_stock_threshold)`,
        [sorted.map((row) => [row.id, row.name, row.lowStockThreshold])],
      );
    }
    return { created, updated: changed.length - created };
  }

  private async readLevels(
    lines: readonly ImportLine[],
  ): Promise<ReadonlyMap<string, StockLevelState>> {
    if (lines.length === 0) return new Map();
    const levels = await this.statements.readLevels(lines, { lock: false });
    return new Map(levels.map((level) => [levelKey(level), level]));
  }

  /** Who else creates one of these levels at the same time makes this a lost race: it is run again, and found there. */
  private async writeFirstStock(lines: readonly ImportLine[], head: WriteHead): Promise<void> {
    if (lines.length === 0) return;
    await this.statements.insertLevels(
      lines.map(({ productId, locationId, quantity }) => ({
        productId,
        locationId,
        onHand: quantity,
      })),
    );
    const filled = lines.filter(({ quantity }) => quantity > 0);
    if (filled.length === 0) return;
    const write = { ...head, ...allAtOnce(filled), atomic: false };
    await this.statements.insertMovements(
      filled.map((line) => ({
        write,
        line,
        kind: 'INITIAL',
        sequence: 1,
        delta: line.quantity,
        quantityBefore: 0,
        quantityAfter: line.quantity,
        availableAfter: line.quantity,
      })),
      () => null,
    );
  }

  /** @returns how many were changed. @throws RefusedRowsError, ManyDueError */
  private async setQuantities(
    lines: readonly ImportLine[],
    rows: readonly ImportRow[],
    head: WriteHead,
  ): Promise<number> {
    if (lines.length === 0) return 0;
    const write = { ...head, ...allAtOnce(lines), atomic: false };
    const application = new Application(
      this.sequelize,
      new LevelMemory(),
      [write],
      this.applying,
      this.attempt,
      new Map(),
    );
    const [result] = (await application.run()).results;
    if (result?.outcome !== 'DECIDED') throw new Error('Lines of an import were not decided.');
    const refused: BadLine[] = [];
    let changed = 0;
    for (const [at, { index }] of lines.entries()) {
      const verdict = result.verdicts[at];
      if (!verdict) throw new Error('A line of an import was given no verdict.');
      if (verdict.outcome === 'APPLIED') changed += verdict.movementId === null ? 0 : 1;
      else refused.push(refusalOf(rows[index]?.line ?? 0, verdict.failure));
    }
    if (refused.length > 0) throw new RefusedRowsError(refused);
    return changed;
  }
}

/** A row's line for the store; whether it was told a quantity. */
type ImportLine = StockLine & { readonly isCounted: boolean };

function toLine({ id, locationId, quantity }: ImportRow, index: number): readonly ImportLine[] {
  if (locationId === null) return [];
  return [
    {
      index,
      productId: id,
      locationId,
      quantity: quantity ?? 0,
      change: { type: 'SET', changeFrom: null },
      isCounted: quantity !== null,
    },
  ];
}

function isOther(line: ImportLine, level: StockLevelState | undefined): boolean {
  return level !== undefined && line.isCounted && level.onHand !== line.quantity;
}

function refusalOf(line: number, failure: StockFailure): BadLine {
  const reason =
    failure.code === 'INSUFFICIENT_STOCK'
      ? `Reservations hold more than this: ${failure.requested} would go, ${failure.available} are available.`
      : `It cannot be set: ${failure.code}.`;
  return { line, column: 'quantity', reason };
}
