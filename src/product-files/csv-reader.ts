/**
 * Reads CSV as RFC 4180 (section 2) defines it, from pieces of text, into records that know their lines. A line ends
 * with LF, CRLF or CR, and one within quotes counts too: the numbers are those that an editor shows.
 *
 * | state  | separator  | end of a line                  | quote           | other        | end of the file      |
 * | ------ | ---------- | ------------------------------ | --------------- | ------------ | -------------------- |
 * | start  | value ends | value and record end           | quoted          | bare         | record ends          |
 * | bare   | value ends | value and record end           | bare, malformed | bare         | value and record end |
 * | quoted | quoted     | quoted                         | closed          | quoted       | reading ends         |
 * | closed | value ends | value and record end           | quoted          | reading ends | value and record end |
 *
 * A quote within an unquoted (bare) value makes its own record malformed. A quote that is not closed, or closed too
 * early, makes the rest of the file ambiguous, so reading ends there. Whatever a record consists of, its size and
 * the number of its values are bounded.
 */
import { firstLineOf, separatorOf, type Separator } from './separator.js';

export interface CsvRecord {
  /** The line in which the record begins, from 1; the header counts. */
  readonly line: number;
  readonly cells: readonly string[];
}

export interface MalformedRecord {
  readonly line: number;
  readonly malformed: string;
}

/** A longer record is taken for a quote that was not closed. */
export const RECORD_CHARACTERS_MAX = 1_048_576;
/** The columns that a sheet of a spreadsheet has. */
export const RECORD_VALUES_MAX = 16_384;
/** A first line that is longer is judged by its beginning. */
const FIRST_LINE_CHARACTERS_MAX = 65_536;

const LF = 10;
const CR = 13;
const QUOTE = 34;

const START = 0;
const BARE = 1;
const QUOTED = 2;
const CLOSED = 3;

const NOT_READ = 'the file was not read from here on';

export class CsvReader {
  /** The line in which the next character is. */
  line = 1;
  /** Reading has ended before the end of the file. */
  ended = false;
  private separator: Separator | null = null;
  /** The text before the separator is known. */
  private head = '';
  private records: (CsvRecord | MalformedRecord)[] = [];

  private state: typeof START | typeof BARE | typeof QUOTED | typeof CLOSED = START;
  private text = '';
  /** The last character of the text before this one. */
  private codeBefore = 0;
  /** Where the record becomes too long, as an index of the text. */
  private limit = RECORD_CHARACTERS_MAX + 1;
  private recordLine = 1;
  private cells: string[] = [];
  private hasStrayQuote = false;
  /** What earlier texts have of the value. */
  private valueBefore = '';
  private valueFrom = 0;
  private hasDoubledQuotes = false;

  /** Reads on. @throws CsvFileError where the first line names a separator that is not accepted. */
  push(text: string): void {
    if (this.separator) {
      this.read(text);
      return;
    }
    this.head += text;
    const isLong = this.head.length > FIRST_LINE_CHARACTERS_MAX;
    if (isLong || firstLineOf(this.head).isWhole) this.readHead();
  }

  /** Reads what `push` has kept back until the first line is whole. */
  readHead(): void {
    if (this.separator) return;
    const { head } = this;
    this.separator = separatorOf(head);
    this.head = '';
    this.read(head);
  }

  /** Ends the text. */
  finish(): void {
    this.readHead();
    if (this.ended) return;
    if (this.state === QUOTED) this.end('A quote is not closed');
    else if (this.state !== START || this.cells.length > 0) this.endRecord(0);
  }

  /** The records that ended since the last call, without those that have no values. */
  takeRecords(): readonly (CsvRecord | MalformedRecord)[] {
    const taken = this.records;
    this.records = [];
    return taken;
  }

