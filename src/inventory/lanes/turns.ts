/**
 * How a lane or a basket gets its turn at products: through the distributed lock, under MySQL's row locks, or without
 * any lock.
 *
 * All three give the same results, because correctness rests on the conditional statements in MySQL. They differ in
 * where callers wait: a caller that waits for the distributed lock holds no database connection.
 */
import {
  LockAbortedError,
  LockLostError,
  LockQueueFullError,
  LockTimeoutError,
  LockUnavailableError,
  holdOf,
  type DistributedLockManager,
  type LockHold,
  type OwningLockService,
} from '../../lock/index.js';
import type { Deadline } from '../../time/deadline.js';
import { UNAVAILABLE, type OperationName } from '../stock.js';

/** The exclusive use of some products, until `end` is called. Its state is read when a transaction begins. */
export interface Turn {
  /** Whether this process owns the product by it: it may keep the turn, and decides the lines of other processes. */
  readonly isOwned?: boolean;
  /** Whether a lock was held and has been released. */
  readonly isOver: boolean;
  /** False while the lock excludes other processes; true without a lock, or after the lease was lost. */
  isContended(): boolean;
  /** The fencing token of the held lock; null where no lock is held. */
  fencingTokenOf(productId: string): bigint | null;
  /** Releases the products. Never throws, and may be repeated. */
  end(): void;
}

/** Why a turn was not granted. How soon a retry may be worth it, the queue knows that asked for the turn. */
export type TurnFailure =
  | { readonly code: 'LOCK_TIMEOUT'; readonly waitedMs: number }
  | { readonly code: 'OVERLOADED' }
  | typeof UNAVAILABLE;

/** The turn was not granted, so nothing was done. */
export interface NoTurn {
  readonly failure: TurnFailure;
}

/** Another process owns the product, and decides the lines that are handed to it. */
export interface OwnedByOther {
  /** The id of that process. */
  readonly owner: string;
}

export interface OwningRequest {
  /** What the turn is first asked for. */
  readonly operation: OperationName;
  /** Waits for the turn also behind an owner, as `take` does. */
  readonly queues: boolean;
  /** As for `take`. */
  readonly onQueued: () => void;
  /** Called whenever others wait for the turn that was granted. */
  readonly onWanted: () => void;
}

export interface Turns {
  /** As `take`, to own the product; does not wait for another owner. Left out where products have no owners. */
  readonly own?:
    | ((
        productId: string,
        deadline: Deadline,
        request: OwningRequest,
      ) => Promise<Turn | NoTurn | OwnedByOther>)
    | undefined;
  /**
   * Waits for the turn at the products, at most until the deadline.
   *
   * @param operation what the turn is first asked for.
   * @param onQueued called at most once, when another owner holds the products and this request is queued.
   * @returns NoTurn with LOCK_TIMEOUT, OVERLOADED or UNAVAILABLE. Rejects only for a defect of the program.
   */
  take(
    productIds: readonly string[],
    deadline: Deadline,
    operation: OperationName,
    onQueued?: () => void,
  ): Promise<Turn | NoTurn>;
}

/** `STOCK_LOCK=none` (the conditional statements alone) and `STOCK_LOCK=database` (SELECT … FOR UPDATE). */
export class LocalTurns implements Turns {
  private readonly granted: Promise<Turn>;

  /** @param contended whether each transaction locks its rows before it reads them. */
  constructor(contended: boolean) {
    this.granted = Promise.resolve({
      isOver: false,
      isContended: () => contended,
      fencingTokenOf: () => null,
      end: () => undefined,
    });
  }

  take(): Promise<Turn> {
    return this.granted;
  }
}

/** `STOCK_LOCK=redis` and `redlock`: while the distributed lock is away row locks replace it, or turns are refused. */
export class DistributedTurns implements Turns {
  readonly own: Turns['own'];
  private readonly rowLocks = new LocalTurns(true);

  /** @param owners the same lock service, where products may have owners. */
  constructor(
    private readonly manager: Pick<DistributedLockManager, 'hold'>,
    private readonly settings: { readonly fallback: 'database' | 'fail' },
    owners: Pick<OwningLockService, 'own' | 'release'> | null = null,
  ) {
    if (!owners) return;
    this.own = async (productId, deadline, { queues, ...events }) => {
      try {
        const lease = await owners.own(stockLockKey(productId), deadline, events, queues);
        return 'owner' in lease ? lease : new LockedTurn(holdOf(lease, owners), true);
      } catch (error) {
        return this.turnWithoutLock(error);
      }
    };
  }

  async take(
    productIds: readonly string[],
    deadline: Deadline,
    _operation: OperationName,
    onQueued?: () => void,
  ): Promise<Turn | NoTurn> {
    try {
      const keys = productIds.map(stockLockKey);
      return new LockedTurn(await this.manager.hold(keys, deadline, { onQueued }));
    } catch (error) {
      return this.turnWithoutLock(error);
    }
  }

  private turnWithoutLock(error: unknown): Promise<Turn> | NoTurn {
    // LockLostError: a lease was lost during the wait for the next: Redis lost its data, or this process was paused.
    const lockIsAway = error instanceof LockUnavailableError || error instanceof LockLostError;
    if (lockIsAway && this.settings.fallback === 'database') return this.rowLocks.take();
    return { failure: this.failureOf(error) };
  }

  private failureOf(error: unknown): TurnFailure {
    if (error instanceof LockTimeoutError) {
      return { code: 'LOCK_TIMEOUT', waitedMs: Math.round(error.waitedMs) };
    }
    if (error instanceof LockQueueFullError) return { code: 'OVERLOADED' };
    const isExpected =
      error instanceof LockUnavailableError ||
      error instanceof LockLostError ||
      error instanceof LockAbortedError;
    if (isExpected) return UNAVAILABLE;
    throw error;
  }
}

class LockedTurn implements Turn {
  isOver = false;

  constructor(
    private readonly hold: LockHold,
    readonly isOwned = false,
  ) {}

  isContended(): boolean {
    return this.isOver || this.hold.lost;
  }

  /** Null once the lease has ended: the ledger must not record its token then. */
  fencingTokenOf(productId: string): bigint | null {
    return this.isContended() ? null : this.hold.fencingTokenOf(stockLockKey(productId));
  }

  end(): void {
    if (this.isOver) return;
    this.isOver = true;
    void this.hold.release();
  }
}

/** The braces are the hash tag that keeps all keys of one lock in one slot of a Redis Cluster. */
export function stockLockKey(productId: string): string {
  return `lock:stock:{${productId}}`;
}
