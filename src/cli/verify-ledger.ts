/** `stockade verify-ledger`: checks that the ledger explains every unit of a live database. */
import type { Command } from 'commander';
import { openPool } from '../database/pool.js';
import { verifyLedger, type LedgerReport } from '../database/reading/ledger-verification.js';
import { addCommand } from './add-command.js';
import { DATABASE_NOTE, mysqlUrlOrDevelopment } from './development-services.js';
import { EXIT } from './exit-codes.js';
import { shown, withHeartbeat } from './progress.js';

/** A check of a large ledger takes minutes, during which the connection is silent. */
const SILENCE_MAX_MS = 3_600_000;

export function addVerifyLedger(program: Command): void {
  addCommand(program, {
    usage: 'verify-ledger',
    summary: 'check that the ledger explains every unit',
    description:
      'Checks, in one consistent snapshot, that the ledger of each product and location has no ' +
      'gap, that its lines add up, and that it ends at the present level. Prints the first bad ' +
      'line of each product. Sales may go on meanwhile.',
    notes: DATABASE_NOTE,
    exitCodes: {
      [EXIT.done]: 'every unit is explained',
      [EXIT.failed]: 'a line is bad, or the ledger could not be read',
    },
  }).action(async () => {
    const report = await check(mysqlUrlOrDevelopment(process.env));
    for (const { productId, locationId, sequence, problem } of report.problems) {
      const line = sequence === null ? '' : ` line ${sequence}`;
      console.log(`BAD ${productId} at ${locationId}${line}: ${problem}`);
    }
    console.log(verdictOf(report));
    process.exitCode = report.problems.length === 0 ? EXIT.done : EXIT.failed;
  });
}

/** The last line that the command prints. */
export function verdictOf({ products, movements, problems }: LedgerReport): string {
  const verdict = problems.length === 0 ? 'OK' : `${problems.length} product(s) bad`;
  return `${verdict}: ${movements} ledger lines of ${products} products checked.`;
}

async function check(url: string): Promise<LedgerReport> {
  const sequelize = openPool({ url, silenceMaxMs: SILENCE_MAX_MS }, 1);
  let lines = '';
  try {
    const checking = verifyLedger(sequelize, ({ movements }) => {
      lines = ` ${shown(movements)} ledger lines`;
    });
    return await withHeartbeat(() => `Checking${lines}`, checking);
  } finally {
    await sequelize.close();
  }
}
