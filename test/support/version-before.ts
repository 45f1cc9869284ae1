/** The version before this one, built from the history of the repository, to run beside it. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { resolve } from 'node:path';

/** The last version that knows one host of MySQL, and no clusters. */
const COMMIT = '3bf9e3b54b6c03ddab9f505de8257dda8df945c1';

export interface Version {
  /** Its `stockade.js`. */
  readonly program: string;
  readonly migrations: readonly string[];
  /** Fields of the schema that were added since. */
  readonly unknownFields: readonly string[];
}

/** Null in a copy of the project that has no history. */
export function versionBefore(): Version | null {
  if (!isInHistory()) return null;
  const folder = resolve('.cache', `version-${COMMIT.slice(0, 12)}`);
  if (!existsSync(folder)) build(folder);
  const migrations = readdirSync(`${folder}/dist/src/database/migrations`)
    .filter((file) => file.endsWith('.js'))
    .map((file) => file.slice(0, -'.js'.length));
  const program = `${folder}/dist/src/cli/stockade.js`;
  return { program, migrations, unknownFields: ['retryAfterMs'] };
}

function isInHistory(): boolean {
  try {
    execFileSync('git', ['cat-file', '-e', `${COMMIT}^{commit}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** With the packages of this version. */
function build(folder: string): void {
  const making = `${folder}.${process.pid}`;
  mkdirSync(making, { recursive: true });
  try {
    const source = execFileSync('git', ['archive', COMMIT], { maxBuffer: 2 ** 28 });
    execFileSync('tar', ['-x', '-C', making], { input: source });
    symlinkSync(resolve('node_modules'), `${making}/node_modules`);
    const run = (program: string, ...args: readonly string[]) =>
      execFileSync(process.execPath, [program, ...args], { cwd: making, stdio: 'pipe' });
    run('node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json');
    run('scripts/copy-lua.mjs');
    renameSync(making, folder);
  } finally {
    rmSync(making, { recursive: true, force: true });
  }
}
