/**
 * `WORKERS=n`: n server processes behind one port, started again when they die, and stopped together.
 *
 * The first worker is started alone: an error at its start would occur in all, and is reported once. A worker
 * that dies later is replaced, with growing pauses while workers die early.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import { migrate } from './database/migrator.js';
import { SumOfWorkers } from './metrics/worker-metrics.js';
import { Backoff } from './time/backoff.js';
import { systemClock, systemRandom } from './time/clock.js';

const PAUSES = { firstMs: 100, maxMs: 5_000 };
/** A worker that lived for so long did not fail at its start. */
const YOUNG_MS = 10_000;
/** The time that a worker gets beyond its own grace period before it is killed. */
const STOP_MARGIN_MS = 5_000;

export class WorkerSupervisor {
  private stopping = false;
  private readonly backoff = new Backoff(PAUSES, systemRandom);
  private failed = false;
  private readonly metrics: SumOfWorkers;

  constructor(
    private readonly config: Config,
    private readonly log: Logger,
  ) {
    this.metrics = new SumOfWorkers(systemClock, log);
  }

  /** Resolves when all serve, or with false where the first one could not start and has reported why. */
  async start(): Promise<boolean> {
    if (this.config.migrateOnStart) await migrate(this.config.mysqlUrl);
    if (!(await this.startOne())) return false;
    const others = Array.from({ length: this.config.workers - 1 }, () => this.startOne());
    await Promise.all(others);
    this.log.info({ workers: this.config.workers }, 'All workers serve.');
    return true;
  }

  /** Lets all workers finish their requests. Resolves with whether all of them exited normally. */
  async stop(): Promise<boolean> {
    this.stopping = true;
    await Promise.all(workers().map((worker) => this.stopOne(worker)));
    return !this.failed;
  }

  kill(): void {
    this.stopping = true;
    for (const worker of workers()) worker.process.kill('SIGKILL');
  }

  private async startOne(): Promise<boolean> {
    // The supervisor has migrated the database before the first worker.
    const worker = cluster.fork({ MIGRATE_ON_START: 'false' });
    const bornMs = performance.now();
    let served = false;
    const gone = once(worker, 'exit').then(([code, signal]) => {
      if (served) this.replace(worker, { bornMs, code: code as number, signal: signal as string });
      return false;
    });
    const serving = once(worker, 'listening').then(() => true);
    worker.once('listening', () => {
      served = true;
      this.metrics.add(worker);
    });
    return Promise.race([serving, gone]);
  }

  private replace(
    worker: Worker,
    death: { readonly bornMs: number; readonly code: number; readonly signal: string },
  ): void {
    if (this.stopping) return;
    if (performance.now() - death.bornMs > YOUNG_MS) this.backoff.reset();
    const pauseMs = Math.round(this.backoff.nextMs());
    const { code, signal } = death;
    this.log.error(
      { worker: worker.process.pid, code, signal, pauseMs },
      'A worker died; another one takes its place.',
    );
    systemClock.after(pauseMs, () => void this.startAgain(worker, death));
  }

  private async startAgain(
    worker: Worker,
    death: { readonly bornMs: number; readonly code: number; readonly signal: string },
  ): Promise<void> {
    if (this.stopping || (await this.startOne())) return;
    this.replace(worker, death);
  }

  private async stopOne(worker: Worker): Promise<void> {
    if (worker.isDead()) return;
    const exit = once(worker, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    worker.process.kill('SIGTERM');
    const tooLong = setTimeout(
      () => worker.process.kill('SIGKILL'),
      this.config.shutdownDelayMs + this.config.shutdownGraceMs + STOP_MARGIN_MS,
    );
    const [code, signal] = await exit;
    clearTimeout(tooLong);
    // SIGTERM itself ends only a worker that has not begun to serve.
    if (code !== 0 && signal !== 'SIGTERM') this.failed = true;
  }
}

function workers(): Worker[] {
  return Object.values(cluster.workers ?? {}).filter((worker) => worker !== undefined);
}
