/** Reads a product file: rows that keep the rules of createProduct, and bad lines with what is wrong with them. */
import { quoted } from '../inventory/operation.js';
import { checkNewProduct } from '../inventory/product-service.js';
import type { BadLine, ImportRow } from '../inventory/product-import.js';
import { CsvFileError } from './csv-file-error.js';
import type { CsvRecord } from './csv-reader.js';
import { csvRecords } from './csv-records.js';
import { SEPARATORS_ACCEPTED } from './separator.js';
import type { TextEncoding } from './text-encoding.js';

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

/** @throws CsvFileError where the file is not in the encoding, or its header is not that of a product file. */
export async function* readProducts(
  chunks: AsyncIterable<Buffer>,
  encoding: TextEncoding = 'utf-8',
): AsyncGenerator<ImportRow | BadLine> {
  let header: Header | undefined;
  for await (const record of csvRecords(chunks, encoding)) {
    if ('malformed' in record) {
      if (!header) throw new CsvFileError(record.malformed, record.line);
      yield { line: record.line, column: null, reason: record.malformed };
    } else if (header) {
      yield toRow(record, header);
    } else {
      header = readHeader(record);
    }
  }
  if (!header) throw new CsvFileError(`The file has no header. ${COLUMNS_RULE}`, 1);
}

const COLUMNS_RULE =
  `The first line must name the columns ${PRODUCT_COLUMNS.join(',')} in this spelling, in any order, ` +
  `separated by ${SEPARATORS_ACCEPTED}.`;

interface Header {
  /** Where each column's values are. */
  readonly places: Readonly<Record<ProductColumn, number>>;
  /** How many values a line must have. */
  readonly width: number;
  readonly named: ReadonlySet<number>;
}

/** A column without a name is padding, in which every value must be empty. */
function readHeader({ line, cells }: CsvRecord): Header {
  const columns = cells.filter((cell) => cell !== '');
  const unknown = columns.find((name) => !isProductColumn(name));
  const missing = PRODUCT_COLUMNS.filter((column) => !columns.includes(column));
  const twice = columns.find((column, at) => columns.indexOf(column) !== at);
  const problem =
    unknown !== undefined
      ? `Unknown column ${quoted(unknown)}.`
      : twice !== undefined
        ? `Column ${twice} is in the header twice.`
        : missing.length > 0
          ? `The header lacks ${missing.join(', ')}.`
          : null;
  if (problem !== null) throw new CsvFileError(`${problem} ${COLUMNS_RULE}`, line);
  const places = Object.fromEntries(
    PRODUCT_COLUMNS.map((column) => [column, cells.indexOf(column)]),
  );
  const named = new Set(Object.values(places));
  return { places: places as Record<ProductColumn, number>, width: Math.max(...named) + 1, named };
}

function toRow({ line, cells }: CsvRecord, { places, width, named }: Header): ImportRow | BadLine {
  const bad = (column: string | null, reason: string): BadLine => ({ line, column, reason });
  if (cells.length < width) {
    return bad(
      null,
      `The line must have ${width} values, one for each column; got ${cells.length}.`,
    );
  }
  if (cells.length > named.size) {
    const at = cells.findIndex((cell, place) => cell !== '' && !named.has(place));
    if (at >= 0) return bad(null, unnamedColumn(at, cells[at] ?? ''));
  }
  const text = (column: ProductColumn) => cells[places[column]] ?? '';
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

function unnamedColumn(at: number, cell: string): string {
  return (
    `Value ${at + 1} of the line, ${quoted(cell)}, is in a column that has no name in the header. ` +
    'Remove it, or quote the value whose separator it is behind.'
  );
}

function notWhole(cell: string): string {
  return `The value must be a whole number of at most 15 digits; got ${quoted(cell)}.`;
}

/** Null where the cell is empty, NaN where it is not a whole number. */
function readNumber(cell: string): number | null {
  if (cell === '') return null;
  return WHOLE_NUMBER.test(cell) ? Number(cell) : NaN;
}
