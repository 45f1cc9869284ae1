/**
 * Measures inside a working process: round trips to Redis, transactions from START until COMMIT has returned, the delay
 * of the event loop, and CPU time. The instruments are in the drivers, below all contenders alike. Their cost is small,
 * and the same for each contender.
 */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';
import { Redis } from 'ioredis';
import { Transaction } from 'sequelize';

export interface InstrumentReading {
  readonly redisRoundTrips: number;
  /** Each from sending START TRANSACTION until COMMIT has returned, in milliseconds. */
  readonly transactionsMs: Float64Array;
  readonly eventLoopP99Ms: number;
  readonly cpuMs: number;
}

const LOOP_RESOLUTION_MS = 5;

export class Instruments {
  private roundTrips = 0;
  private transactionsMs: number[] = [];
  private running = false;
  private cpu = process.cpuUsage();
  private readonly loop: IntervalHistogram = monitorEventLoopDelay({
    resolution: LOOP_RESOLUTION_MS,
  });

  private constructor() {
    this.watchRedis();
    this.watchTransactions();
  }

  /** Call it once per process, before any client is opened. */
  static install(): Instruments {
    return new Instruments();
  }

  begin(): void {
    this.roundTrips = 0;
    this.transactionsMs = [];
    this.cpu = process.cpuUsage();
    this.loop.reset();
    this.loop.enable();
    this.running = true;
  }

  end(): InstrumentReading {
    this.running = false;
    this.loop.disable();
    const { user, system } = process.cpuUsage(this.cpu);
    return {
      redisRoundTrips: this.roundTrips,
      transactionsMs: Float64Array.from(this.transactionsMs),
      // The interval of the timer by which it measures.
      eventLoopP99Ms: Math.max(0, this.loop.percentile(99) / 1e6 - LOOP_RESOLUTION_MS),
      cpuMs: (user + system) / 1_000,
    };
  }

  private watchRedis(): void {
    const prototype = Redis.prototype as { sendCommand: (...args: unknown[]) => unknown };
    const send = prototype.sendCommand;
    const count = () => {
      if (this.running) this.roundTrips += 1;
    };
    prototype.sendCommand = function (...args) {
      count();
      return send.apply(this, args);
    };
  }

  private watchTransactions(): void {
    const prototype = Transaction.prototype as unknown as {
      begin: () => Promise<unknown>;
      commit: () => Promise<unknown>;
    };
    const { begin, commit } = prototype;
    const begunMs = new WeakMap<object, number>();
    const record = (transaction: object) => {
      const fromMs = begunMs.get(transaction);
      if (this.running && fromMs !== undefined) {
        this.transactionsMs.push(performance.now() - fromMs);
      }
    };
    prototype.begin = function () {
      begunMs.set(this, performance.now());
      return begin.call(this);
    };
    prototype.commit = async function () {
      await commit.call(this);
      record(this);
    };
  }
}
