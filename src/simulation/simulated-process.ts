/**
 * A process's clock, and whether its events run.
 *
 * | state   | events                                                     |
 * |---------|------------------------------------------------------------|
 * | running | run at their time                                          |
 * | stopped | wait, as under SIGSTOP; run in their order on `resume`      |
 * | dead    | are lost, with all memory; a restart is another process    |
 */
import type { Clock, Timer } from '../time/clock.js';
import type { SimulatedTime } from './simulated-time.js';

export class SimulatedProcess {
  readonly clock: Clock;
  private state: 'running' | 'stopped' | 'dead' = 'running';
  private waiting: (() => void)[] = [];
  private readonly deathWatchers = new Set<() => void>();

  /** @param originMs what the clock shows at the beginning of time: no two processes may compare their clocks. */
  constructor(
    readonly name: string,
    private readonly time: SimulatedTime,
    originMs: number,
  ) {
    this.clock = {
      nowMs: () => this.time.nowMs + originMs,
      after: (delayMs, callback) => this.after(delayMs, `${name} timer`, callback),
      soon: (callback) => void this.after(0, `${name} soon`, callback),
      today: () => new Date(WALL_CLOCK_START_MS + this.time.nowMs),
    };
  }

  get isAlive(): boolean {
    return this.state !== 'dead';
  }

  get isRunning(): boolean {
    return this.state === 'running';
  }

  /** As an event of this process: what arrives by the network too. */
  after(delayMs: number, label: string, callback: () => void): Timer {
    let cancelled = false;
    const run = () => {
      if (cancelled || this.state === 'dead') return;
      if (this.state === 'stopped') this.waiting.push(run);
      else callback();
    };
    const timer = this.time.after(delayMs, label, run);
    return {
      cancel: () => {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  stop(): void {
    if (this.state === 'running') this.state = 'stopped';
  }

  resume(): void {
    if (this.state !== 'stopped') return;
    this.state = 'running';
    const due = this.waiting;
    this.waiting = [];
    for (const run of due) this.time.after(0, `${this.name} late`, run);
  }

  kill(): void {
    if (this.state === 'dead') return;
    this.state = 'dead';
    this.waiting = [];
    for (const watch of [...this.deathWatchers]) watch();
    this.deathWatchers.clear();
  }

  /** Calls back when the process dies, as the other ends of its connections notice. @returns how to stop that. */
  onDeath(callback: () => void): () => void {
    this.deathWatchers.add(callback);
    return () => void this.deathWatchers.delete(callback);
  }
}

/** The wall clock at the beginning of simulated time. */
export const WALL_CLOCK_START_MS = Date.UTC(2026, 0, 1);
