/**
 * Gives back the stock that expired reservations hold of products without traffic. Correctness does not depend on it:
 * reads leave expired lines out, and each transaction gives them back first. It keeps stored levels and change events
 * up to date.
 *
 * Each product goes through its lane. The sweeper keeps no state, so after a crash the next round continues.
 */
import type { ExclusiveTurns } from './recurring-work.js';
import { sweepOf } from './reservation-sweep.js';
import type { StockService } from './lanes/stock-service.js';
import type { ReservationCatalogue } from './reservation.js';
import { systemClock, type Clock } from '../time/clock.js';
import { Deadline } from '../time/deadline.js';

/** Products in one round. */
const PRODUCTS_MAX = 100;
/** Bounded, because the connection that holds the named lock is idle meanwhile. */
const ROUND_MAX_MS = 10_000;
const READ_MAX_MS = 5_000;

export class ReservationSweeper {
  constructor(
    private readonly stock: Pick<StockService, 'carryOut'>,
    private readonly catalogue: Pick<ReservationCatalogue, 'productsWithDueLines'>,
    private readonly turns: ExclusiveTurns,
    /** The time limit for one product, in milliseconds. */
    private readonly timeoutMs: number,
    private readonly clock: Clock = systemClock,
  ) {}

  /** One round: tries each product that is due at its beginning once, up to a bound. @throws StorageUnavailableError */
  async sweep(signal: AbortSignal): Promise<void> {
    const reading = () => Deadline.in(READ_MAX_MS, this.clock);
    const due = await this.catalogue.productsWithDueLines(1, reading());
    if (due.length === 0) return;
    await this.turns.exclusively('sweep', async () => {
      const round = Deadline.in(ROUND_MAX_MS, this.clock, signal);
      for (const productId of await this.catalogue.productsWithDueLines(PRODUCTS_MAX, reading())) {
        if (round.callerHasGone || round.hasPassed) return;
        const deadline = Deadline.in(this.timeoutMs, this.clock);
        await this.stock.carryOut(sweepOf([productId]), deadline);
      }
    });
  }
}
