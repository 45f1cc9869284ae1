/**
 * What separates the values of a file: spreadsheets write commas, or semicolons where a comma is the decimal point, or
 * tabs. The first line that is not empty tells it: `sep=;`, as Excel writes it, or else the header, by the most
 * frequent of them.
 */
import { CsvFileError } from './csv-file-error.js';

export interface Separator {
  /** Its character code. */
  readonly code: number;
  /** The first line of the file names it, and is no record. */
  readonly isNamed: boolean;
}

const ACCEPTED = [',', ';', '\t'] as const;
export const SEPARATORS_ACCEPTED = 'commas, semicolons or tabs';

/** The first line that is not empty, and whether all of it is here. */
export function firstLineOf(text: string): { readonly line: string; readonly isWhole: boolean } {
  const [, line = '', end = ''] = /^[\r\n]*([^\r\n]*)([\r\n]?)/.exec(text) ?? [];
  return { line, isWhole: end !== '' };
}

/** @throws CsvFileError */
export function separatorOf(text: string): Separator {
  const { line } = firstLineOf(text);
  const [, named] = /^"?sep=(.*?)"?$/i.exec(line) ?? [];
  if (named !== undefined && text.startsWith(line)) {
    const accepted = ACCEPTED.find((each) => each === named);
    if (accepted !== undefined) return { code: accepted.charCodeAt(0), isNamed: true };
    const got = JSON.stringify(named.slice(0, 10));
    throw new CsvFileError(
      `The values must be separated by ${SEPARATORS_ACCEPTED}; the line names ${got}.`,
      1,
    );
  }
  const unquoted = line.replace(/"[^"]*"/g, '');
  const counts = ACCEPTED.map((each) => unquoted.split(each).length);
  const most = ACCEPTED[counts.indexOf(Math.max(...counts))] ?? ',';
  return { code: most.charCodeAt(0), isNamed: false };
}
