/** Progress of long work: at most one line a second, on the standard error. */

const PROGRESS_EVERY_MS = 1_000;

export class RowProgress {
  private readonly startedMs = performance.now();
  private printedMs = this.startedMs;

  /** Prints how many rows have passed, unless it printed within the last second. */
  passed(rows: number): void {
    const nowMs = performance.now();
    if (nowMs - this.printedMs < PROGRESS_EVERY_MS) return;
    this.printedMs = nowMs;
    const perSecond = Math.round(rows / ((nowMs - this.startedMs) / 1_000));
    console.error(`${shown(rows)} rows, ${shown(perSecond)} a second`);
  }
}

/** Prints `line()` with the seconds that have passed, every second while `work` runs. */
export async function withHeartbeat<T>(line: () => string, work: Promise<T>): Promise<T> {
  const startedMs = performance.now();
  const timer = setInterval(() => {
    const seconds = Math.round((performance.now() - startedMs) / 1_000);
    console.error(`${line()}, ${shown(seconds)} s`);
  }, PROGRESS_EVERY_MS);
  try {
    return await work;
  } finally {
    clearInterval(timer);
  }
}

export function shown(count: number): string {
  return count.toLocaleString('en');
}
