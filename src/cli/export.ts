/** `stockade export`: writes the products as a file that `stockade import` reads. */
import { createWriteStream } from 'node:fs';
import type { Command } from 'commander';
import { openPool } from '../database/pool.js';
import { assertMigrated } from '../database/migrator.js';
import { countArchived, exportProducts } from '../database/reading/product-export.js';
import type { ExportRow } from '../inventory/products.js';
import { writeProducts } from '../product-files/write-products.js';
import { addCommand } from './add-command.js';
import { DATABASE_NOTE, mysqlUrlOrDevelopment } from './development-services.js';
import { EXIT } from './exit-codes.js';
import { interruption, InterruptedError, untilAborted } from './interruption.js';
import { RowProgress, shown } from './progress.js';
import { explainStartFailure } from './start-failure.js';

export function addExport(program: Command): void {
  addCommand(program, {
    usage: 'export',
    summary: 'write the products as CSV',
    description:
      'Writes the products that are on sale as CSV, one row for each place that has stock: ' +
      'id,name,locationId,quantity,lowStockThreshold, in the order of ids. Sales may go on meanwhile; each row is as ' +
      'it was when it was read.',
    notes: `${DATABASE_NOTE} docs/import-and-export.md describes the format.`,
    exitCodes: {
      [EXIT.done]: 'all rows are written',
      [EXIT.failed]: 'the export failed; what is written is not complete',
      [EXIT.interrupted]: 'stopped by a signal; what is written is not complete',
    },
  })
    .option('-o, --output <file>', 'write to this file instead of the standard output')
    .option('--archived', 'write archived products as well; an import puts them on sale')
    .action(async ({ output, archived = false }: Options) => {
      process.exitCode = await exportTo(output ?? null, archived);
      // What the standard output has not taken would keep the process running until its reader goes on.
      if (process.exitCode !== EXIT.done) process.exit();
    });
}

interface Options {
  readonly output?: string;
  readonly archived?: boolean;
}

/** Resolves with the exit code. A file of null is the standard output. */
async function exportTo(file: string | null, withArchived: boolean): Promise<number> {
  const signal = interruption();
  const counted = { rows: 0 };
  try {
    const url = mysqlUrlOrDevelopment(process.env);
    await assertMigrated(url);
    const sequelize = openPool({ url }, 1);
    try {
      const leftOut = withArchived ? 0 : await countArchived(sequelize);
      const output = file === null ? process.stdout : createWriteStream(file);
      const rows = untilAborted(exportProducts(sequelize, { withArchived }), signal);
      await writeProducts(watched(rows, counted), output, signal);
      console.error(`${shown(counted.rows)} rows written.`);
      if (leftOut > 0) {
        console.error(
          `Archived products left out: ${shown(leftOut)}. --archived writes them, too.`,
        );
      }
    } finally {
      await sequelize.close();
    }
    return EXIT.done;
  } catch (error) {
    console.error(explain(error, file));
    if (counted.rows > 0) {
      console.error(`The output is not complete: ${shown(counted.rows)} rows were read.`);
    }
    return error instanceof InterruptedError ? EXIT.interrupted : EXIT.failed;
  }
}

/** Counts the rows that pass, and prints the count once a second. */
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
  if (error instanceof InterruptedError) return error.message;
  if (code === 'EPIPE') return 'The reader of the output has closed it.';
  const sentence = FILE_SENTENCES[code ?? ''];
  if (file !== null && sentence && (syscall === 'open' || syscall === 'write')) {
    return `${file} ${sentence}`;
  }
  return explainStartFailure(error);
}
