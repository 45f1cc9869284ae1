/** Buyers of one product at several servers, before, during and after a fault, and what they were answered. */
import type { ServerProcess } from './server-process.js';
import { callStock, deduction, linesOf } from './stock-calls.js';
import { until } from './until.js';

/** Buys one unit after another until it is stopped. */
export class Buyer {
  readonly outcomes: (string | undefined)[] = [];
  /** The longest time from one answer to the next. */
  longestPauseMs = 0;
  private stopped = false;
  private readonly buying: Promise<void>;

  constructor(
    private readonly server: ServerProcess,
    private readonly id: string,
  ) {
    this.buying = this.buy();
  }

  /** What it was answered but for success. */
  get failures(): readonly (string | undefined)[] {
    return this.outcomes.filter((outcome) => outcome !== 'APPLIED');
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.buying;
  }

  private async buy(): Promise<void> {
    let answeredMs = performance.now();
    while (!this.stopped) {
      const call = deduction({ [this.id]: 1 });
      const [line] = linesOf(await callStock(this.server.graphqlUrl, call));
      this.outcomes.push(line?.outcome === 'APPLIED' ? 'APPLIED' : JSON.stringify(line));
      const nowMs = performance.now();
      this.longestPauseMs = Math.max(this.longestPauseMs, nowMs - answeredMs);
      answeredMs = nowMs;
    }
  }
}

export interface LockState {
  readonly lock: 'available' | 'away' | 'partly away';
  readonly redisAway?: readonly string[];
  readonly deductionsRunUnder: string;
}

/** What `/ready` says of the lock. */
export async function lockStateOf(server: ServerProcess): Promise<LockState> {
  const response = await fetch(`${server.origin}/ready`);
  return (await response.json()) as LockState;
}

/**
 * Waits until its log says so, after what it had printed before. /ready tells it only as long as it lasts, which a test
 * that is stopped for some seconds may miss.
 *
 * @param printed the length of its output before.
 */
export function untilLockGoesAway(server: ServerProcess, printed: number): Promise<void> {
  const isTold = () => server.output().includes('Redis does not serve the lock.', printed);
  return until('the lock goes away', isTold);
}

/** Resolves with how long it took. */
export async function untilLockIs(
  server: ServerProcess,
  state: LockState['lock'],
  patienceMs?: number,
): Promise<number> {
  const sinceMs = performance.now();
  const isSo = async () => (await lockStateOf(server)).lock === state;
  await until(`the lock ${state}`, isSo, patienceMs);
  return performance.now() - sinceMs;
}
