/**
 * An open loop: requests begin at random moments with a given mean rate, whether or not earlier ones were answered.
 * Latency counts from the intended start of a request, so a stall counts for all requests that were due during it.
 */
import type { Answer } from '../contenders/contender.js';
import { machineMs, sleepUntil } from '../machine-clock.js';
import type { Instruments } from '../measurement/instruments.js';
import { Recorder, type Window } from '../measurement/samples.js';
import type { Random } from '../random.js';
import { ClosedLoop } from './closed-loop.js';
import type { Outcome, Work } from './job.js';

const DRAIN_MAX_MS = 15_000;

export class OpenLoop implements Work {
  private readonly warming: ClosedLoop;

  constructor(
    private readonly attempt: () => Promise<Answer>,
    private readonly instruments: Instruments,
    private readonly random: Random,
    private readonly release: () => Promise<void>,
  ) {
    this.warming = new ClosedLoop(attempt, instruments, () => Promise.resolve());
  }

  async warmUp(callers: number, durationMs: number): Promise<void> {
    await this.warming.warmUp(callers, durationMs);
    await this.warming.close();
  }

  async measure(perSecond: number, window: Window): Promise<Outcome> {
    const recorder = new Recorder(window);
    const underWay = new Set<Promise<void>>();
    const send = (dueMs: number) => {
      const sent = this.attempt().then(
        (answer) => {
          recorder.answered(dueMs, machineMs(), answer);
        },
        (error: unknown) => {
          recorder.failedWith(dueMs, machineMs(), error);
        },
      );
      underWay.add(sent);
      void sent.then(() => underWay.delete(sent));
    };
    const arriving = this.arrive(perSecond, window.endMs, send);
    await sleepUntil(window.startMs);
    this.instruments.begin();
    await sleepUntil(window.endMs);
    const instruments = this.instruments.end();
    await arriving;
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, DRAIN_MAX_MS)));
    await Promise.race([Promise.all(underWay), patience]);
    clearTimeout(timer);
    return { samples: recorder.samples(), instruments };
  }

  close(): Promise<void> {
    return this.release();
  }

  /** Sends each request when it is due, or as soon afterwards as the process can. */
  private async arrive(
    perSecond: number,
    untilMs: number,
    send: (dueMs: number) => void,
  ): Promise<void> {
    const meanGapMs = 1_000 / perSecond;
    for (let dueMs = machineMs(); dueMs < untilMs;) {
      const nowMs = machineMs();
      while (dueMs <= nowMs && dueMs < untilMs) {
        send(dueMs);
        dueMs -= Math.log(1 - this.random()) * meanGapMs;
      }
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, dueMs - machineMs())));
    }
  }
}
