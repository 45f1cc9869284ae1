/** Background work that is repeated until the program stops, in one process at a time. */
import { systemClock, type Clock, type Timer } from '../time/clock.js';
import { StorageUnavailableError } from './stock-store.js';

/** Keeps other processes from running the same work. */
export interface ExclusiveTurns {
  /** Runs the work unless another process is running work of this name. */
  exclusively(name: string, work: () => Promise<void>): Promise<void>;
}

export interface RecurringWorkSettings {
  /** The pause between two rounds, in milliseconds. */
  readonly intervalMs: number;
  /** Called when a round failed for another reason than an unavailable database. */
  readonly onError: (error: unknown) => void;
}

export class RecurringWork {
  private readonly stopping = new AbortController();
  private timer: Timer | undefined;
  private round: Promise<void> = Promise.resolve();

  /** @param work one round; it ends soon after its signal is aborted. */
  constructor(
    private readonly work: (signal: AbortSignal) => Promise<void>,
    private readonly settings: RecurringWorkSettings,
    private readonly clock: Clock = systemClock,
  ) {}

  start(): void {
    if (this.stopping.signal.aborted) return;
    this.timer = this.clock.after(this.settings.intervalMs, () => {
      this.round = this.work(this.stopping.signal)
        .catch((error: unknown) => {
          if (!(error instanceof StorageUnavailableError)) this.settings.onError(error);
        })
        .then(() => {
          this.start();
        });
    });
  }

  /** Resolves when the round under way has ended. */
  async stop(): Promise<void> {
    this.stopping.abort();
    this.timer?.cancel();
    await this.round;
  }
}
