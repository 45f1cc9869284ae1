/** `stockade import`: writes the products of a CSV file to the database. */
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { InvalidArgumentError, type Command } from 'commander';
import { openPool } from '../database/pool.js';
import { assertMigrated } from '../database/migrator.js';
import { MysqlProductImport } from '../database/writing/product-import.js';
import { ProductImport, type BadLine, type ImportCounts } from '../inventory/product-import.js';
import { StorageUnavailableError } from '../inventory/stock-store.js';
import { CsvFileError } from '../product-files/csv-file-error.js';
import { readProducts } from '../product-files/read-products.js';
import {
  nearestTextEncoding,
  TEXT_ENCODINGS,
  textEncodingOf,
  type TextEncoding,
} from '../product-files/text-encoding.js';
import { addCommand } from './add-command.js';
import { DATABASE_NOTE, mysqlUrlOrDevelopment } from './development-services.js';
import { EXIT } from './exit-codes.js';
import { interruption, InterruptedError, untilAborted } from './interruption.js';
import { RowProgress, shown } from './progress.js';
import { explainStartFailure } from './start-failure.js';
import { Operations } from '../inventory/operation.js';
import { systemRandomBytes } from '../time/clock.js';

interface ImportFlags {
  readonly setQuantities: boolean;
  readonly dryRun: boolean;
  readonly encoding: TextEncoding;
}

const NO_FLAGS: ImportFlags = { setQuantities: false, dryRun: false, encoding: 'utf-8' };

export function addImport(program: Command): void {
  addCommand(program, {
    usage: 'import <file>',
    summary: 'read products from CSV',
    description:
      'Reads the products of a CSV file into the database; "-" is the standard input. ' +
      'The first line names the columns, in any order: ' +
      'id,name,locationId,quantity,lowStockThreshold, separated by commas, semicolons or tabs. ' +
      'New products are created with their first stock; products that exist get the name and the threshold ' +
      'of the file.',
    notes: `${DATABASE_NOTE} docs/import-and-export.md describes the format.`,
    exitCodes: {
      [EXIT.done]: 'all rows are in',
      [EXIT.failed]: 'lines were refused, or the import failed; running it again completes it',
      [EXIT.interrupted]: 'stopped by a signal; running it again completes it',
    },
  })
    .option(
      '--set-quantities',
      'also set the quantities of places that have stock already, as corrections in the ledger',
    )
    .option(
      '--encoding <name>',
      `the encoding of the file, if it is not utf-8: ${TEXT_ENCODINGS.slice(1).join(', ')}`,
      toEncoding,
    )
    .option('--dry-run', 'check the file against the database and write nothing')
    .action(async (file: string, flags: Partial<ImportFlags>) => {
      process.exitCode = await importFrom(file, { ...NO_FLAGS, ...flags });
    });
}

function toEncoding(name: string): TextEncoding {
  const encoding = textEncodingOf(name);
  if (encoding !== null) return encoding;
  throw new InvalidArgumentError(
    `Did you mean ${nearestTextEncoding(name)}? Accepted are ${TEXT_ENCODINGS.join(', ')}.`,
  );
}

/** Resolves with the exit code. */
async function importFrom(file: string, flags: ImportFlags): Promise<number> {
  const signal = interruption();
  const progress = new Progress();
  try {
    const url = mysqlUrlOrDevelopment(process.env);
    await assertMigrated(url);
    // A listener for 'abort' that is added after the signal is never called.
    signal.throwIfAborted();
    const input: Readable & AsyncIterable<Buffer> =
      file === '-' ? process.stdin : createReadStream(file);
    signal.addEventListener('abort', () => input.destroy(signal.reason as Error));
    const sequelize = openPool({ url }, 1);
    try {
      const rows = untilAborted(readProducts(input, flags.encoding), signal);
      const operations = new Operations(systemRandomBytes);
      const importing = new ProductImport(new MysqlProductImport(sequelize, operations), progress);
      const counts = await importing.run(rows, flags);
      console.log(`${flags.dryRun ? 'Nothing was written. ' : ''}${summaryOf(counts)}`);
      return counts.bad === 0 ? EXIT.done : EXIT.failed;
    } finally {
      // Otherwise an open standard input keeps the process running.
      input.destroy();
      await sequelize.close();
    }
  } catch (error) {
    const interrupted = error instanceof InterruptedError;
    console.error(explain(error, file));
    const { counts } = progress;
    if (counts && !flags.dryRun) {
      console.error(`Lines up to ${counts.line} are in: ${summaryOf(counts)}`);
      console.error('Run the import again to complete it.');
    } else if (interrupted) {
      console.error('Nothing was written. Run the import again to complete it.');
    }
    return interrupted ? EXIT.interrupted : EXIT.failed;
  }
}

class Progress {
  counts: ImportCounts | undefined;
  private readonly rows = new RowProgress();

  onBadLine({ line, column, reason }: BadLine): void {
    console.error(`line ${line}${column === null ? '' : `, ${column}`}: ${reason}`);
  }

  onProgress(counts: ImportCounts): void {
    this.counts = counts;
    this.rows.passed(counts.rows);
  }
}

function summaryOf({ rows, created, updated, stocked, corrected, bad }: ImportCounts): string {
  return [
    `${shown(rows)} rows: ${shown(created)} products created, ${shown(updated)} updated`,
    `${shown(stocked)} places stocked, ${shown(corrected)} quantities corrected`,
    `${shown(bad)} bad lines.`,
  ].join('; ');
}

const FILE_SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist.',
  EISDIR: 'is a folder.',
  EACCES: 'may not be read by this user.',
};

function explain(error: unknown, file: string): string {
  if (error instanceof InterruptedError) return error.message;
  if (error instanceof CsvFileError) return `line ${error.line}: ${error.message}`;
  if (error instanceof StorageUnavailableError) {
    return error.cause === 'ROWS_LOCKED'
      ? 'The import gave up: other transactions kept its rows locked.'
      : explainStartFailure(error);
  }
  const { code, syscall } = error as NodeJS.ErrnoException;
  const sentence = FILE_SENTENCES[code ?? ''];
  if (sentence && (syscall === 'open' || syscall === 'read')) return `${file} ${sentence}`;
  return explainStartFailure(error);
}
