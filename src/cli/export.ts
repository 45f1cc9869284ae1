/**
 * `npm run export`: writes all products of the database that MYSQL_URL names as a file that `npm run import` reads, to
 * the standard output or to a file. Exit code 0 where all of it is written, 1 where it failed, 2 where it was called
 * wrongly.
 */
import { createWriteStream } from 'node:fs';
import { parseArgs } from 'node:util';
import { requireMysqlUrl } from '../config.js';
import { writeProducts } from '../product-files/write-products.js';
import { openPool } from '../database/connections.js';
import { assertMigrated } from '../database/migrator.js';
import { exportProducts } from '../database/reading/product-export.js';
import type { ExportRow } from '../inventory/stock-store.js';
import { RowProgress, runCommand, shown, type Asked } from './row-command.js';
import { explainStartFailure } from './start-failure.js';

const USAGE = `npm run --silent export -- [options]

Writes all products as CSV, one row for each place that has stock: id,name,locationId,quantity,lowStockThreshold, in
the order of ids. Sales may go on meanwhile; each row is as it was when it was read.

  -o, --output FILE   write to this file instead of the standard output
  --help              this

MYSQL_URL names the database. docs/import-and-export.md has the rest.`;

interface Options {
  /** Null is the standard output. */
  readonly file: string | null;
}

function readOptions(): Asked<Options> {
  const { values } = parseArgs({
    options: {
      output: { type: 'string', short: 'o' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  return values.help ? { help: true } : { file: values.output ?? null };
}

async function run({ file }: Options): Promise<number> {
  const counted = { rows: 0 };
  try {
    const url = requireMysqlUrl(process.env);
    await assertMigrated(url);
    const sequelize = openPool({ url }, 1);
    try {
      const output = file === null ? process.stdout : createWriteStream(file);
      await writeProducts(watched(exportProducts(sequelize), counted), output);
    } finally {
      await sequelize.close();
    }
    console.error(`${shown(counted.rows)} rows written.`);
    return 0;
  } catch (error) {
    console.error(explain(error, file));
    if (counted.rows > 0) console.error(`It is not whole: ${shown(counted.rows)} rows were read.`);
    return 1;
  }
}

/** Tells of the rows that pass, once a second. */
async function* watched(
  rows: AsyncIterable<ExportRow>,
  counted: { rows: number },
): AsyncGenerator<ExportRow> {
  const progress = new RowProgress();
  for await (const row of rows) {
    yield row;
    counted.rows += 1;
    if (counted.rows % 1_000 === 0) progress.passed(counted.rows);
  }
}

const FILE_SENTENCES: Readonly<Record<string, string>> = {
  ENOENT: 'is in a folder that does not exist.',
  EISDIR: 'is a folder.',
  EACCES: 'may not be written by this user.',
  ENOSPC: 'does not fit on its disk.',
};

function explain(error: unknown, file: string | null): string {
  const { code, syscall } = error as NodeJS.ErrnoException;
  if (code === 'EPIPE') return 'Whoever read the output has gone.';
  const sentence = FILE_SENTENCES[code ?? ''];
  if (file !== null && sentence && (syscall === 'open' || syscall === 'write')) {
    return `${file} ${sentence}`;
  }
  return explainStartFailure(error);
}

process.exitCode = await runCommand(USAGE, readOptions, run);
