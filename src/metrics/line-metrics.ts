/**
 * The business of this process: what became of each line that its clients have sent, and the units that were moved. A
 * line that another process decided counts here, where its client asked, so that a fleet's sum counts each line once.
 */
import { Counter, type Registry } from 'prom-client';
import { eachOutcome, uncertainLinesOf, type LineOutcome } from '../inventory/line-outcome.js';
import type { OperationName, StockWrite } from '../inventory/stock.js';
import type { WriteResult } from '../inventory/stock-store.js';
import { Metrics } from './read-metrics.js';

const OUTCOMES = [
  'applied',
  'replayed',
  'INSUFFICIENT_STOCK',
  'PRODUCT_NOT_FOUND',
  'PRODUCT_ARCHIVED',
  'LOCATION_NOT_FOUND',
  'INVALID_QUANTITY',
  'STALE_QUANTITY',
  'ABORTED',
  'LOCK_TIMEOUT',
  'OVERLOADED',
  'UNAVAILABLE',
  'IDEMPOTENCY_KEY_REUSED',
  'RESERVATION_NOT_FOUND',
  'RESERVATION_NOT_ACTIVE',
] as const satisfies readonly LineOutcome[];

const OPERATIONS = [
  ...(['deductStock', 'increaseStock', 'setStock', 'transferStock'] as const),
  ...(['reserveStock', 'commitReservation', 'releaseReservation'] as const),
] satisfies readonly OperationName[];

type Operation = (typeof OPERATIONS)[number];
type Counts = Record<LineOutcome, number> & { units: number };

export class LineMetrics {
  private readonly counts: Readonly<Record<Operation, Counts>>;
  private uncertain = 0;

  constructor() {
    const none = () => ({ units: 0, ...zeros() });
    this.counts = Object.fromEntries(OPERATIONS.map((name) => [name, none()])) as Record<
      Operation,
      Counts
    >;
  }

  /** To be called with each write that has its result. */
  readonly note = (write: StockWrite, result: WriteResult): void => {
    const { name } = write.operation;
    // A client does not ask for it.
    if (name === 'expireReservations') return;
    const counts = this.counts[name];
    eachOutcome(write, result, (outcome, units) => {
      counts[outcome] += 1;
      if (outcome === 'applied') counts.units += units;
    });
    this.uncertain += uncertainLinesOf(write, result);
  };

  addTo(registry: Registry): void {
    const { counts } = this;
    new Counter({
      name: 'stockade_lines_total',
      help: 'Lines of requests, by what became of them: applied, replayed, or the code of the refusal.',
      labelNames: ['operation', 'outcome'],
      registers: [registry],
      collect() {
        this.reset();
        for (const operation of OPERATIONS)
          for (const outcome of OUTCOMES)
            this.inc({ operation, outcome }, counts[operation][outcome]);
      },
    });
    new Metrics(registry, () => this.uncertain).counter(
      'stockade_lines_uncertain_total',
      'Lines whose clients were told that they may have been applied.',
      (count) => count,
    );
    new Counter({
      name: 'stockade_units_total',
      help: 'Units of the lines that were applied.',
      labelNames: ['operation'],
      registers: [registry],
      collect() {
        this.reset();
        for (const operation of OPERATIONS) this.inc({ operation }, counts[operation].units);
      },
    });
  }
}

function zeros(): Record<LineOutcome, number> {
  return Object.fromEntries(OUTCOMES.map((outcome) => [outcome, 0])) as Record<LineOutcome, number>;
}
