/** The main process's handle of a worker process. */
import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NODE_FLAGS } from '../node-flags.js';
import type { Window } from '../measurement/samples.js';
import type { Answers, Job, Order, Outcome, Report } from './job.js';

const PROGRAM = fileURLToPath(new URL('./worker.js', import.meta.url));

export class WorkerProcess {
  private readonly child: ChildProcess;
  private readonly reports: Report[] = [];
  private wake: () => void = () => undefined;

  private constructor(job: Job, signal: AbortSignal) {
    this.child = fork(PROGRAM, [JSON.stringify(job)], {
      serialization: 'advanced',
      signal,
      killSignal: 'SIGKILL',
      execArgv: NODE_FLAGS,
    });
    this.child.on('message', (report) => {
      this.add(report as Report);
    });
    this.child.on('error', (error) => {
      this.add({ report: 'failed', message: error.message });
    });
    this.child.on('exit', (code) => {
      this.add({ report: 'failed', message: `The worker ended with ${String(code)}.` });
    });
  }

  /** @throws if the work cannot be opened. */
  static async start(job: Job, signal: AbortSignal): Promise<WorkerProcess> {
    signal.throwIfAborted();
    const worker = new WorkerProcess(job, signal);
    await worker.expect('ready');
    return worker;
  }

  async warmUp(load: number, durationMs: number): Promise<void> {
    this.order({ order: 'warm-up', load, durationMs });
    await this.expect('warm');
  }

  async measure(load: number, window: Window): Promise<Outcome> {
    this.order({ order: 'measure', load, window });
    return (await this.expect('measured')).outcome;
  }

  async close(): Promise<Answers> {
    this.order({ order: 'close' });
    return (await this.expect('closed')).answers;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }

  private order(order: Order): void {
    this.child.send(order);
  }

  private add(report: Report): void {
    this.reports.push(report);
    this.wake();
  }

  private async expect<Name extends Report['report']>(
    name: Name,
  ): Promise<Extract<Report, { report: Name }>> {
    for (;;) {
      const report = this.reports.shift();
      if (report?.report === name) return report as Extract<Report, { report: Name }>;
      if (report?.report === 'failed') throw new Error(report.message);
      if (report) throw new Error(`The worker must report ${name}; got ${report.report}.`);
      await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
