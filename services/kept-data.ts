/**
 * A data folder that outlives its server, for `stockade dev --keep`. It gets its name only when it is complete, and one
 * process at a time may use it: a second server on it would wait for minutes, and then say little.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder, reasonOf, removeFolder } from './child-processes.js';
import type { Program, Search } from './machine-programs.js';
import { initializeMysql, type MysqlFlavour } from './mysql-data.js';
import { ServiceError } from './service-errors.js';

export interface KeptData {
  readonly folder: string;
  /** Lets other processes use it. */
  release(): Promise<void>;
}

/** @throws ServiceError where another process uses it, or it cannot be made; WayUnavailable as `initializeMysql`. */
export async function openKeptData(
  parent: string,
  { program, flavour, search }: { program: Program; flavour: MysqlFlavour; search: Search },
): Promise<KeptData> {
  await mkdir(parent, { recursive: true }).catch((error: unknown) => {
    throw new ServiceError(`The data cannot be kept in ${parent}: ${reasonOf(error)}.`, {
      cause: error,
    });
  });
  const lock = join(parent, 'used-by');
  await take(lock, parent);
  const release = () => rm(lock, { force: true });
  try {
    const folder = join(parent, flavour);
    if (!existsSync(folder)) {
      const partial = await makeFolder(parent, 'partial-');
      await initializeMysql(program, flavour, partial, search);
      await rename(join(partial, 'data'), folder);
      await removeFolder(partial);
    }
    return { folder, release };
  } catch (error) {
    await release();
    throw error;
  }
}

async function take(lock: string, parent: string): Promise<void> {
  const owner = Number(await readFile(lock, 'utf8').catch(() => ''));
  if (owner > 0 && owner !== process.pid && isRunning(owner)) {
    throw new ServiceError(
      `The data in ${parent} are in use by process ${owner}. Stop it, or name another folder: --keep <folder>.`,
    );
  }
  await writeFile(lock, String(process.pid));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
