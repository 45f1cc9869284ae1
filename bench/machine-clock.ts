/**
 * The machine's monotonic clock in milliseconds. It is the same in all processes, so they begin a measurement at the
 * same moment.
 */
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export function machineMs(): number {
  return performance.now() + offsetMs;
}

/** Resolves at that moment, or at once if it has passed. */
export async function sleepUntil(momentMs: number): Promise<void> {
  // A timer may fire a fraction of a millisecond early.
  for (let leftMs = momentMs - machineMs(); leftMs > 0; leftMs = momentMs - machineMs()) {
    await new Promise((resolve) => setTimeout(resolve, Math.ceil(leftMs)));
  }
}
