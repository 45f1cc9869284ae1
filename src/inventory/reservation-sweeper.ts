/**
 * Gives back what expired reservations hold of products that nobody asks for. Nothing depends on when it comes by,
 * because readers leave out what is due and every transaction gives it back first; it keeps the levels and the events
 * up to date.
 *
 * In one process at a time, in bounded rounds; each product's part goes through the product's lane, in its turn. It
 * keeps no state, so whoever comes after a crash goes on where it ended.
 */
import { sweepOf } from './reservation-sweep.js';
import type { StockService } from './stock-service.js';
import { StorageUnavailableError, type ReservationCatalogue } from './stock-store.js';

export interface SweeperSettings {
  /** How long it rests between two rounds, in milliseconds. */
  readonly intervalMs: number;
  /** The longest that one product may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Told of a round that failed for another reason than a database that is away. */
  readonly onError: (error: unknown) => void;
}

/** Products in one round. */
const PRODUCTS_MAX = 100;
/** The connection that keeps other processes away is silent meanwhile. */
const ROUND_MAX_MS = 10_000;

export class ReservationSweeper {
  private timer: NodeJS.Timeout | undefined;
  private round: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly stock: Pick<StockService, 'carryOut'>,
    private readonly catalogue: Pick<ReservationCatalogue, 'productsWithDueLines' | 'exclusively'>,
    private readonly settings: SweeperSettings,
  ) {}

  start(): void {
    if (this.stopped) return;
    this.timer = setTimeout(() => {
      this.round = this.sweep()
        .catch((error: unknown) => {
          // Without a database there is nothing to give back to; the next round tries again.
          if (!(error instanceof StorageUnavailableError)) this.settings.onError(error);
        })
        .then(() => {
          this.start();
        });
    }, this.settings.intervalMs).unref();
  }

  /** One round. Resolves when everything that was due at its beginning, up to a bound, was tried once. */
  async sweep(): Promise<void> {
    const due = await this.catalogue.productsWithDueLines(1);
    if (due.length === 0) return;
    await this.catalogue.exclusively(async () => {
      const endMs = performance.now() + ROUND_MAX_MS;
      for (const productId of await this.catalogue.productsWithDueLines(PRODUCTS_MAX)) {
        if (this.stopped || performance.now() > endMs) return;
        const deadlineMs = performance.now() + this.settings.timeoutMs;
        await this.stock.carryOut(sweepOf([productId]), { deadlineMs });
      }
    });
  }

  /** Ends after the product under way. */
  async stop(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.round;
  }
}
