/**
 * Reads the records of a CSV file, each with the line that it begins in. Lines are counted here, because the parser
 * counts a line break of two characters within quotes twice.
 *
 * A quote within an unquoted value makes its own line bad. A quote that is not closed, or closed too early, makes the
 * rest of the file ambiguous, so reading ends there.
 */
import { Readable } from 'node:stream';
import { parse, type CsvError } from 'csv-parse';

export interface CsvRecord {
  /** From 1; the header counts. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface MalformedRecord {
  readonly line: number;
  readonly malformed: string;
}

/** A longer record is taken for a quote that was not closed. */
const RECORD_BYTES_MAX = 1_048_576;

/** The file cannot be read from the named line on. */
export class CsvFileError extends Error {
  readonly code = 'CSV_FILE' as const;
  constructor(
    message: string,
    readonly line: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'CsvFileError';
  }
}

const NOT_READ = 'the file was not read from here on';

/** Empty lines are skipped. @throws CsvFileError where the file is not UTF-8, and what reading it throws. */
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
    // The parser's types allow texts only; it emits what this returns.
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

/** Numbers records and mistakes in the order of the file, before the parser reads ahead. */
class LineNumbering {
  private next = 1;
  private malformed: MalformedRecord[] = [];
  private ended = false;

  /** A record for which this is null is not emitted. */
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
          malformed:
            'A quote is inside an unquoted value. Quote the whole value and double its quotes.',
        });
        this.next += 1 + lineBreaksIn((error.record as readonly string[] | undefined) ?? []);
        return;
      case 'CSV_INVALID_CLOSING_QUOTE':
        this.end(line, 'A value goes on after its closing quote');
        return;
      case 'CSV_QUOTE_NOT_CLOSED':
        this.end(line, 'A quote is not closed');
        return;
      case 'CSV_MAX_RECORD_SIZE':
        this.end(line, `A record is longer than ${RECORD_BYTES_MAX.toLocaleString('en')} bytes`);
        return;
      default:
        this.end(line, error?.message ?? 'The record cannot be read');
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

/** Passes bytes on that are UTF-8: guessed text would be wrong text. @throws CsvFileError */
async function* requireUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const strict = new TextDecoder('utf-8', { fatal: true });
  const lenient = new TextDecoder('utf-8');
  let line = 1;
  let text = '';
  const check = (decode: () => string, decodeLeniently: () => string): void => {
    try {
      line += lineFeeds(text);
      text = decode();
    } catch (cause) {
      const [sound = ''] = decodeLeniently().split('�');
      throw new CsvFileError(
        'The file is not UTF-8. Save it as UTF-8 and import it again.',
        line + lineFeeds(sound),
        { cause },
      );
    }
  };
  for await (const chunk of chunks) {
    check(
      () => strict.decode(chunk, { stream: true }),
      () => lenient.decode(chunk),
    );
    yield chunk;
  }
  check(
    () => strict.decode(),
    () => '',
  );
}

function lineFeeds(text: string): number {
  let count = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
}
