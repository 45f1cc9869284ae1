/**
 * Finds the servers on this machine: on the PATH, and in the folders for servers that an ordinary user's PATH often
 * lacks. A program is identified by its `--version`, not by its name, because MariaDB installs a `mysqld` too.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runCommand } from './child-processes.js';
import { WayUnavailable } from './service-errors.js';

const SERVER_FOLDERS = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec'];
const VERSION_TIMEOUT_MS = 10_000;

/** A program and how to run it: with its own loader, or with options for its files, if needed. */
export interface Program {
  readonly command: readonly [string, ...string[]];
  readonly args: readonly string[];
  /** As in "on this machine"; completes a sentence that names the server. */
  readonly where: string;
}

export interface Search {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
}

/** @throws WayUnavailable if there is none, only MariaDB's, or only one without CHECK constraints. */
export async function findMysqld(search: Search): Promise<Program> {
  let reason = 'this machine has no mysqld';
  for (const path of findPrograms('mysqld', search.env)) {
    const version = await versionOf(path, search);
    if (version === '') reason = "this machine's mysqld does not tell its version";
    else if (/MariaDB/i.test(version)) reason = "this machine's mysqld is MariaDB's";
    else if (isTooOld(version)) reason = "this machine's mysqld is older than 8.0.16";
    else return { command: [path], args: [], where: `on this machine (${path})` };
  }
  throw new WayUnavailable(reason);
}

/** @throws WayUnavailable */
export async function findMariadbd(search: Search): Promise<Program> {
  for (const name of ['mariadbd', 'mysqld']) {
    for (const path of findPrograms(name, search.env)) {
      if (!/MariaDB/i.test(await versionOf(path, search))) continue;
      return { command: [path], args: [], where: `on this machine (${path})` };
    }
  }
  throw new WayUnavailable('this machine has no mariadbd');
}

/** @throws WayUnavailable */
export function findRedisServer(search: Search): Program {
  return findByName('redis-server', search);
}

/** @throws WayUnavailable */
export function findValkeyServer(search: Search): Program {
  return findByName('valkey-server', search);
}

function findByName(name: string, search: Search): Program {
  const [path] = findPrograms(name, search.env);
  if (path === undefined) throw new WayUnavailable(`this machine has no ${name}`);
  return { command: [path], args: [], where: `on this machine (${path})` };
}

/** Every executable file of that name, in the order of the PATH. */
export function findPrograms(name: string, env: NodeJS.ProcessEnv): string[] {
  const folders = [...(env.PATH ?? '').split(delimiter), ...SERVER_FOLDERS];
  const paths = folders.filter((folder) => folder !== '').map((folder) => join(folder, name));
  return [...new Set(paths)].filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

async function versionOf(path: string, search: Search): Promise<string> {
  try {
    const options = { signal: search.signal, timeoutMs: VERSION_TIMEOUT_MS };
    return await runCommand(path, ['--no-defaults', '--version'], options);
  } catch (error) {
    if (error instanceof WayUnavailable) return '';
    throw error;
  }
}

/** Before MySQL 8.0.16, CHECK constraints, which the tables need, are parsed and ignored. */
function isTooOld(version: string): boolean {
  const [, major = 0, minor = 0, patch = 0] = (/(\d+)\.(\d+)\.(\d+)/.exec(version) ?? []).map(
    Number,
  );
  return major * 1_000_000 + minor * 1_000 + patch < 8_000_016;
}
