/**
 * Holds stock while a customer checks out: reserve, then commit or release.
 *
 * A reservation's products never change, so it is read before their turns are taken. Whether it can still be closed is
 * decided in the transaction, under its row's lock. A commit takes held units, so it never lacks stock.
 */
import { checkText, type Operations } from './operation.js';
import {
  UNAVAILABLE,
  isValidId,
  type ClosingWrite,
  type CreatingWrite,
  type LineChange,
  type StockFailure,
  type StockLine,
} from './stock.js';
import {
  IdempotencyKeyReusedError,
  checkLines,
  checkMaxWait,
  meaningOfLines,
  type Caller,
  type LineRequest,
  type LineResult,
} from './stock-request.js';
import type { StockService } from './lanes/stock-service.js';
import {
  checkTtl,
  existsFor,
  type Reservation,
  type ReservationFailure,
  type ReservationCatalogue,
} from './reservation.js';
import { StorageUnavailableError } from './stock-store.js';
import { allAtOnce, verdictsOf } from './stock-transaction.js';

export interface ReserveStockRequest {
  readonly items: readonly LineRequest[];
  readonly ttlSeconds: number;
  readonly idempotencyKey?: string | null | undefined;
  readonly reference?: string | null | undefined;
  readonly maxWaitMs?: number | null | undefined;
}

export interface ReserveStockResult {
  /** Null where a line failed. */
  readonly reservation: Reservation | null;
  /** In the order of the request. */
  readonly failedItems: readonly LineResult[];
  readonly replayed: boolean;
}

export interface CloseReservationRequest {
  readonly reservationId: string;
  readonly idempotencyKey?: string | null | undefined;
}

export type CloseReservationResult =
  | {
      readonly outcome: 'CLOSED';
      readonly reservation: Reservation;
      /** The ledger's lines of a commit; none of a release. */
      readonly movementIds: readonly string[];
      readonly replayed: boolean;
    }
  | { readonly outcome: 'REFUSED'; readonly failure: StockFailure | ReservationFailure };

type Ending = 'COMMITTED' | 'RELEASED';

const CHANGE_OF: Readonly<Record<Ending, LineChange>> = {
  COMMITTED: { type: 'TAKE_HELD' },
  RELEASED: { type: 'FREE' },
};
const OPERATION_OF = { COMMITTED: 'commitReservation', RELEASED: 'releaseReservation' } as const;

export class ReservationService {
  constructor(
    private readonly stock: Pick<StockService, 'carryOut'>,
    private readonly operations: Operations,
    private readonly catalogue: Pick<ReservationCatalogue, 'reservationById'>,
  ) {}

  /** All lines or none. @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was done then. */
  async reserve(request: ReserveStockRequest, caller: Caller): Promise<ReserveStockResult> {
    const write = checkReserve(this.operations, request, caller.principal);
    const deadline = caller.deadline.waitingAtMost(checkMaxWait(request.maxWaitMs));
    const result = await this.stock.carryOut(write, deadline);
    const verdicts = verdictsOf(write, result);
    const failedItems = write.lines.flatMap((line, i): LineResult[] => {
      const verdict = verdicts[i];
      return verdict?.outcome === 'REFUSED' ? [{ line, verdict }] : [];
    });
    const replayed = verdicts.every((verdict) => verdict.replayed);
    if (failedItems.length > 0) return { reservation: null, failedItems, replayed };
    const reservation = result.outcome === 'DECIDED' ? result.reservation : undefined;
    if (!reservation) throw new Error('The store granted a reservation but returned none.');
    return { reservation, failedItems, replayed };
  }

  /** Its lines become deductions. @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was done then. */
  commit(request: CloseReservationRequest, caller: Caller): Promise<CloseReservationResult> {
    return this.close(request, 'COMMITTED', caller);
  }

  /** Makes the held units available. @throws InvalidRequestError, IdempotencyKeyReusedError; nothing was done then. */
  release(request: CloseReservationRequest, caller: Caller): Promise<CloseReservationResult> {
    return this.close(request, 'RELEASED', caller);
  }

  /** Null where the caller has no reservation with this id. @throws StorageUnavailableError */
  async reservation(id: string, caller: Caller): Promise<Reservation | null> {
    const found = isValidId(id) ? await this.catalogue.reservationById(id, caller.deadline) : null;
    return found && existsFor(caller, found) ? found : null;
  }

  private async close(
    { reservationId, idempotencyKey }: CloseReservationRequest,
    as: Ending,
    caller: Caller,
  ): Promise<CloseReservationResult> {
    const name = OPERATION_OF[as];
    const operation = this.operations.identify(name, caller.principal, idempotencyKey, [
      reservationId,
    ]);
    let known: Reservation | null;
    try {
      known = await this.reservation(reservationId, caller);
    } catch (error) {
      if (!(error instanceof StorageUnavailableError)) throw error;
      return refused(UNAVAILABLE);
    }
    // With a key the answer has to be stored, so that the key is never used for another request.
    if (!known && operation.idempotencyKey === null) {
      return refused({ code: 'RESERVATION_NOT_FOUND' });
    }
    const lines = (known?.items ?? []).map((item, index): StockLine => ({
      index,
      ...item,
      change: CHANGE_OF[as],
    }));
    const write: ClosingWrite = {
      type: 'CLOSING',
      operation,
      atomic: true,
      ...allAtOnce(lines),
      reason: null,
      reference: known?.reference ?? null,
      reservationId,
      closeAs: as,
      mayManage: caller.mayManage === true,
    };
    const result = await this.stock.carryOut(write, caller.deadline);
    if (result.outcome === 'KEY_REUSED') throw new IdempotencyKeyReusedError(result.answerExpired);
    if (result.outcome === 'REFUSED') return refused(result.failure);
    if (!known) throw new Error('A reservation was ended that could not be read before.');
    return {
      outcome: 'CLOSED',
      reservation: { ...known, status: as },
      movementIds: result.verdicts.flatMap((v) =>
        v.outcome === 'APPLIED' && v.movementId !== null ? [v.movementId] : [],
      ),
      replayed: result.verdicts.every(({ replayed }) => replayed),
    };
  }
}

function refused(failure: StockFailure | ReservationFailure): CloseReservationResult {
  return { outcome: 'REFUSED', failure };
}

function checkReserve(
  operations: Operations,
  request: ReserveStockRequest,
  principal: string | null,
): CreatingWrite {
  const { ttlSeconds, idempotencyKey } = request;
  const lines = checkLines(request.items, { type: 'HOLD' });
  checkTtl(ttlSeconds);
  const reference = checkText(request.reference, 'reference');
  const meaning = [ttlSeconds, reference, meaningOfLines(lines)];
  const operation = operations.identify('reserveStock', principal, idempotencyKey, meaning);
  return {
    type: 'CREATING',
    operation,
    atomic: true,
    ...allAtOnce(lines),
    reason: null,
    reference,
    reservationId: operations.newReservationId(),
    ttlSeconds,
  };
}
