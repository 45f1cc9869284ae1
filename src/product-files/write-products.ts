/**
 * Writes rows as a product file, at the pace of whoever reads it.
 *
 * Cells are written as they are stored, also those that a spreadsheet would take for a formula: the file is for
 * machines, and a name that came back with a sign in front of it would be another name.
 */
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { stringify } from 'csv-stringify';
import type { ExportRow } from '../inventory/products.js';
import { PRODUCT_COLUMNS } from './product-columns.js';

/** Resolves when all is written and the output has been ended. @throws whatever reading or writing throws. */
export async function writeProducts(
  rows: AsyncIterable<ExportRow>,
  output: Writable,
): Promise<void> {
  await pipeline(
    Readable.from(rows),
    stringify({ header: true, columns: [...PRODUCT_COLUMNS], quoted_match: /\r/ }),
    output,
  );
}
