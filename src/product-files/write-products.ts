/**
 * Writes rows as a product file, at the pace of the output.
 *
 * Cells are written as they are stored, even if a spreadsheet would take them for a formula: the file is for programs,
 * and a name with an apostrophe put before it would come back as another name.
 */
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import type { ExportRow } from '../inventory/products.js';
import { PRODUCT_COLUMNS } from './read-products.js';

/**
 * Resolves when all is written and the output has been ended.
 *
 * @throws what reading or writing throws, and the signal's reason, also while the output takes nothing.
 */
export async function writeProducts(
  rows: AsyncIterable<ExportRow>,
  output: Writable,
  signal: AbortSignal,
): Promise<void> {
  try {
    await pipeline(
      Readable.from(rows),
      stringify({ header: true, columns: [...PRODUCT_COLUMNS], quoted_match: /\r/ }),
      output,
      { signal },
    );
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  }
}
