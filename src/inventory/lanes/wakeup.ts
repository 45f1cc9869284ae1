/** Wakes a loop that has nothing to do. */
import type { Clock } from '../../time/clock.js';

export class Wakeup {
  private wake: (() => void) | null = null;

  constructor(private readonly clock: Clock) {}

  /** Ends the wait, where there is one. */
  ring(): void {
    this.wake?.();
  }

  /** Resolves at the next `ring`, at the latest after so many milliseconds. */
  next(atMostMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.clock.after(atMostMs, () => {
        this.wake?.();
      });
      this.wake = () => {
        this.wake = null;
        timer.cancel();
        resolve();
      };
    });
  }
}
