/**
 * The packages that only the benchmark runs, and that are large: they are installed on demand into the project's cache,
 * at the versions of their lock file, beside the programs that import them. Without a registry their contenders are
 * left out.
 */
import { hash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { makeFolder, reasonOf, removeFolder, runCommand } from '../../services/child-processes.js';
import { projectFolder } from '../../services/debian-packages.js';

/** They are downloaded once, a quarter of a gigabyte. */
const INSTALL_TIMEOUT_MS = 240_000;
const LOCK = 'package-lock.json';
const INSTALL = [
  ...['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=silent'],
  ...['--fetch-retries=1', '--fetch-retry-mintimeout=1000'],
];

export interface InstallOptions {
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** The project's own by default. */
  readonly cacheFolder?: string;
}

/** Restate's server is a program, which its package has for some platforms. */
const RESTATE_PROGRAM = `@restatedev/restate-server-${process.platform}-${process.arch}`;

/**
 * Installs the packages for these contenders if they are not there yet.
 * @returns the contenders that cannot run, each with the reason, a clause. @throws the signal's reason alone.
 */
export async function installRivals(
  contenders: readonly string[],
  options: InstallOptions,
): Promise<ReadonlyMap<string, string>> {
  if (contenders.length === 0) return new Map();
  try {
    await install(options);
    const lacksProgram = !existsSync(
      join(rivalsFolder(options.cacheFolder), 'node_modules', RESTATE_PROGRAM),
    );
    const reason = `its package has no program for ${process.platform} on ${process.arch}`;
    return new Map(
      contenders.flatMap((name) => (name === 'restate' && lacksProgram ? [[name, reason]] : [])),
    );
  } catch (error) {
    options.signal.throwIfAborted();
    const reason = `its packages, which come from the npm registry, are not installed: ${reasonOf(error)}`;
    return new Map(contenders.map((name) => [name, reason]));
  }
}

async function install({ signal, log, cacheFolder }: InstallOptions): Promise<void> {
  const final = rivalsFolder(cacheFolder);
  if (existsSync(final)) {
    await copySources(final);
    return;
  }
  const parent = dirname(final);
  await mkdir(parent, { recursive: true });
  const partial = await makeFolder(parent, 'partial-');
  try {
    log("The rivals' packages: installing them into .cache/, once …");
    await copySources(partial);
    const command = { signal, timeoutMs: INSTALL_TIMEOUT_MS, cwd: partial, env: process.env };
    await runCommand('npm', INSTALL, command);
    await rename(partial, final);
  } finally {
    await removeFolder(partial);
  }
}

/** Another lock file means another folder, so that no version stays behind. */
function rivalsFolder(cacheFolder = join(projectFolder(), '.cache')): string {
  const lock = readFileSync(join(sources(), LOCK));
  return join(cacheFolder, `rivals-${hash('sha256', lock).slice(0, 12)}`);
}

/** A program of the rivals, which finds their packages beside it. */
export function importRival(name: string): Promise<unknown> {
  return import(pathToFileURL(join(rivalsFolder(), name)).href);
}

function sources(): string {
  return join(projectFolder(), 'bench', 'rivals');
}

async function copySources(folder: string): Promise<void> {
  const names = await readdir(sources());
  await Promise.all(names.map((name) => copyFile(join(sources(), name), join(folder, name))));
}
