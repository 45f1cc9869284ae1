/**
 * How a request gets its turn at the products: through the distributed lock, by MySQL's row locks, or not at all.
 *
 * All three give the same results, because correctness rests on the conditional statements in MySQL; they differ in
 * who waits where. Waiting behind the distributed lock costs no database connection.
 */
import {
  LockAbortedError,
  LockLostError,
  LockQueueFullError,
  LockTimeoutError,
  LockUnavailableError,
  type DistributedLockManager,
} from '../../lock/index.js';
import type { StockFailure } from '../stock.js';

/** The turn that somebody has at the products: read when a transaction begins, not before. */
export interface Turn {
  /** False while a lock keeps others away; true where nothing does, or the lease was lost. */
  isContended(): boolean;
  /** The fencing token of a held lock; null where none is held. */
  fencingTokenOf(productId: string): bigint | null;
}

export interface WaitLimits {
  /** The longest wait for the turn, in milliseconds. */
  readonly waitMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** No turn was had, so nothing was done; the failure says why. */
export class NoTurnError extends Error {
  readonly code = 'NO_TURN' as const;
  constructor(
    readonly failure: StockFailure,
    cause: unknown,
  ) {
    super(`No turn at the products: ${failure.code}.`, { cause });
    this.name = 'NoTurnError';
  }
}

export interface StockLocking {
  /**
   * Runs the work while this request has its turn at the products.
   *
   * @throws NoTurnError before the work has begun; whatever the work throws passes through.
   */
  inTurn<T>(
    productIds: readonly string[],
    limits: WaitLimits,
    work: (turn: Turn) => Promise<T>,
  ): Promise<T>;

  /**
   * Resolves when it is known of all turns that were wanted until now whether they are had at once: after one round
   * trip at most, or as long as the lock's server may take for an answer.
   */
  settled(): Promise<void>;
}

/** `STOCK_LOCK=none`: only the conditional statements. */
export class NoLocking implements StockLocking {
  inTurn<T>(_: readonly string[], __: WaitLimits, work: (turn: Turn) => Promise<T>): Promise<T> {
    return work({ isContended: () => false, fencingTokenOf: () => null });
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }
}

/** `STOCK_LOCK=database`: the pessimistic row lock, SELECT … FOR UPDATE. */
export class RowLocking implements StockLocking {
  inTurn<T>(_: readonly string[], __: WaitLimits, work: (turn: Turn) => Promise<T>): Promise<T> {
    return work({ isContended: () => true, fencingTokenOf: () => null });
  }

  settled(): Promise<void> {
    return Promise.resolve();
  }
}

/** `STOCK_LOCK=redis`: the distributed lock; row locks stand in where it is away, unless told to fail. */
export class DistributedLocking implements StockLocking {
  private readonly rowLocking = new RowLocking();

  constructor(
    private readonly manager: DistributedLockManager,
    private readonly settings: {
      readonly fallback: 'database' | 'fail';
      /** What is told to whoever finds the queue full, in milliseconds. */
      readonly retryAfterMs: number;
    },
  ) {}

  async inTurn<T>(
    productIds: readonly string[],
    limits: WaitLimits,
    work: (turn: Turn) => Promise<T>,
  ): Promise<T> {
    let begun = false as boolean;
    try {
      return await this.manager.executeWithLock(
        productIds.map(stockLockKey),
        (hold) => {
          begun = true;
          return work({
            isContended: () => hold.lost,
            // A token that is no longer ours would tell the ledger's reader a lie.
            fencingTokenOf: (productId) =>
              hold.lost ? null : hold.fencingTokenOf(stockLockKey(productId)),
          });
        },
        { waitMs: limits.waitMs, ...(limits.signal && { signal: limits.signal }) },
      );
    } catch (error) {
      if (begun) throw error;
      // A lease that was lost while another one was waited for: Redis has lost its data, or we were stopped for long.
      const lockIsAway = error instanceof LockUnavailableError || error instanceof LockLostError;
      if (lockIsAway && this.settings.fallback === 'database') {
        return this.rowLocking.inTurn(productIds, limits, work);
      }
      throw this.noTurn(error);
    }
  }

  settled(): Promise<void> {
    return this.manager.settled();
  }

  private noTurn(error: unknown): unknown {
    if (error instanceof LockTimeoutError) {
      const waitedMs = Math.round(error.waitedMs);
      return new NoTurnError({ code: 'LOCK_TIMEOUT', waitedMs }, error);
    }
    if (error instanceof LockQueueFullError) {
      const { retryAfterMs } = this.settings;
      return new NoTurnError({ code: 'OVERLOADED', retryAfterMs }, error);
    }
    if (
      error instanceof LockUnavailableError ||
      error instanceof LockLostError ||
      error instanceof LockAbortedError
    ) {
      const failure = { code: 'UNAVAILABLE', mayHaveApplied: false, retryable: true } as const;
      return new NoTurnError(failure, error);
    }
    return error;
  }
}

/** The braces are the hash tag that keeps all keys of one lock in one slot of a Redis Cluster. */
export function stockLockKey(productId: string): string {
  return `lock:stock:{${productId}}`;
}
