/** How long the disk takes to make 4 KiB durable, which bounds every commit rate. */
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { percentile } from '../statistics.js';

export interface FsyncLatency {
  readonly medianMs: number;
  readonly p99Ms: number;
}

const WRITES = 200;
const BLOCK = Buffer.alloc(4_096, 1);

/** Measures the first of the folders that can be written to. Null if none can. */
export async function measureFsync(folders: readonly string[]): Promise<FsyncLatency | null> {
  for (const folder of folders) {
    try {
      return await measureIn(folder);
    } catch {
      // Not writable, or not on this machine.
    }
  }
  return null;
}

async function measureIn(folder: string): Promise<FsyncLatency> {
  const path = join(folder, `stockade-fsync-${randomBytes(6).toString('hex')}`);
  const file = await open(path, 'wx');
  try {
    const timesMs = new Float64Array(WRITES);
    for (let i = 0; i < WRITES; i += 1) {
      const fromMs = performance.now();
      await file.write(BLOCK);
      await file.datasync();
      timesMs[i] = performance.now() - fromMs;
    }
    timesMs.sort();
    return { medianMs: percentile(timesMs, 0.5), p99Ms: percentile(timesMs, 0.99) };
  } finally {
    await file.close();
    await rm(path, { force: true });
  }
}
