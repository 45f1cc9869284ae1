/**
 * ReservationExtender on MySQL. The reservation's row is locked first, as to commit it and to expire it. Whether it has
 * expired is decided by a later statement, whose clock has not stood still while the row was waited for.
 */
import type { Sequelize } from 'sequelize';
import type {
  ExtendReservationRequest,
  ExtendReservationResult,
  ReservationExtender,
} from '../../inventory/reservation-extension.js';
import type { ReservationFailure, ReservationStanding } from '../../inventory/reservation.js';
import { UNAVAILABLE } from '../../inventory/stock.js';
import type { Deadline } from '../../time/deadline.js';
import { ReservationStatements } from './reservation-statements.js';
import { isPerhapsApplied, runTransaction } from './transactions.js';

export class MysqlReservationExtender implements ReservationExtender {
  constructor(private readonly writer: Sequelize) {}

  async extend(
    request: ExtendReservationRequest,
    mayExtend: (reservation: ReservationStanding) => boolean,
    deadline: Deadline,
  ): Promise<ExtendReservationResult> {
    const outcome = await runTransaction(this.writer, deadline, ({ transaction }) =>
      extendLocked(new ReservationStatements(this.writer, transaction), request, mayExtend),
    );
    if (outcome.outcome === 'COMMITTED') return outcome.value;
    // Rows that stayed locked are no failure of their own: another transaction took too long to end the reservation.
    const mayHaveApplied = isPerhapsApplied(outcome);
    const failure = { ...UNAVAILABLE, mayHaveApplied, retryable: !mayHaveApplied };
    return { outcome: 'REFUSED', failure };
  }
}

async function extendLocked(
  statements: ReservationStatements,
  { reservationId, ttlSeconds }: ExtendReservationRequest,
  mayExtend: (reservation: ReservationStanding) => boolean,
): Promise<ExtendReservationResult> {
  const [locked] = await statements.lock([reservationId]);
  if (!locked || !mayExtend(locked)) return refused({ code: 'RESERVATION_NOT_FOUND' });
  await statements.extend(reservationId, ttlSeconds);
  const [head] = await statements.readHeads([reservationId]);
  if (!head) throw new Error(`Reservation ${reservationId} was locked, but its row was not found.`);
  const { status } = head;
  if (status !== 'ACTIVE') return refused({ code: 'RESERVATION_NOT_ACTIVE', status });
  const items = await statements.readItems(reservationId);
  return { outcome: 'EXTENDED', reservation: { ...head, items } };
}

function refused(failure: ReservationFailure): ExtendReservationResult {
  return { outcome: 'REFUSED', failure };
}
