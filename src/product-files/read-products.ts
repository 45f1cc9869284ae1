/** A product file as rows that obey the rules of createProduct, and lines that do not, each with what is wrong. */
import { checkNewProduct } from '../inventory/product-service.js';
import type { BadLine, ImportRow } from '../inventory/import-row.js';
import { CsvFileError } from './csv-file-error.js';
import { csvRecords, type CsvRecord } from './csv-records.js';
import {
  PRODUCT_COLUMNS,
  isProductColumn,
  type ProductCells,
  type ProductColumn,
} from './product-columns.js';

const WHOLE_NUMBER = /^-?[0-9]{1,15}$/;

/** @throws CsvFileError where the file is not UTF-8, or its header is not that of a product file. */
export async function* readProducts(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<ImportRow | BadLine> {
  let columns: readonly ProductColumn[] | undefined;
  for await (const record of csvRecords(chunks)) {
    if ('malformed' in record) {
      yield { line: record.line, column: null, reason: record.malformed };
    } else if (columns) {
      yield toRow(record, columns);
    } else {
      columns = readHeader(record);
    }
  }
  if (!columns) throw new CsvFileError(`The file has no header: ${PRODUCT_COLUMNS.join(',')}`, 1);
}

function readHeader({ line, cells }: CsvRecord): readonly ProductColumn[] {
  const columns = cells.filter(isProductColumn);
  const unknown = cells.find((cell) => !isProductColumn(cell));
  const missing = PRODUCT_COLUMNS.filter((column) => !columns.includes(column));
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  const problem =
    unknown !== undefined
      ? `There is no column ${JSON.stringify(unknown)}`
      : twice !== undefined
        ? `The column ${twice} stands in the header twice`
        : missing.length > 0
          ? `The header lacks ${missing.join(', ')}`
          : null;
  if (problem === null) return columns;
  throw new CsvFileError(`${problem}; the columns are ${PRODUCT_COLUMNS.join(',')}.`, line);
}

function toRow({ line, cells }: CsvRecord, columns: readonly ProductColumn[]): ImportRow | BadLine {
  const bad = (column: string | null, reason: string): BadLine => ({ line, column, reason });
  if (cells.length !== columns.length) {
    return bad(null, `There are ${cells.length} values for ${columns.length} columns.`);
  }
  const text = Object.fromEntries(columns.map((column, at) => [column, cells[at]])) as ProductCells;
  const quantity = readNumber(text.quantity);
  const lowStockThreshold = readNumber(text.lowStockThreshold);
  if (Number.isNaN(quantity)) return bad('quantity', NO_WHOLE_NUMBER);
  if (Number.isNaN(lowStockThreshold)) return bad('lowStockThreshold', NO_WHOLE_NUMBER);
  const checked = checkNewProduct({
    id: text.id,
    name: text.name,
    quantity: quantity ?? 0,
    locationId: text.locationId === '' ? null : text.locationId,
    lowStockThreshold,
  });
  if ('outcome' in checked) return bad(checked.field, checked.message);
  const { id, name, locationId } = checked;
  const isPlaced = text.locationId !== '' || quantity !== null;
  return { line, id, name, lowStockThreshold, quantity, locationId: isPlaced ? locationId : null };
}

const NO_WHOLE_NUMBER = 'This is not a whole number.';

/** Null where the cell is empty, NaN where it holds something else than a number. */
function readNumber(cell: string): number | null {
  if (cell === '') return null;
  return WHOLE_NUMBER.test(cell) ? Number(cell) : NaN;
}
