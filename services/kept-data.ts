/**
 * A data folder that outlives its server, for `stockade dev --keep`. It gets its name only when it is complete, and one
 * process at a time may use it: a second server on it would wait for minutes, and then say little.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
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

const FLAVOURS: readonly MysqlFlavour[] = ['mysql', 'mariadb'];

/** Whose data are in the folder; null where there are none yet. */
export function keptFlavour(parent: string): MysqlFlavour | null {
  return FLAVOURS.find((flavour) => existsSync(join(parent, flavour))) ?? null;
}

/** @throws ServiceError where another process uses it, or it cannot be made; WayUnavailable as `initializeMysql`. */
export async function openKeptData(
  parent: string,
  { program, flavour, search }: { program: Program; flavour: MysqlFlavour; search: Search },
): Promise<KeptData> {
  const claim = join(parent, `used-by-${process.pid}`);
  const release = () => rm(claim, { force: true });
  try {
    await mkdir(parent, { recursive: true });
    await writeFile(claim, '');
  } catch (error) {
    const sentence = `The data cannot be kept in ${parent}: ${reasonOf(error)}.`;
    throw new ServiceError(sentence, { cause: error });
  }
  try {
    await refuseOthers(parent);
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

const CLAIM = /^used-by-(\d+)$/;

/**
 * Each process makes a claim of its own, and only then looks for others: of two that begin at the same moment, at least
 * one sees the other. A claim is in a file's name, so it is there at once and complete; one whose process has ended,
 * however it did, counts for nothing.
 */
async function refuseOthers(parent: string): Promise<void> {
  for (const name of await readdir(parent)) {
    const owner = Number(CLAIM.exec(name)?.[1] ?? process.pid);
    if (owner === process.pid) continue;
    const claim = join(parent, name);
    if (isRunning(owner)) throw inUse(parent, owner, claim);
    await rm(claim, { force: true });
  }
}

function inUse(parent: string, owner: number, claim: string): ServiceError {
  return new ServiceError(
    `The data in ${parent} are in use by process ${owner}. Stop it, or name another folder: --keep <folder>. ` +
      `If that process is another program, delete ${claim}.`,
  );
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
