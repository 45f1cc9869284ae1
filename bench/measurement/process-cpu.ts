/** CPU time of any process, from Linux's /proc. */
import { readFileSync } from 'node:fs';

/** USER_HZ, which Linux fixes at 100 for user space. */
const TICK_MS = 10;

/** User and system time of all threads, in milliseconds; null if the system does not provide it. */
export function readProcessCpuMs(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may have spaces; utime and stime are the 12th and 13th fields after it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return null;
  }
}

/** The CPU time of all programs that a process runs, by the same means; 0 if the system does not tell them. */
export function readChildrenCpuMs(pid: number): number {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const pids = children === '' ? [] : children.split(' ').map(Number);
    return pids.reduce((sum, child) => sum + (readProcessCpuMs(child) ?? 0), 0);
  } catch {
    return 0;
  }
}
