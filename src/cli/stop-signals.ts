/** The signals that end a process in order: the first one asks it to stop, and a later one ends it at once. */
import { once } from 'node:events';

/**
 * One Ctrl-C in a terminal reaches the whole process group, and `npm` passes it on once more. What arrives so soon
 * after the first signal is no second wish.
 */
const SAME_SIGNAL_MS = 1_000;

export interface StopHandlers {
  readonly stop: (signal: NodeJS.Signals) => void;
  readonly force: () => void;
}

export function onStopSignals(
  names: readonly NodeJS.Signals[],
  { stop, force }: StopHandlers,
): void {
  let firstMs: number | undefined;
  const hear = (name: NodeJS.Signals) => {
    const nowMs = performance.now();
    if (firstMs === undefined) {
      firstMs = nowMs;
      stop(name);
    } else if (nowMs - firstMs > SAME_SIGNAL_MS) {
      force();
    }
  };
  for (const name of names) process.on(name, hear);
}

/** Resolves when the signal aborts, or at once where it has. */
export async function untilStopped(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
