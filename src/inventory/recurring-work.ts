/** Work that nobody waits for: done again and again, in one process at a time, until the program stops. */
import { systemClock, type Clock, type Timer } from '../time/clock.js';
import { StorageUnavailableError } from './stock-store.js';

/** Keeps other processes away from the same work. */
export interface ExclusiveTurns {
  /** Runs the work while no other process runs work of this name; not at all where one does. */
  exclusively(name: string, work: () => Promise<void>): Promise<void>;
}

export interface RecurringWorkSettings {
  /** How long it rests between two rounds, in milliseconds. */
  readonly intervalMs: number;
  /** Told of a round that failed for another reason than a database that is away. */
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
          // Without a database there is nothing to do; the next round tries again.
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
