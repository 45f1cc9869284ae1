/** A clock that stands still until a test moves it, so that deadlines come when the test says and not before. */
import type { Clock, Timer } from '../../src/lock/index.js';

interface Due {
  readonly atMs: number;
  readonly callback: () => void;
}

export class FakeClock implements Clock {
  private timeMs = 1_000;
  private readonly due = new Set<Due>();

  nowMs(): number {
    return this.timeMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer: Due = { atMs: this.timeMs + Math.max(0, delayMs), callback };
    this.due.add(timer);
    return { cancel: () => this.due.delete(timer) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  today(): Date {
    return new Date(this.timeMs);
  }

  /** Time passes, and timers fire at their moments in their order. */
  advance(ms: number): void {
    const endMs = this.timeMs + ms;
    for (let next = this.next(endMs); next; next = this.next(endMs)) {
      this.due.delete(next);
      this.timeMs = Math.max(this.timeMs, next.atMs);
      next.callback();
    }
    this.timeMs = endMs;
  }

  /** Time passes as for a process that is stopped: no timer fires. */
  stopFor(ms: number): void {
    this.timeMs += ms;
  }

  private next(endMs: number): Due | undefined {
    const [first] = [...this.due].sort((a, b) => a.atMs - b.atMs);
    return first && first.atMs <= endMs ? first : undefined;
  }
}
