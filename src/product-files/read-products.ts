/** Reads a product file: rows that keep the rules of createProduct, and bad lines with what is wrong with them. */
import { checkNewProduct } from '../inventory/product-service.js';
import type { BadLine, ImportRow } from '../inventory/product-import.js';
import { CsvFileError, csvRecords, type CsvRecord } from './csv-records.js';

/** The columns of a product file in the order in which they are written. They are read in any order. */
export const PRODUCT_COLUMNS = [
  'id',
  'name',
  'locationId',
  'quantity',
  'lowStockThreshold',
] as const;

type ProductColumn = (typeof PRODUCT_COLUMNS)[number];

function isProductColumn(name: string): name is ProductColumn {
  return (PRODUCT_COLUMNS as readonly string[]).includes(name);
}

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
  if (!columns)
    throw new CsvFileError(
      `The file has no header. Its first line must be ${PRODUCT_COLUMNS.join(',')}.`,
      1,
    );
}

function readHeader({ line, cells }: CsvRecord): readonly ProductColumn[] {
  const columns = cells.filter(isProductColumn);
  const unknown = cells.find((cell) => !isProductColumn(cell));
  const missing = PRODUCT_COLUMNS.filter((column) => !columns.includes(column));
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  const problem =
    unknown !== undefined
      ? `Unknown column ${JSON.stringify(unknown)}`
      : twice !== undefined
        ? `Column ${twice} is in the header twice`
        : missing.length > 0
          ? `The header lacks ${missing.join(', ')}`
          : null;
  if (problem === null) return columns;
  throw new CsvFileError(`${problem}; the columns are ${PRODUCT_COLUMNS.join(',')}.`, line);
}

function toRow({ line, cells }: CsvRecord, columns: readonly ProductColumn[]): ImportRow | BadLine {
  const bad = (column: string | null, reason: string): BadLine => ({ line, column, reason });
  if (cells.length !== columns.length) {
    return bad(
      null,
      `The line must have ${columns.length} values, one for each column; got ${cells.length}.`,
    );
  }
  const text = (column: ProductColumn) => cells[columns.indexOf(column)] ?? '';
  const quantity = readNumber(text('quantity'));
  const lowStockThreshold = readNumber(text('lowStockThreshold'));
  if (Number.isNaN(quantity)) return bad('quantity', notWhole(text('quantity')));
  if (Number.isNaN(lowStockThreshold)) {
    return bad('lowStockThreshold', notWhole(text('lowStockThreshold')));
  }
  const place = text('locationId');
  const checked = checkNewProduct({
    id: text('id'),
    name: text('name'),
    quantity: quantity ?? 0,
    locationId: place === '' ? null : place,
    lowStockThreshold,
  });
  if ('outcome' in checked) return bad(checked.field, checked.message);
  const { id, name, locationId } = checked;
  const isPlaced = place !== '' || quantity !== null;
  return { line, id, name, lowStockThreshold, quantity, locationId: isPlaced ? locationId : null };
}

function notWhole(cell: string): string {
  return `The value must be a whole number of at most 15 digits; got ${JSON.stringify(cell)}.`;
}

/** Null where the cell is empty, NaN where it is not a whole number. */
function readNumber(cell: string): number | null {
  if (cell === '') return null;
  return WHOLE_NUMBER.test(cell) ? Number(cell) : NaN;
}
