/**
 * Reads during a sale: product lists and single products are read at a steady rate, through the pools of the contender,
 * while bursts of buyers want one product. The samples are those of the reads.
 */
import { MysqlProductCatalogue } from '../../src/database/reading/product-catalogue.js';
import { CommitSlots } from '../../src/inventory/lanes/commit-slots.js';
import { ProductService } from '../../src/inventory/product-service.js';
import { systemClock } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';
import type { Contender } from '../contenders/contender.js';
import { machineMs, sleepUntil } from '../machine-clock.js';
import type { Instruments } from '../measurement/instruments.js';
import { Recorder, type Window } from '../measurement/samples.js';
import { productId, type Outcome, type Work } from './job.js';

const DRAIN_MAX_MS = 15_000;
const READ_MAX_MS = 60_000;
const LIST_LENGTH = 20;

export interface SideReadsSettings {
  readonly products: number;
  readonly readsPerSecond: number;
  readonly crowdEveryMs: number;
}

export class SideReads implements Work {
  private readonly products: ProductService;
  private readsBegun = 0;

  constructor(
    private readonly contender: Contender,
    private readonly settings: SideReadsSettings,
    private readonly instruments: Instruments,
  ) {
    this.products = new ProductService(
      new MysqlProductCatalogue(contender.pools),
      new CommitSlots(1),
    );
  }

  async warmUp(buyers: number, durationMs: number): Promise<void> {
    const startMs = machineMs();
    await this.run(buyers, { startMs, endMs: startMs + durationMs });
  }

  async measure(buyers: number, window: Window): Promise<Outcome> {
    return this.run(buyers, window);
  }

  close(): Promise<void> {
    return this.contender.close();
  }

  private async run(buyers: number, window: Window): Promise<Outcome> {
    const reads = new Recorder(window);
    const deductions = new Recorder(window);
    const underWay: Promise<void>[] = [];
    await sleepUntil(window.startMs);
    this.instruments.begin();
    const crowds = every(this.settings.crowdEveryMs, window, () => {
      for (let i = 0; i < buyers; i += 1) underWay.push(this.buy(deductions));
    });
    await every(1_000 / this.settings.readsPerSecond, window, (dueMs) => {
      underWay.push(this.read(reads, dueMs));
    });
    await crowds;
    const instruments = this.instruments.end();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, DRAIN_MAX_MS)));
    await Promise.race([Promise.all(underWay), patience]);
    clearTimeout(timer);
    return { samples: reads.samples(), deductions: deductions.samples(), instruments };
  }

  private async read(recorder: Recorder, dueMs: number): Promise<void> {
    this.readsBegun += 1;
    const number = (this.readsBegun * 7) % this.settings.products;
    const deadline = Deadline.in(READ_MAX_MS, systemClock);
    try {
      if (this.readsBegun % 2 === 0) {
        await this.products.products({ first: LIST_LENGTH, after: null }, {}, deadline);
      } else {
        await this.products.productsByIds([productId(number)], deadline);
      }
      recorder.answered(dueMs, machineMs(), 'taken');
    } catch (error) {
      recorder.failedWith(dueMs, machineMs(), error);
    }
  }

  private async buy(recorder: Recorder): Promise<void> {
    const beganMs = machineMs();
    try {
      const answer = await this.contender.deduct({ productId: productId(0), quantity: 1 });
      recorder.answered(beganMs, machineMs(), answer);
    } catch (error) {
      recorder.failedWith(beganMs, machineMs(), error);
    }
  }
}

/** Calls at a steady rate within the window. A call may be late, but none is left out. */
async function every(
  gapMs: number,
  { startMs, endMs }: Window,
  call: (dueMs: number) => void,
): Promise<void> {
  for (let dueMs = startMs; dueMs < endMs; dueMs += gapMs) {
    await sleepUntil(dueMs);
    call(dueMs);
  }
  await sleepUntil(endMs);
}
