/** CPU time of any process, from Linux' /proc. */
import { readFileSync } from 'node:fs';

/** USER_HZ, which Linux has fixed at 100 for all that programs can see. */
const TICK_MS = 10;

/** User and system time of all threads, in milliseconds; null where the system does not tell. */
export function readProcessCpuMs(pid: number): number | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in brackets may have spaces; utime and stime are the 12th and 13th behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return null;
  }
}
