/**
 * Where the MySQL and the Redis of a running `stockade dev` are. It writes them into a file of `.cache/`, so that other
 * commands of the checkout find them, and removes the file when it stops. A file whose process has gone is ignored.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ConfigError, requireMysqlUrl } from '../config.js';
import { parseMysqlUrl, showHost } from '../database/mysql-address.js';

/** From dist/src/cli/ of the checkout. */
const CACHE = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..', '.cache');
const FILE_NAME = /^development-(\d+)\.json$/;
/** The addresses may contain passwords. */
const OWNER_ONLY = 0o600;

/** For the help of the commands. */
export const DATABASE_NOTE =
  'MYSQL_URL names the database; without it, that of a running "stockade dev" is used.';

export interface DevelopmentServices {
  readonly mysqlUrl: string;
  readonly redisUrl: string;
}

/** Returns what takes the file away again. Without a folder to write to, the commands need MYSQL_URL. */
export function announceServices(services: DevelopmentServices): () => void {
  const file = join(CACHE, `development-${process.pid}.json`);
  try {
    mkdirSync(CACHE, { recursive: true });
    for (const { pid, path } of announcements()) if (!isRunning(pid)) rmSync(path, { force: true });
    writeFileSync(file, JSON.stringify(services), { mode: OWNER_ONLY });
  } catch {
    return () => undefined;
  }
  return () => {
    rmSync(file, { force: true });
  };
}

/** MYSQL_URL, or the database of the one development server that runs; says so in a line. @throws ConfigError */
export function mysqlUrlOrDevelopment(env: NodeJS.ProcessEnv): string {
  if (env.MYSQL_URL || env.NODE_ENV === 'production') return requireMysqlUrl(env);
  const running = announcements().filter(({ pid }) => isRunning(pid));
  const [first, second] = running;
  if (!first) return requireMysqlUrl(env);
  if (second) {
    const pids = running.map(({ pid }) => pid).join(' and ');
    throw new ConfigError([`MYSQL_URL must be set: "stockade dev" runs as processes ${pids}`]);
  }
  const { mysqlUrl } = JSON.parse(readFileSync(first.path, 'utf8')) as DevelopmentServices;
  const { hosts, database } = parseMysqlUrl(mysqlUrl);
  const where = `${hosts.map(showHost).join(',')}/${database}`;
  console.error(`MYSQL_URL is not set: using ${where} of "stockade dev" (process ${first.pid}).`);
  return mysqlUrl;
}

function announcements(): { readonly pid: number; readonly path: string }[] {
  let names: string[];
  try {
    names = readdirSync(CACHE);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const pid = FILE_NAME.exec(name)?.[1];
    return pid === undefined ? [] : [{ pid: Number(pid), path: join(CACHE, name) }];
  });
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
