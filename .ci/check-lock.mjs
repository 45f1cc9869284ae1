/**
 * `npm ci` fails on an entry without a version, which npm writes when a registry lags. An entry that names a registry's
 * host makes every user download from it, whatever registry is configured.
 */
import { readFileSync } from 'node:fs';

for (const file of ['package-lock.json', 'scripts/tools/package-lock.json']) {
  const { packages } = JSON.parse(readFileSync(file, 'utf8'));
  const entries = Object.entries(packages).filter(([path, entry]) => path !== '' && !entry.link);
  const bad = entries
    .filter(([, entry]) => !entry.version || /^\w+:\/\//.test(entry.resolved ?? ''))
    .map(([path]) => path);
  if (bad.length > 0) {
    console.error(
      `Entries of ${file} must have a version and name no host; got:\n${bad.join('\n')}`,
    );
    process.exitCode = 1;
  } else {
    console.log(`  ${file}: ${entries.length} packages`);
  }
}
