/**
 * The records of a CSV file, each with the line that it begins in, counted by us: the parser counts a line break of two
 * characters within quotes twice.
 *
 * A quote in the wrong place spoils its own line. A quote that is never closed, or closed too early, makes everything
 * behind it ambiguous, so the reading ends there.
 */
import { Readable } from 'node:stream';
import { parse, type CsvError } from 'csv-parse';
import { lineFeeds, requireUtf8 } from './utf8.js';

export interface CsvRecord {
  /** From 1; the header counts. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface MalformedRecord {
  readonly line: number;
  readonly malformed: string;
}

/** A record that is longer is no product, but a quote that was never closed. */
const RECORD_BYTES_MAX = 1_048_576;

const NOT_READ = 'from here on the file was not read';

/** Empty lines are passed over. @throws CsvFileError where the file is not UTF-8; whatever reading it throws. */
export async function* csvRecords(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<CsvRecord | MalformedRecord> {
  const numbering = new LineNumbering();
  const parser = parse({
    bom: true,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    max_record_size: RECORD_BYTES_MAX,
    skip_records_with_error: true,
    // Its types know of texts alone; what is handed on is what this returns.
    on_record: (cells) => numbering.record(cells) as unknown as string[] | null,
    on_skip: (error) => {
      numbering.skipped(error);
    },
  });
  const source = Readable.from(requireUtf8(chunks), { objectMode: false });
  source.once('error', (error) => parser.destroy(error));
  source.pipe(parser);
  try {
    for await (const { before, record } of parser as AsyncIterable<Numbered>) {
      yield* before;
      yield record;
    }
    yield* numbering.takeMalformed();
  } finally {
    source.destroy();
  }
}

interface Numbered {
  readonly before: readonly MalformedRecord[];
  readonly record: CsvRecord;
}

/** Sees records and mistakes in the order of the file, which the parser's read-ahead hides from its reader. */
class LineNumbering {
  private next = 1;
  private malformed: MalformedRecord[] = [];
  private ended = false;

  /** Null is a record that nobody sees. */
  record(cells: readonly string[]): Numbered | null {
    if (this.ended) return null;
    const line = this.next;
    this.next += 1 + lineBreaksIn(cells);
    if (cells.length === 1 && cells[0] === '') return null;
    return { before: this.takeMalformed(), record: { line, cells } };
  }

  skipped(error: CsvError | undefined): void {
    if (this.ended) return;
    const line = this.next;
    switch (error?.code) {
      case 'INVALID_OPENING_QUOTE':
        this.malformed.push({
          line,
          malformed: 'A quote stands within a value that does not begin with one.',
        });
        this.next += 1 + lineBreaksIn((error.record as readonly string[] | undefined) ?? []);
        return;
      case 'CSV_INVALID_CLOSING_QUOTE':
        this.end(line, 'A value goes on behind its closing quote');
        return;
      case 'CSV_QUOTE_NOT_CLOSED':
        this.end(line, 'A quote is not closed');
        return;
      case 'CSV_MAX_RECORD_SIZE':
        this.end(line, `A record is longer than ${RECORD_BYTES_MAX} bytes`);
        return;
      default:
        this.end(line, error?.message ?? 'This record cannot be read');
    }
  }

  takeMalformed(): readonly MalformedRecord[] {
    const taken = this.malformed;
    this.malformed = [];
    return taken;
  }

  private end(line: number, why: string): void {
    this.malformed.push({ line, malformed: `${why}; ${NOT_READ}.` });
    this.ended = true;
  }
}

function lineBreaksIn(cells: readonly string[]): number {
  return cells.reduce((count, cell) => count + lineFeeds(cell), 0);
}
