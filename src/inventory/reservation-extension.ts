/**
 * Moves the moment at which an active reservation expires. No level changes, so no product's turn is needed: the
 * reservation's row decides between an extension, a commit, a release and the expiry.
 */
import type { Deadline } from '../time/deadline.js';
import { inSlot, type CommitSlots } from './lanes/commit-slots.js';
import {
  checkTtl,
  existsFor,
  type Reservation,
  type ReservationFailure,
  type ReservationStanding,
} from './reservation.js';
import type { Caller } from './stock-request.js';
import { StorageUnavailableError } from './stock-store.js';
import { UNAVAILABLE, isValidId, type StockFailure } from './stock.js';

export interface ExtendReservationRequest {
  readonly reservationId: string;
  /** From now on. */
  readonly ttlSeconds: number;
}

export type ExtendReservationResult =
  | { readonly outcome: 'EXTENDED'; readonly reservation: Reservation }
  | { readonly outcome: 'REFUSED'; readonly failure: StockFailure | ReservationFailure };

/** The storage port that extends reservations. */
export interface ReservationExtender {
  /**
   * Decides by the database's clock, at a moment at which no other transaction can end the reservation.
   *
   * @param mayExtend whether the reservation exists for the caller.
   */
  extend(
    request: ExtendReservationRequest,
    mayExtend: (reservation: ReservationStanding) => boolean,
    deadline: Deadline,
  ): Promise<ExtendReservationResult>;
}

export class ReservationExtension {
  constructor(
    private readonly extender: ReservationExtender,
    private readonly slots: CommitSlots,
  ) {}

  /** A repetition counts from its own moment. @throws InvalidRequestError; nothing was done then. */
  async execute(
    request: ExtendReservationRequest,
    caller: Caller,
  ): Promise<ExtendReservationResult> {
    checkTtl(request.ttlSeconds);
    if (!isValidId(request.reservationId)) {
      return { outcome: 'REFUSED', failure: { code: 'RESERVATION_NOT_FOUND' } };
    }
    try {
      return await inSlot(this.slots, caller.deadline, (deadline) =>
        this.extender.extend(request, (reservation) => existsFor(caller, reservation), deadline),
      );
    } catch (error) {
      if (!(error instanceof StorageUnavailableError)) throw error;
      return { outcome: 'REFUSED', failure: UNAVAILABLE };
    }
  }
}
