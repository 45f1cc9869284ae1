/** All buyers of a round at once, each buyer once: the time until the last answer, and the number served. */
import type { Contender } from '../contenders/contender.js';
import { machineMs } from '../machine-clock.js';
import type { Instruments } from '../measurement/instruments.js';
import { Recorder, type Window } from '../measurement/samples.js';
import { productId, type Outcome, type Work } from './job.js';

/** Each round has a product of its own. */
export const WARM_UP_ROUNDS_MAX = 200;

export class Rounds implements Work {
  private roundsBegun = 0;

  constructor(
    private readonly contender: Contender,
    private readonly buyers: number,
    private readonly instruments: Instruments,
  ) {}

  /** The least number of rounds; further ones until the time has passed or their products are used up. */
  async warmUp(roundsMin: number, durationMs: number): Promise<void> {
    const ignored = new Recorder({ startMs: Infinity, endMs: -Infinity });
    const untilMs = machineMs() + durationMs;
    for (let i = 0; i < WARM_UP_ROUNDS_MAX; i += 1) {
      if (i >= roundsMin && machineMs() >= untilMs) return;
      await this.round(ignored);
    }
  }

  async measure(rounds: number, { startMs }: Window): Promise<Outcome> {
    const recorder = new Recorder({ startMs, endMs: Infinity });
    const roundsMs: number[] = [];
    const roundsTaken: number[] = [];
    this.instruments.begin();
    for (let i = 0; i < rounds; i += 1) {
      const fromMs = machineMs();
      roundsTaken.push(await this.round(recorder));
      roundsMs.push(machineMs() - fromMs);
    }
    const instruments = this.instruments.end();
    return { samples: recorder.samples(), instruments, roundsMs, roundsTaken };
  }

  close(): Promise<void> {
    return this.contender.close();
  }

  /** @returns how many buyers were served. */
  private async round(recorder: Recorder): Promise<number> {
    const line = { productId: productId(this.roundsBegun), quantity: 1 };
    this.roundsBegun += 1;
    let taken = 0;
    const buy = async () => {
      const beganMs = machineMs();
      try {
        const answer = await this.contender.deduct(line);
        if (answer === 'taken') taken += 1;
        recorder.answered(beganMs, machineMs(), answer);
      } catch (error) {
        recorder.failedWith(beganMs, machineMs(), error);
      }
    };
    await Promise.all(Array.from({ length: this.buyers }, buy));
    return taken;
  }
}
