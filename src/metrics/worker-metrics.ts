/**
 * Metrics of several workers behind one port. A scrape reaches one worker and must show all, so it gets the sum
 * from the primary process, which collects the metrics of each worker.
 *
 * A worker that does not answer in time, or cannot, counts with its last metrics, and a dead one with its last
 * counters. So a sum of counters never decreases, which Prometheus would take for a restart.
 */
import type { Worker } from 'node:cluster';
import { AggregatorRegistry, type Registry } from 'prom-client';
import type { Clock } from '../time/clock.js';

const ANSWER_TIMEOUT_MS = 1_000;
/** Longer than the primary waits for the workers. */
const SUM_TIMEOUT_MS = 2_000;
/** Types of metrics whose values only grow. */
const CUMULATIVE = new Set(['counter', 'histogram']);

interface Metric {
  readonly type: string;
}

/** From a worker to the primary. */
type WorkerMessage =
  | { readonly stockadeMetrics: 'sum?' }
  /** Null where the worker could not read its metrics. */
  | { readonly stockadeMetrics: 'numbers'; readonly metrics: readonly Metric[] | null };

/** From the primary to a worker. */
type PrimaryMessage =
  | { readonly stockadeMetrics: 'numbers?' }
  /** Null where the metrics could not be aggregated. */
  | { readonly stockadeMetrics: 'sum'; readonly text: string | null };

function isOurs(message: unknown): boolean {
  return typeof message === 'object' && message !== null && 'stockadeMetrics' in message;
}

/** A worker's side. */
export class WorkerMetrics {
  private waiting: ((text: string | null) => void)[] = [];

  constructor(
    private readonly registry: Registry,
    private readonly primary: Worker,
    private readonly clock: Clock,
  ) {
    primary.on('message', (message: PrimaryMessage) => {
      if (!isOurs(message)) return;
      if (message.stockadeMetrics === 'sum') this.onSum(message.text);
      else void this.sendNumbers();
    });
  }

  get contentType(): string {
    return this.registry.contentType;
  }

  /** The sum over all workers. @throws where the primary does not answer. */
  async metrics(): Promise<string> {
    const text = await new Promise<string | null>((resolve) => {
      const onSum = (sum: string | null) => {
        timeout.cancel();
        resolve(sum);
      };
      const timeout = this.clock.after(SUM_TIMEOUT_MS, () => {
        this.waiting = this.waiting.filter((each) => each !== onSum);
        resolve(null);
        // The others asked later, and relied on the question that was not answered.
        if (this.waiting.length > 0) this.send({ stockadeMetrics: 'sum?' });
      });
      this.waiting.push(onSum);
      if (this.waiting.length === 1) this.send({ stockadeMetrics: 'sum?' });
    });
    if (text === null) throw new Error('The primary process could not aggregate the metrics.');
    return text;
  }

  private onSum(text: string | null): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve(text);
  }

  private async sendNumbers(): Promise<void> {
    const metrics = await numbersOf(this.registry).catch(() => null);
    this.send({ stockadeMetrics: 'numbers', metrics });
  }

  private send(message: WorkerMessage): void {
    if (this.primary.isConnected()) this.primary.send(message);
  }
}

/** The primary's side. */
export class SumOfWorkers {
  /** The last metrics of each worker. */
  private readonly last = new Map<Worker, readonly Metric[]>();
  /** The last counters of workers that have ended. */
  private readonly ended: (readonly Metric[])[] = [];
  private readonly workers = new Set<Worker>();
  private readonly unanswered = new Map<Worker, () => void>();
  private gathering: Promise<string | null> | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly log: { error(fields: object, message: string): void },
  ) {}

  /** Includes a worker that serves, until it exits. */
  add(worker: Worker): void {
    this.workers.add(worker);
    worker.on('message', (message: WorkerMessage) => {
      if (!isOurs(message)) return;
      if (message.stockadeMetrics === 'sum?') void this.answer(worker);
      else this.onNumbers(worker, message.metrics);
    });
    worker.once('exit', () => {
      this.workers.delete(worker);
      const metrics = this.last.get(worker) ?? [];
      this.last.delete(worker);
      this.ended.push(metrics.filter(({ type }) => CUMULATIVE.has(type)));
      this.unanswered.get(worker)?.();
    });
  }

  private onNumbers(worker: Worker, metrics: readonly Metric[] | null): void {
    if (!Array.isArray(metrics)) {
      this.log.error({ pid: worker.process.pid }, 'A worker could not read its metrics.');
    } else if (this.workers.has(worker)) {
      this.last.set(worker, metrics);
    }
    this.unanswered.get(worker)?.();
  }

  private async answer(worker: Worker): Promise<void> {
    this.gathering ??= this.gather()
      .catch((error: unknown) => {
        this.log.error({ err: error }, 'The metrics of the workers could not be aggregated.');
        return null;
      })
      .finally(() => {
        this.gathering = null;
      });
    send(worker, { stockadeMetrics: 'sum', text: await this.gathering });
  }

  private async gather(): Promise<string> {
    await Promise.all([...this.workers].map((worker) => this.ask(worker)));
    const ended = [...this.ended];
    const sum = await numbersOf(AggregatorRegistry.aggregate(ended));
    this.ended.splice(0, ended.length, sum);
    return AggregatorRegistry.aggregate([...this.last.values(), ...this.ended]).metrics();
  }

  /** Resolves when the worker has answered, has exited, or has timed out. */
  private ask(worker: Worker): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        timeout.cancel();
        this.unanswered.delete(worker);
        resolve();
      };
      const timeout = this.clock.after(ANSWER_TIMEOUT_MS, done);
      this.unanswered.set(worker, done);
      send(worker, { stockadeMetrics: 'numbers?' });
    });
  }
}

function send(worker: Worker, message: PrimaryMessage): void {
  if (worker.isConnected()) worker.send(message);
}

/** In messages between processes: prom-client's metric types are strings, unlike in its declarations. */
async function numbersOf(registry: Registry): Promise<readonly Metric[]> {
  const metrics = await registry.getMetricsAsJSON();
  return metrics.map((metric) => ({ ...metric, type: String(metric.type) }));
}
