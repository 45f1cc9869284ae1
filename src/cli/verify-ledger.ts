/** `npm run verify-ledger`: exit code 0 where every unit is explained, 1 where a line is bad or nothing was read. */
import { openPool } from '../database/connections.js';
import { verifyLedger } from '../database/reading/ledger-verification.js';
import { requireMysqlUrl } from '../config.js';
import { explainStartFailure } from './start-failure.js';

/** A check of a large ledger takes minutes; the connection may be silent for that long. */
const SILENCE_MAX_MS = 3_600_000;

try {
  const sequelize = openPool(
    { url: requireMysqlUrl(process.env), silenceMaxMs: SILENCE_MAX_MS },
    1,
  );
  const report = await verifyLedger(sequelize);
  await sequelize.close();
  for (const { productId, locationId, sequence, problem } of report.problems) {
    const line = sequence === null ? '' : ` line ${sequence}`;
    console.log(`BAD ${productId} at ${locationId}${line}: ${problem}`);
  }
  const checked = `${report.movements} ledger lines of ${report.products} products`;
  const bad = report.problems.length;
  console.log(bad === 0 ? `OK: ${checked} checked.` : `${bad} product(s) bad: ${checked} checked.`);
  process.exitCode = bad === 0 ? 0 : 1;
} catch (error) {
  console.error(explainStartFailure(error));
  process.exitCode = 1;
}
