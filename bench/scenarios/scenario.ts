/** What every scenario is to the benchmark, and the one way in which worker processes are measured. */
import { CONTENDERS, contenderOf } from '../contenders/roster.js';
import type { ContenderKind, Form } from '../contenders/contender.js';
import { machineMs, sleepUntil } from '../machine-clock.js';
import type { InstrumentReading } from '../measurement/instruments.js';
import type { Measured, Row } from '../report/row.js';
import type { TestBed } from '../test-bed.js';
import type { Answers, Job } from '../workers/job.js';
import { WorkerProcess } from '../workers/worker-process.js';

export interface Trial {
  readonly contender: string;
  readonly form: Form;
  /** From 1. */
  readonly repeat: number;
  readonly repeats: number;
  /** How long to measure. */
  readonly seconds: number;
  /** Ledger lines of the large shop that is read. */
  readonly readRows: number;
}

/** What "the better result" of a contender's forms is. */
export type Merit = 'opsPerSecond' | 'p99Ms' | 'totalMs';

export interface Scenario {
  readonly name: string;
  /** One line for readers. */
  readonly what: string;
  readonly merit: Merit;
  /** Who runs where nobody is named. */
  readonly contenders: readonly string[];
  /** Who can run. */
  readonly known: readonly string[];
  readonly repeatsMax?: number;
  /** The scenario with the same load, of which it takes over each contender's best form where that one has run. */
  readonly formsLike?: string;
  formsOf(contender: string): readonly Form[];
  run(trial: Trial, bed: TestBed): Promise<readonly Row[]>;
}

export const ALL_CONTENDERS: readonly string[] = CONTENDERS.map(({ name }) => name);

export function formsOfContender(name: string): ContenderKind['forms'] {
  return contenderOf(name).forms;
}

/** Time for orders to reach all processes, and for a load that was changed to settle. */
const LEAD_MS = 100;

/** Worker processes that work at the same time, from their start to their end. */
export class Workers {
  private constructor(
    private readonly bed: TestBed,
    private readonly processes: readonly WorkerProcess[],
  ) {}

  /** Starts them, lets the scenario use them, and ends them, however it went. */
  static async use<T>(
    bed: TestBed,
    jobs: readonly Job[],
    scenario: (workers: Workers) => Promise<T>,
  ): Promise<{ readonly value: T; readonly answers: readonly Answers[] }> {
    const processes: WorkerProcess[] = [];
    try {
      const starting = jobs.map(async (job) => {
        processes.push(await WorkerProcess.start(job, bed.signal));
      });
      await Promise.all(starting);
      const value = await scenario(new Workers(bed, processes));
      return { value, answers: await Promise.all(processes.map((process) => process.close())) };
    } finally {
      for (const process of processes) process.kill();
    }
  }

  async warmUp(load: number, durationMs: number): Promise<void> {
    await Promise.all(this.processes.map((process) => process.warmUp(load, durationMs)));
  }

  /** The load is each process's. A server is given where the work is asked of one. */
  async measureFor(load: number, seconds: number, server?: Instrumented): Promise<Measured> {
    await this.bed.mysql.forgetConnections();
    const startMs = machineMs() + LEAD_MS;
    const endMs = startMs + seconds * 1_000;
    const measuring = Promise.all(
      this.processes.map((process) => process.measure(load, { startMs, endMs })),
    );
    const reading = (async () => {
      await sleepUntil(startMs);
      server?.beginReading();
      const before = await this.bed.read();
      await sleepUntil(endMs);
      const ofServer = await server?.endReading();
      return { before, after: await this.bed.read(), ofServer };
    })();
    const [outcomes, { before, after, ofServer }] = await Promise.all([measuring, reading]);
    return { outcomes, before, after, seconds, server: ofServer };
  }

  /** For work that ends by itself. */
  async measureAll(load: number): Promise<Measured> {
    await this.bed.mysql.forgetConnections();
    const before = await this.bed.read();
    const window = { startMs: machineMs(), endMs: Infinity };
    const outcomes = await Promise.all(
      this.processes.map((process) => process.measure(load, window)),
    );
    const after = await this.bed.read();
    const roundsMs = outcomes.flatMap((outcome) => outcome.roundsMs ?? []);
    const seconds = roundsMs.reduce((sum, ms) => sum + ms, 0) / 1_000;
    return { outcomes, before, after, seconds };
  }
}

/** A process that is measured from inside while others ask it. */
export interface Instrumented {
  beginReading(): void;
  endReading(): Promise<InstrumentReading>;
}

/** The rows with the word of the ledger's verification, which nobody gets without having passed it. */
export async function verified(
  bed: TestBed,
  rows: readonly Row[],
  answers: readonly Answers[],
): Promise<readonly Row[]> {
  const ledger = await bed.verify(answers);
  return rows.map((row) => ({ ...row, ledger }));
}
