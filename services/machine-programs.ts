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
    else if (isOlder(version, CHECKED)) reason = "this machine's mysqld is older than 8.0.16";
    else return { command: [path], args: [], where: `on this machine (${path})` };
  }
  throw new WayUnavailable(reason);
}

/** @throws WayUnavailable if there is none, or only one that is too old. */
export async function findMariadbd(search: Search): Promise<Program> {
  let reason = 'this machine has no mariadbd';
  for (const name of ['mariadbd', 'mysqld']) {
    for (const path of findPrograms(name, search.env)) {
      const version = await versionOf(path, search);
      if (!/MariaDB/i.test(version)) continue;
      if (isOlder(version, [10, 11, 0])) reason = "this machine's mariadbd is older than 10.11";
      else return { command: [path], args: [], where: `on this machine (${path})` };
    }
  }
  throw new WayUnavailable(reason);
}

/** @throws WayUnavailable if there is none, or only one that is too old. */
export function findRedisServer(search: Search): Promise<Program> {
  return findRedis('redis-server', search);
}

/** @throws WayUnavailable if there is none. */
export function findValkeyServer(search: Search): Promise<Program> {
  return findRedis('valkey-server', search);
}

async function findRedis(name: string, search: Search): Promise<Program> {
  let reason = `this machine has no ${name}`;
  for (const path of findPrograms(name, search.env)) {
    const program = { command: [path], args: [], where: `on this machine (${path})` } as const;
    if (await isOldRedis(program, search)) reason = `this machine's ${name} is not 7.0 or later`;
    else return program;
  }
  throw new WayUnavailable(reason);
}

/** Whether it is not known to have what the lock's scripts need, such as SET with NX and GET; each Valkey has it. */
export async function isOldRedis({ command }: Program, search: Search): Promise<boolean> {
  const [path, ...args] = command;
  return isOlder(await versionOf(path, search, [...args, '--version']), [7, 0, 0]);
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

async function versionOf(
  path: string,
  search: Search,
  args: readonly string[] = ['--no-defaults', '--version'],
): Promise<string> {
  try {
    const options = { signal: search.signal, timeoutMs: VERSION_TIMEOUT_MS };
    return await runCommand(path, args, options);
  } catch (error) {
    if (error instanceof WayUnavailable) return '';
    throw error;
  }
}

type Version = readonly [major: number, minor: number, patch: number];

/** Before it, MySQL parses CHECK constraints, which the tables need, and ignores them. */
const CHECKED: Version = [8, 0, 16];

function isOlder(printed: string, least: Version): boolean {
  const [, ...found] = /(\d+)\.(\d+)\.(\d+)/.exec(printed) ?? [];
  return asOne(found.map(Number)) < asOne(least);
}

function asOne([major = 0, minor = 0, patch = 0]: readonly number[]): number {
  return major * 1_000_000 + minor * 1_000 + patch;
}
