/** `npm run migrate`: applies what is pending and says what that was. */
import { requireMysqlUrl } from '../config.js';
import { migrate } from '../database/migrator.js';
import { explainStartFailure } from './start-failure.js';

try {
  const applied = await migrate(requireMysqlUrl(process.env));
  console.log(applied.length > 0 ? `Applied: ${applied.join(', ')}` : 'Nothing to apply.');
} catch (error) {
  console.error(explainStartFailure(error));
  process.exitCode = 1;
}
