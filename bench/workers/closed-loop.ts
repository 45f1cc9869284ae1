/** A closed loop: each caller sends its next request as soon as it has its answer. Measures the highest throughput. */
import { machineMs, sleepUntil } from '../machine-clock.js';
import type { Instruments } from '../measurement/instruments.js';
import { Recorder, type Window } from '../measurement/samples.js';
import type { Answer } from '../contenders/contender.js';
import type { Outcome, Work } from './job.js';

/** Longer than any contender's longest wait. */
const DRAIN_MAX_MS = 15_000;

export class ClosedLoop implements Work {
  private callersWanted = 0;
  private readonly callers = new Map<number, Promise<void>>();
  private recorder = new Recorder({ startMs: Infinity, endMs: -Infinity });

  constructor(
    private readonly attempt: () => Promise<Answer>,
    private readonly instruments: Instruments,
    private readonly release: () => Promise<void>,
  ) {}

  async warmUp(callers: number, durationMs: number): Promise<void> {
    this.setCallers(callers);
    await sleepUntil(machineMs() + durationMs);
  }

  async measure(callers: number, window: Window): Promise<Outcome> {
    const recorder = new Recorder(window);
    this.recorder = recorder;
    this.setCallers(callers);
    await sleepUntil(window.startMs);
    this.instruments.begin();
    await sleepUntil(window.endMs);
    const instruments = this.instruments.end();
    await this.drain();
    return { samples: recorder.samples(), instruments };
  }

  async close(): Promise<void> {
    await this.drain();
    await this.release();
  }

  private setCallers(count: number): void {
    this.callersWanted = count;
    for (let number = 0; number < count; number += 1) {
      if (this.callers.has(number)) continue;
      this.callers.set(
        number,
        this.callAgainAndAgain(number).finally(() => this.callers.delete(number)),
      );
    }
  }

  private async callAgainAndAgain(number: number): Promise<void> {
    while (number < this.callersWanted) {
      const beganMs = machineMs();
      try {
        const answer = await this.attempt();
        this.recorder.answered(beganMs, machineMs(), answer);
      } catch (error) {
        this.recorder.failedWith(beganMs, machineMs(), error);
        // A caller that fails at once must not block the event loop for the others.
        await new Promise(setImmediate);
      }
    }
  }

  private async drain(): Promise<void> {
    this.callersWanted = 0;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, DRAIN_MAX_MS)));
    await Promise.race([Promise.all(this.callers.values()), patience]);
    clearTimeout(timer);
  }
}