  private read(text: string): void {
    this.text = text;
    this.valueFrom = 0;
    let at = 0;
    while (!this.ended) {
      if (at >= this.limit) this.endTooLong();
      else if (at >= text.length) break;
      else if (this.state === BARE) at = this.readBare(at);
      else if (this.state === QUOTED) at = this.readQuoted(at);
      else if (this.state === CLOSED) at = this.readClosed(at);
      else at = this.readStart(at);
    }
    if (this.state !== START) this.valueBefore += text.slice(this.valueFrom);
    if (text !== '') this.codeBefore = text.charCodeAt(text.length - 1);
    this.limit -= text.length;
    this.text = '';
    this.valueFrom = 0;
  }

  // Each returns the index behind what it has read.

  private readStart(at: number): number {
    const code = this.text.charCodeAt(at);
    if (code === LF && this.cells.length === 0 && this.isBehindCr(at)) {
      this.limit += 1;
      return at + 1;
    }
    this.state = code === QUOTE ? QUOTED : BARE;
    this.valueFrom = code === QUOTE ? at + 1 : at;
    return this.valueFrom;
  }

  private readBare(from: number): number {
    const { text } = this;
    const separator = this.separator?.code;
    const end = Math.min(text.length, this.limit);
    for (let at = from; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === separator) return this.endValue(at);
      if (code === LF || code === CR) return this.endRecord(at);
      if (code === QUOTE) this.hasStrayQuote = true;
    }
    return end;
  }

  private readQuoted(from: number): number {
    const { text } = this;
    const end = Math.min(text.length, this.limit);
    for (let at = from; at < end; at += 1) {
      const code = text.charCodeAt(at);
      if (code === QUOTE) {
        this.state = CLOSED;
        return at + 1;
      }
      if (code === CR || (code === LF && !this.isBehindCr(at))) this.line += 1;
    }
    return end;
  }

  private readClosed(at: number): number {
    const code = this.text.charCodeAt(at);
    if (code === QUOTE) {
      this.hasDoubledQuotes = true;
      this.state = QUOTED;
      return at + 1;
    }
    if (code === this.separator?.code) return this.endValue(at);
    if (code === LF || code === CR) return this.endRecord(at);
    this.end('A value goes on after its closing quote');
    return at;
  }

  private isBehindCr(at: number): boolean {
    return (at > 0 ? this.text.charCodeAt(at - 1) : this.codeBefore) === CR;
  }

  private endValue(at: number): number {
    if (this.cells.length === RECORD_VALUES_MAX) {
      this.end(`A record has more than ${RECORD_VALUES_MAX.toLocaleString('en')} values`);
      return at;
    }
    // A closed value has its closing quote last, which an earlier text may have.
    let value = this.valueBefore + this.text.slice(this.valueFrom, at);
    if (this.state === CLOSED) value = value.slice(0, -1);
    if (this.hasDoubledQuotes) value = value.replaceAll('""', '"');
    this.cells.push(value);
    this.state = START;
    this.valueFrom = at + 1;
    this.valueBefore = '';
    this.hasDoubledQuotes = false;
    return at + 1;
  }

  private endRecord(at: number): number {
    const next = this.endValue(at);
    if (this.ended) return next;
    const { recordLine: line, cells } = this;
    if (this.hasStrayQuote) {
      const malformed =
        'A quote is inside an unquoted value. Quote the whole value and double its quotes.';
      this.records.push({ line, malformed });
    } else if (this.separator?.isNamed && line === 1) {
      // The line that names the separator.
    } else if (!cells.every(isBlank)) {
      this.records.push({ line, cells });
    }
    this.line += 1;
    this.recordLine = this.line;
    this.cells = [];
    this.hasStrayQuote = false;
    this.limit = next + RECORD_CHARACTERS_MAX + 1;
    return next;
  }

  private endTooLong(): void {
    const long = `A record is longer than ${RECORD_CHARACTERS_MAX.toLocaleString('en')} characters`;
    this.end(this.state === QUOTED ? `${long}, probably because a quote is not closed` : long);
  }

  private end(why: string): void {
    this.records.push({ line: this.recordLine, malformed: `${why}; ${NOT_READ}.` });
    this.ended = true;
    this.cells = [];
    this.valueBefore = '';
  }
}

function isBlank(cell: string): boolean {
  return cell === '' || cell.trim() === '';
}
