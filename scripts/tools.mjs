/**
 * The packages that one script, one test or one check of the project needs, and that are large: they are installed when
 * they are first needed, into `.cache/`, at the versions of the lock file in scripts/tools.
 *
 *   node scripts/tools.mjs                      prints the folder in which they are installed
 *   node scripts/tools.mjs <program> <args…>    runs one of their programs in the present folder
 *
 * They have no `graphql` of their own: from `.cache/` the one of the project is found. Two copies in one process would
 * refuse each other's schemas.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const PROJECT = join(fileURLToPath(import.meta.url), '..', '..');
const SOURCES = join(PROJECT, 'scripts', 'tools');
const INSTALL = ['ci', '--omit=peer', '--ignore-scripts', '--no-audit', '--loglevel=error'];
const INSTALL_TIMEOUT_MS = 300_000;

/** Installs what is missing; another lock file means another folder. Returns the folder. */
export function toolsFolder() {
  const lock = readFileSync(join(SOURCES, 'package-lock.json'));
  const cache = join(PROJECT, '.cache');
  const digest = createHash('sha256').update(lock).digest('hex').slice(0, 12);
  const final = join(cache, `tools-${digest}`);
  if (existsSync(final)) return final;
  mkdirSync(cache, { recursive: true });
  const partial = mkdtempSync(join(cache, 'partial-'));
  try {
    console.error('Installing the tools of scripts/tools into .cache/, once …');
    cpSync(SOURCES, partial, { recursive: true });
    // The standard output belongs to the program. A tool may ask for a newer Node than it needs to run.
    const stdio = ['ignore', 2, 'inherit'];
    const env = { ...process.env, npm_config_engine_strict: 'false' };
    execFileSync('npm', INSTALL, { cwd: partial, stdio, env, timeout: INSTALL_TIMEOUT_MS });
    moveUnlessThere(partial, final);
    return final;
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function moveUnlessThere(partial, final) {
  try {
    renameSync(partial, final);
  } catch (error) {
    // Another process has installed them meanwhile.
    if (!existsSync(final)) throw error;
  }
}

/** Plug-ins of a program are looked for in the folder of its configuration, and then here. */
function runTool(name, args) {
  const modules = join(toolsFolder(), 'node_modules');
  const env = { ...process.env, NODE_PATH: modules };
  const { status } = spawnSync(join(modules, '.bin', name), args, { stdio: 'inherit', env });
  return status ?? 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [name, ...args] = process.argv.slice(2);
  if (name === undefined) console.log(toolsFolder());
  else process.exitCode = runTool(name, args);
}
