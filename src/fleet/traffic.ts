/**
 * What this process has answered in the last seconds: lines by outcome and by product, waits and commits.
 *
 * An answer, a wait and a commit increment plain numbers. Once a second the present span is closed, and rates are taken
 * from the last spans together. Everything is bounded: the spans, the products of a span, the moments of the history.
 */
import { outcomeOf, type LineOutcome } from '../inventory/line-outcome.js';
import type { OperationName, StockWrite } from '../inventory/stock.js';
import type { WriteResult } from '../inventory/stock-store.js';
import type { Clock } from '../time/clock.js';
import { Durations, type Quantiles } from '../time/durations.js';

/** Rates are means of so many spans, each of about a second. */
const SPANS = 5;
/** Products beyond these are not counted one by one in a span. */
const PRODUCTS_MAX = 5_000;
const MOMENT_MS = 5_000;
/** Five minutes. */
export const MOMENTS_MAX = 60;

export interface Rate {
  readonly operation: OperationName;
  /** `APPLIED`, `REPLAYED`, or the code of a refusal. */
  readonly outcome: string;
  readonly linesPerSecond: number;
}

export interface ProductTraffic {
  readonly productId: string;
  readonly linesPerSecond: number;
  /** Units that were deducted or reserved. */
  readonly unitsPerSecond: number;
}

export interface Moment {
  /** When it ended, in milliseconds since 1970, a multiple of its length. */
  readonly atMs: number;
  readonly appliedPerSecond: number;
  readonly soldOutPerSecond: number;
  readonly refusedPerSecond: number;
  readonly waits: Quantiles;
  readonly commits: Quantiles;
  readonly queuedLines: number;
}

export interface RecentTraffic {
  readonly rates: readonly Rate[];
  readonly waits: Quantiles;
  readonly commits: Quantiles;
  /** The ones with most lines first. */
  readonly products: readonly ProductTraffic[];
}

type Answered = Pick<StockWrite, 'lines'> & {
  readonly operation: { readonly name: OperationName };
};

export class Traffic {
  private span: Span;
  private readonly spans: Span[] = [];
  private readonly history: Moment[] = [];
  private momentEndMs: number;

  constructor(private readonly clock: Clock) {
    this.span = new Span(clock.nowMs());
    this.momentEndMs = this.nextMomentMs();
  }

  /** A write of a client of this process has its answer. */
  answered(write: Answered, result: WriteResult): void {
    this.span.answered(write, result);
  }

  /** The commit of a write begins, so long after its arrival. */
  waited(waitMs: number): void {
    this.span.waits.add(waitMs);
  }

  committed(commitMs: number): void {
    this.span.commits.add(commitMs);
  }

  /** Closes the present span; to be called about once a second. */
  closeSpan(queuedLines: number): void {
    const nowMs = this.clock.nowMs();
    this.span.lastedMs = nowMs - this.span.beganMs;
    this.spans.push(this.span);
    if (this.spans.length > SPANS) this.spans.shift();
    this.span = new Span(nowMs);
    if (this.clock.today().getTime() < this.momentEndMs) return;
    this.history.push(this.moment(queuedLines));
    if (this.history.length > MOMENTS_MAX) this.history.shift();
    this.momentEndMs = this.nextMomentMs();
  }

  /** Oldest first. */
  get moments(): readonly Moment[] {
    return this.history;
  }

  /** @param productsMax how many products at most. */
  recent(productsMax: number): RecentTraffic {
    const seconds = this.seconds();
    const all = this.together();
    const rates = [...all.outcomes].flatMap(([operation, outcomes]) =>
      [...outcomes].map(([outcome, lines]) => {
        return { operation, outcome: outcome.toUpperCase(), linesPerSecond: lines / seconds };
      }),
    );
    const products = [...all.products]
      .sort(([, a], [, b]) => b.lines - a.lines)
      .slice(0, productsMax)
      .map(([productId, { lines, units }]) => {
        return { productId, linesPerSecond: lines / seconds, unitsPerSecond: units / seconds };
      });
    return { rates, products, waits: all.waits.quantiles(), commits: all.commits.quantiles() };
  }

  private moment(queuedLines: number): Moment {
    const seconds = this.seconds();
    const all = this.together();
    let [applied, soldOut, refused] = [0, 0, 0];
    for (const outcomes of all.outcomes.values()) {
      for (const [outcome, lines] of outcomes) {
        if (outcome === 'applied' || outcome === 'replayed') applied += lines;
        else if (outcome === 'INSUFFICIENT_STOCK') soldOut += lines;
        else refused += lines;
      }
    }
    return {
      atMs: this.momentEndMs,
      appliedPerSecond: applied / seconds,
      soldOutPerSecond: soldOut / seconds,
      refusedPerSecond: refused / seconds,
      waits: all.waits.quantiles(),
      commits: all.commits.quantiles(),
      queuedLines,
    };
  }

  private seconds(): number {
    const lastedMs = this.spans.reduce((sum, span) => sum + span.lastedMs, 0);
    return Math.max(1, lastedMs) / 1_000;
  }

  private together(): Span {
    const all = new Span(0);
    for (const span of this.spans) all.addAll(span);
    return all;
  }

  private nextMomentMs(): number {
    return (Math.floor(this.clock.today().getTime() / MOMENT_MS) + 1) * MOMENT_MS;
  }
}

interface ProductCount {
  lines: number;
  units: number;
}

class Span {
  lastedMs = 0;
  readonly outcomes = new Map<OperationName, Map<LineOutcome, number>>();
  readonly products = new Map<string, ProductCount>();
  readonly waits = new Durations();
  readonly commits = new Durations();

  constructor(readonly beganMs: number) {}

  answered({ operation, lines }: Answered, result: WriteResult): void {
    const outcomes = this.outcomesOf(operation.name);
    lines.forEach(({ productId, quantity, change }, i) => {
      const outcome = outcomeOf(result, i);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      const product = this.productOf(productId);
      if (!product) return;
      product.lines += 1;
      const takes = change.type === 'TAKE' || change.type === 'HOLD';
      if (takes && outcome === 'applied') product.units += quantity;
    });
  }

  addAll(other: Span): void {
    for (const [operation, counts] of other.outcomes) {
      const outcomes = this.outcomesOf(operation);
      for (const [outcome, lines] of counts) {
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + lines);
      }
    }
    for (const [productId, { lines, units }] of other.products) {
      const product = this.products.get(productId) ?? { lines: 0, units: 0 };
      product.lines += lines;
      product.units += units;
      this.products.set(productId, product);
    }
    this.waits.addAll(other.waits);
    this.commits.addAll(other.commits);
  }

  private outcomesOf(operation: OperationName): Map<LineOutcome, number> {
    let outcomes = this.outcomes.get(operation);
    if (!outcomes) {
      outcomes = new Map<LineOutcome, number>();
      this.outcomes.set(operation, outcomes);
    }
    return outcomes;
  }

  private productOf(productId: string): ProductCount | undefined {
    let product = this.products.get(productId);
    if (!product && this.products.size < PRODUCTS_MAX) {
      product = { lines: 0, units: 0 };
      this.products.set(productId, product);
    }
    return product;
  }
}
