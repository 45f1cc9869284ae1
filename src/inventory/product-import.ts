/**
 * Imports a list of products, a batch of rows in one transaction: creates new products with their first stock, updates
 * names and thresholds of existing ones, and sets quantities, as corrections, if the options ask for it.
 *
 * A row that cannot be carried out is reported and left out as a whole; the others are carried out. An import can be
 * repeated: rows that match the stored data change nothing, so a second run completes an interrupted one.
 */
import { hash } from 'node:crypto';

/** One product at one place, as a file's line gives it. */
export interface ImportRow {
  /** The line of the file, from 1. */
  readonly line: number;
  readonly id: string;
  readonly name: string;
  readonly lowStockThreshold: number | null;
  /** Null where the row gives no place. */
  readonly locationId: string | null;
  /** Null: 0 for a new place, unchanged for an existing level. */
  readonly quantity: number | null;
}

export interface BadLine {
  readonly line: number;
  /** Null where the whole line is malformed. */
  readonly column: string | null;
  readonly reason: string;
}

export interface ImportOptions {
  /** Sets levels that exist to the row's quantity, as a CORRECTION. */
  readonly setQuantities: boolean;
  /** Checks everything and writes nothing. */
  readonly dryRun: boolean;
}

/** The outcome of a batch of rows. */
export interface ImportedBatch {
  readonly created: number;
  /** Products whose name or threshold was changed. */
  readonly updated: number;
  /** Places that got their first level, even with 0 units. */
  readonly stocked: number;
  /** Levels that were set to another quantity. */
  readonly corrected: number;
  readonly refused: readonly BadLine[];
}

export interface ProductImportStore {
  /**
   * Carries out the rows in one transaction, except refused ones. No two rows are for the same place, and the
   * rows of one product agree.
   *
   * @throws StorageUnavailableError where the batch was not applied, or may have been. It can be repeated.
   */
  importBatch(rows: readonly ImportRow[], options: ImportOptions): Promise<ImportedBatch>;
}

export interface ImportCounts {
  /** Rows that were read, malformed ones included. */
  readonly rows: number;
  readonly created: number;
  readonly updated: number;
  readonly stocked: number;
  readonly corrected: number;
  readonly bad: number;
  /** All rows up to this line have been imported or reported. */
  readonly line: number;
}

export interface ImportListener {
  onBadLine(line: BadLine): void;
  /** After each batch. */
  onProgress(counts: ImportCounts): void;
}

/** The reason in the ledger for every change of an import. */
export const IMPORT_REASON = `import`;
export const IMPORT_BATCH_ROWS = 500;

export class ProductImport {
  constructor(
    private readonly store: ProductImportStore,
    private readonly listener: ImportListener,
  ) {}

  /** @throws StorageUnavailableError, and what reading the rows throws. Earlier batches stay imported. */
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

interface SeenProduct {
  readonly line: number;
  /** Digests of the row's name with its threshold, and of its location. */
  readonly says: number;
  readonly firstPlace: number;
}

/**
 * Finds rows that contradict or repeat an earlier row, however many lines lie between.
 *
 * Only digests are kept: about 100 MB for a million products. With 64 bits of digest for each, one file of a million
 * products in thirty million has a row refused by mistake.
 */
class SeenRows {
  private readonly products = new Map<string, SeenProduct>();
  /** Lines of further places of a product. Most products have one place, which is in `products`. */
  private readonly places = new Map<string, number>();

  /** Remembers the row, or returns the conflict with an earlier row. */
  conflictOf({ line, id, name, lowStockThreshold, locationId }: ImportRow): BadLine | null {
    const product = keyOf(digestOf([id]));
    const says = digestOf([name, lowStockThreshold]).readInt32LE(0);
    const place = digestOf([id, locationId]);
    const known = this.products.get(product);
    if (!known) {
      this.products.set(product, { line, says, firstPlace: place.readInt32LE(0) });
      return null;
    }
    const bad = (reason: string): BadLine => ({ line, column: null, reason });
    if (known.says !== says) {
      return bad(`Product ${id} has another name or lowStockThreshold in line ${known.line}.`);
    }
    const isFirst = known.firstPlace === place.readInt32LE(0);
    const earlier = isFirst ? known.line : this.places.get(keyOf(place));
    if (earlier !== undefined) {
      return bad(`Line ${earlier} has the same product and location.`);
    }
    this.places.set(keyOf(place), line);
    return null;
  }
}

function digestOf(parts: readonly unknown[]): Buffer {
  return hash('sha1', JSON.stringify(parts), 'buffer');
}

/** A string of 8 bytes takes a third of the memory of a hexadecimal one. */
function keyOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 8);
}
