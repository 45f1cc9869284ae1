/** A signal that stops long work at its next row; a later one ends the process at once. */
import { EXIT } from './exit-codes.js';
import { onStopSignals } from './stop-signals.js';

export class InterruptedError extends Error {
  readonly code = 'INTERRUPTED' as const;
  constructor(signal: NodeJS.Signals) {
    super(`Stopped by ${signal}.`);
    this.name = 'InterruptedError';
  }
}

/** Aborts at SIGINT or SIGTERM, with an InterruptedError as its reason. */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  onStopSignals(['SIGINT', 'SIGTERM'], {
    stop: (name) => {
      controller.abort(new InterruptedError(name));
    },
    force: () => process.exit(EXIT.interrupted),
  });
  return controller.signal;
}

/** Passes rows on until the signal aborts, then throws the signal's reason. */
export async function* untilAborted<Row>(
  rows: AsyncIterable<Row>,
  signal: AbortSignal,
): AsyncGenerator<Row> {
  for await (const row of rows) {
    signal.throwIfAborted();
    yield row;
  }
  signal.throwIfAborted();
}
