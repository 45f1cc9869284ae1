/**
 * Brings a list of products in, a batch of rows in one transaction: new products with their first stock, other names
 * and thresholds of those that are there, and, where it is asked for, other quantities as corrections.
 *
 * A row that cannot be carried out is told of and left out whole; the others are carried out. Everything may be
 * repeated: what is already as a row says stays as it is, so a run that was cut off is completed by running it again.
 */
import type { BadLine, ImportRow } from './import-row.js';
import { SeenRows } from './duplicate-rows.js';

export interface ImportOptions {
  /** Whether a level that is there is set to the row's quantity, as a CORRECTION. */
  readonly setQuantities: boolean;
  /** Whether to look only, and write nothing. */
  readonly dryRun: boolean;
}

/** What became of some rows. */
export interface ImportedBatch {
  readonly created: number;
  /** Products that got another name or threshold. */
  readonly updated: number;
  /** Places that got their first stock, also one of 0. */
  readonly stocked: number;
  /** Levels that were set to another quantity. */
  readonly corrected: number;
  readonly refused: readonly BadLine[];
}

export interface ProductImportStore {
  /**
   * Carries the rows out in one transaction, except those that it refuses. No two of them are for the same place, and
   * those of one product agree.
   *
   * @throws StorageUnavailableError; nothing of these rows was done then, or it may be done once more.
   */
  importBatch(rows: readonly ImportRow[], options: ImportOptions): Promise<ImportedBatch>;
}

export interface ImportCounts {
  /** Rows that were dealt with, the bad ones included. */
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly stocked: number;
  readonly corrected: number;
  readonly bad: number;
  /** The last line up to which everything is in. */
  readonly line: number;
}

export interface ImportListener {
  onBadLine(line: BadLine): void;
  /** After each batch. */
  onProgress(counts: ImportCounts): void;
}

/** What the ledger says of every line of an import. */
export const IMPORT_REASON = `import`;
export const IMPORT_BATCH_ROWS = 500;

export class ProductImport {
  constructor(
    private readonly store: ProductImportStore,
    private readonly listener: ImportListener,
  ) {}

  /** @throws whatever reading the rows throws, and StorageUnavailableError; earlier batches are in then. */
  async run(
    rows: AsyncIterable<ImportRow | BadLine>,
    options: ImportOptions,
  ): Promise<ImportCounts> {
    const seen = new SeenRows();
    let counts: ImportCounts = NOTHING_YET;
    let batch: ImportRow[] = [];
    let refused: BadLine[] = [];
    const carryOut = async () => {
      const done = batch.length > 0 ? await this.store.importBatch(batch, options) : NO_CHANGE;
      const bad = [...refused, ...done.refused].sort((a, b) => a.line - b.line);
      for (const line of bad) this.listener.onBadLine(line);
      const last = Math.max(batch.at(-1)?.line ?? 0, refused.at(-1)?.line ?? 0);
      counts = added(counts, done, { rows: batch.length + refused.length, bad: bad.length, last });
      this.listener.onProgress(counts);
      batch = [];
      refused = [];
    };
    for await (const row of rows) {
      const conflict = 'reason' in row ? row : seen.conflictOf(row);
      if (conflict) refused.push(conflict);
      else if (!('reason' in row)) batch.push(row);
      if (batch.length + refused.length >= IMPORT_BATCH_ROWS) await carryOut();
    }
    if (batch.length + refused.length > 0) await carryOut();
    return counts;
  }
}

const NO_CHANGE: ImportedBatch = { created: 0, updated: 0, stocked: 0, corrected: 0, refused: [] };
const NOTHING_YET: ImportCounts = {
  rows: 0,
  created: 0,
  updated: 0,
  stocked: 0,
  corrected: 0,
  bad: 0,
  line: 1,
};

function added(
  counts: ImportCounts,
  done: ImportedBatch,
  { rows, bad, last }: { readonly rows: number; readonly bad: number; readonly last: number },
): ImportCounts {
  return {
    rows: counts.rows + rows,
    created: counts.created + done.created,
    updated: counts.updated + done.updated,
    stocked: counts.stocked + done.stocked,
    corrected: counts.corrected + done.corrected,
    bad: counts.bad + bad,
    line: last,
  };
}
