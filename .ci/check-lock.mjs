/**
 * `npm ci` fails on an entry without a version, which npm writes where a registry lags; an entry that names a registry's
 * host sends everybody there, whatever registry they use.
 */
import { readFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const entries = Object.entries(packages).filter(([path, entry]) => path !== '' && !entry.link);
const bad = entries
  .filter(([, entry]) => !entry.version || /^\w+:\/\//.test(entry.resolved ?? ''))
  .map(([path]) => path);
if (bad.length > 0) {
  console.error(`Without a version, or with a host:\n${bad.join('\n')}`);
  process.exitCode = 1;
} else {
  console.log(`  ${entries.length} packages`);
}
