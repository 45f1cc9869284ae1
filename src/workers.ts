/**
 * `WORKERS=n`: n server processes behind one port, started again when they die, and stopped together.
 *
 * The first worker is started alone: an error at its start would occur in all, and is reported once. A worker
 * that dies later, at its own start too, is replaced, with growing pauses while workers die early.
 */
import cluster, { type Worker } from 'node:cluster';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
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

interface Death {
  readonly pid: number | undefined;
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly livedMs: number;
}

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
    if ((await this.startOne()) !== null) return false;
    const others = Array.from({ length: this.config.workers - 1 }, () => this.startAnother());
    await Promise.all(others);
    if (!this.stopping) this.log.info({ workers: this.config.workers }, 'All workers serve.');
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

  /** Starts one, and further ones where it dies at its start. Resolves when one serves, or with a stop. */
  private async startAnother(): Promise<void> {
    while (!this.stopping) {
      const death = await this.startOne();
      if (death === null) return;
      await this.pauseAfter(death);
    }
  }

  /** Resolves with null when it serves, and with its death where it did not come to that. */
  private startOne(): Promise<Death | null> {
    // The supervisor has migrated the database before the first worker.
    const worker = cluster.fork({ MIGRATE_ON_START: 'false' });
    const bornMs = performance.now();
    return new Promise((resolve) => {
      let served = false;
      worker.once('listening', () => {
        served = true;
        this.metrics.add(worker);
        resolve(null);
      });
      const end = (code: number | null, signal: NodeJS.Signals | null) => {
        const death = {
          pid: worker.process.pid,
          code,
          signal,
          livedMs: performance.now() - bornMs,
        };
        if (served) void this.pauseAfter(death).then(() => this.startAnother());
        else resolve(death);
      };
      worker.once('exit', end);
      worker.on('error', (error) => {
        this.log.warn({ err: error, worker: worker.process.pid }, 'A worker cannot be reached.');
        // A process that could not be made has no exit.
        if (worker.process.pid === undefined) end(null, null);
      });
    });
  }

  private async pauseAfter({ pid, code, signal, livedMs }: Death): Promise<void> {
    if (this.stopping) return;
    if (livedMs > YOUNG_MS) this.backoff.reset();
    const pauseMs = Math.round(this.backoff.nextMs());
    this.log.error(
      { worker: pid, code, signal, pauseMs },
      'A worker died; another one takes its place.',
    );
    await wait(pauseMs);
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
