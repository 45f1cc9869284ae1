/** A scenario, and the one way in which worker processes are measured. */
import { CONTENDERS, contenderOf } from '../contenders/roster.js';
import type { ContenderKind, Form } from '../contenders/contender.js';
import { machineMs, sleepUntil } from '../machine-clock.js';
import type { InstrumentReading } from '../measurement/instruments.js';
import type { Measured, Row } from '../report/row.js';
import type { Reading, TestBed } from '../test-bed.js';
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
  /** Ledger lines of the large shop of `read`. */
  readonly readRows: number;
}

const FULL_WARM_UP_FROM_SECONDS = 2;

/** A run that is cut short for a test says nothing of speed, and warms up for a shorter time. */
export function warmUpMsOf({ seconds }: Pick<Trial, 'seconds'>, wholeMs: number): number {
  return wholeMs * Math.min(1, seconds / FULL_WARM_UP_FROM_SECONDS);
}

/** The measure by which a contender's forms are compared. */
export type Merit = 'opsPerSecond' | 'p99Ms' | 'totalMs';

export interface Scenario {
  readonly name: string;
  /** One line for the report. */
  readonly what: string;
  readonly merit: Merit;
  /** The contenders that run by default. */
  readonly contenders: readonly string[];
  /** The contenders that can run. */
  readonly known: readonly string[];
  readonly repeatsMax?: number;
  /** Contenders that are in no ratio, and run in the first repeat alone. */
  readonly once?: readonly string[];
  /** It runs only where `--scenario` names it. */
  readonly isOnlyByName?: boolean;
  /** A scenario with the same load. If it has run, only each contender's best form of it runs here. */
  readonly formsLike?: string;
  formsOf(contender: string): readonly Form[];
  run(trial: Trial, bed: TestBed): Promise<readonly Row[]>;
}

export const ALL_CONTENDERS: readonly string[] = CONTENDERS.map(({ name }) => name);

export function formsOfContender(name: string): ContenderKind['forms'] {
  return contenderOf(name).forms;
}

/** Time for a command to reach all processes, and for a changed load to settle. */
const LEAD_MS = 100;

/** What the workers' load is measured on. */
export interface Measurable {
  readonly signal: AbortSignal;
  /** Resets the count of the most connections. */
  forgetConnections(): Promise<void>;
  read(): Promise<Reading>;
}

/** What a scenario needs cannot run on this machine: it is left out. The message is a clause. */
export class CannotRun extends Error {
  readonly code = 'CANNOT_RUN' as const;
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CannotRun';
  }
}

/** Worker processes that work at the same time, from their start to their end. */
export class Workers {
  private constructor(
    private readonly bed: Measurable,
    private readonly processes: readonly WorkerProcess[],
  ) {}

  /** Starts the processes, runs the scenario with them, and ends them in any case. */
  static async use<T>(
    bed: Measurable,
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

  /** The load is per process. The servers are given for work that is sent to some. */
  async measureFor(
    load: number,
    seconds: number,
    servers?: readonly Instrumented[],
  ): Promise<Measured> {
    await this.bed.forgetConnections();
    const startMs = machineMs() + LEAD_MS;
    const endMs = startMs + seconds * 1_000;
    const measuring = Promise.all(
      this.processes.map((process) => process.measure(load, { startMs, endMs })),
    );
    const reading = (async () => {
      await sleepUntil(startMs);
      for (const server of servers ?? []) server.beginReading();
      const before = await this.bed.read();
      await sleepUntil(endMs);
      const ofServers = servers && (await Promise.all(servers.map((one) => one.endReading())));
      return { before, after: await this.bed.read(), ofServers };
    })();
    const [outcomes, { before, after, ofServers }] = await Promise.all([measuring, reading]);
    return { outcomes, before, after, seconds, servers: ofServers };
  }

  /** For work that ends by itself. */
  async measureAll(load: number): Promise<Measured> {
    await this.bed.forgetConnections();
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

/** A server that is measured from inside while its clients work. */
export interface Instrumented {
  beginReading(): void;
  endReading(): Promise<InstrumentReading>;
}

/** The rows with the result of the ledger's verification. @throws if it fails. */
export async function verified(
  bed: TestBed,
  rows: readonly Row[],
  answers: readonly Answers[],
): Promise<readonly Row[]> {
  const ledger = await bed.verify(answers);
  return rows.map((row) => ({ ...row, ledger }));
}
