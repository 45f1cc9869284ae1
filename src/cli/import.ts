/**
 * `npm run import -- products.csv`: brings a file of products into the database that MYSQL_URL names. Exit code 0 where
 * all of it is in, 1 where lines were refused or it failed, 2 where it was called wrongly.
 */
import { createReadStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { requireMysqlUrl } from '../config.js';
import { CsvFileError } from '../product-files/csv-file-error.js';
import { readProducts } from '../product-files/read-products.js';
import { openPool } from '../database/connections.js';
import { assertMigrated } from '../database/migrator.js';
import { MysqlProductImport } from '../database/writing/product-import.js';
import type { BadLine } from '../inventory/import-row.js';
import { ProductImport, type ImportCounts } from '../inventory/product-import.js';
import { StorageUnavailableError } from '../inventory/stock-store.js';
import { RowProgress, runCommand, shown, type Asked } from './row-command.js';
import { explainStartFailure } from './start-failure.js';

const USAGE = `npm run import -- FILE [options]

Brings the products of a CSV file in; FILE may be - for the standard input. The first line names the columns, in any
order: id,name,locationId,quantity,lowStockThreshold. New products are created with their first stock; those that are
there get the name and the threshold of the file.

  --set-quantities    set the quantities of places that have stock already, too, as corrections in the ledger
  --dry-run           check the file against the database and write nothing
  --help              this

MYSQL_URL names the database. docs/import-and-export.md has the rest.`;

interface Options {
  readonly file: string;
  readonly setQuantities: boolean;
  readonly dryRun: boolean;
}

function readOptions(): Asked<Options> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      'set-quantities': { type: 'boolean', default: false },
      'dry-run': { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return { help: true };
  const [file, ...more] = positionals;
  if (file === undefined || more.length > 0) return { problem: 'Name one file.' };
  return { file, setQuantities: values['set-quantities'], dryRun: values['dry-run'] };
}

async function run({ file, ...how }: Options): Promise<number> {
  const progress = new Progress();
  try {
    const url = requireMysqlUrl(process.env);
    await assertMigrated(url);
    const sequelize = openPool({ url }, 1);
    try {
      const input = file === '-' ? process.stdin : createReadStream(file);
      const importing = new ProductImport(new MysqlProductImport(sequelize), progress);
      const counts = await importing.run(readProducts(input as AsyncIterable<Buffer>), how);
      console.log(`${how.dryRun ? 'Nothing was written. ' : ''}${summaryOf(counts)}`);
      return counts.bad === 0 ? 0 : 1;
    } finally {
      await sequelize.close();
    }
  } catch (error) {
    console.error(explain(error, file));
    const { counts } = progress;
    if (counts && !how.dryRun) {
      console.error(`What stands up to line ${counts.line} is in: ${summaryOf(counts)}`);
      console.error('Running it again completes it.');
    }
    return 1;
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
  if (error instanceof CsvFileError) return `line ${error.line}: ${error.message}`;
  if (error instanceof StorageUnavailableError) {
    const because = error.cause === 'ROWS_LOCKED' ? 'rows stayed locked by others' : null;
    return because ? `It was given up: ${because}.` : explainStartFailure(error);
  }
  const { code, syscall } = error as NodeJS.ErrnoException;
  const sentence = FILE_SENTENCES[code ?? ''];
  if (sentence && (syscall === 'open' || syscall === 'read')) return `${file} ${sentence}`;
  return explainStartFailure(error);
}

process.exitCode = await runCommand(USAGE, readOptions, run);
