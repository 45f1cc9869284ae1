/** What the commands that pass rows have in common: usage, exit codes, and a line of progress every second. */

const PROGRESS_EVERY_MS = 1_000;

/** The options of a command; or that help was asked for, or what is wrong with them. */
export type Asked<Options> = Options | { readonly help: true } | { readonly problem: string };

/** Resolves with the exit code: that of the run, 0 after the usage, 2 where it was called wrongly. */
export async function runCommand<Options extends object>(
  usage: string,
  readOptions: () => Asked<Options>,
  run: (options: Options) => Promise<number>,
): Promise<number> {
  const asked = read(readOptions);
  if ('help' in asked) {
    console.log(usage);
    return 0;
  }
  if ('problem' in asked) {
    console.error(`${asked.problem}\n\n${usage}`);
    return 2;
  }
  return run(asked);
}

/** What Node's parser of arguments throws is written for whoever has typed them. */
function read<Options extends object>(readOptions: () => Asked<Options>): Asked<Options> {
  try {
    return readOptions();
  } catch (error) {
    return { problem: error instanceof Error ? error.message : String(error) };
  }
}

export class RowProgress {
  private readonly startedMs = performance.now();
  private toldMs = this.startedMs;

  /** Tells how many rows have passed, unless it has just done so. */
  passed(rows: number): void {
    const nowMs = performance.now();
    if (nowMs - this.toldMs < PROGRESS_EVERY_MS) return;
    this.toldMs = nowMs;
    const perSecond = Math.round(rows / ((nowMs - this.startedMs) / 1_000));
    console.error(`${shown(rows)} rows, ${shown(perSecond)} a second`);
  }
}

export function shown(count: number): string {
  return count.toLocaleString('en');
}
