/**
 * The statements of the writing transaction on reservations. A reservation's row is locked before any level, both to
 * commit, release or extend it and to expire it, so that exactly one of them takes effect.
 */
import type { Holders } from '../../inventory/held-units.js';
import type {
  DueLine,
  Reservation,
  ReservationStanding,
  ReservedItem,
} from '../../inventory/reservation.js';
import type { ClosingWrite, CreatingWrite } from '../../inventory/stock.js';
import { UnexpectedRowCountError } from '../errors.js';
import { Statements } from './transactions.js';

/** A reservation whose row this transaction has locked. */
export interface LockedReservation extends ReservationStanding {
  readonly id: string;
  /** The operation that committed or released it. */
  readonly closedBy: Buffer | null;
}

export interface HeldUnitsRow {
  readonly productId: string;
  readonly principal: string;
  readonly units: number;
}

/** A reservation's status by the database's clock: EXPIRED even where its row is still ACTIVE. */
export const EFFECTIVE_STATUS = `IF(status = 'ACTIVE' AND expires_at <= NOW(6), 'EXPIRED', status)`;

export type ReservationHead = Omit<Reservation, 'items'>;

export class ReservationStatements extends Statements {
  /** At most `limit` expired reservations that still hold units of these products. */
  async readDue(productIds: readonly string[], limit: number): Promise<string[]> {
    const rows = await this.read<{ id: string }>(
      `SELECT DISTINCT reservation_id AS id FROM reservation_lines
       WHERE product_id IN (?) AND held_until <= NOW(6) LIMIT ?`,
      [productIds, limit],
    );
    return rows.map(({ id }) => id);
  }

  /** @param ids in byte order. */
  async lock(ids: readonly string[]): Promise<readonly LockedReservation[]> {
    return this.read<LockedReservation>(
      `SELECT id, ${EFFECTIVE_STATUS} AS status, principal, closed_by AS closedBy
       FROM reservations FORCE INDEX (PRIMARY) WHERE id IN (?) ORDER BY id FOR UPDATE`,
      [ids],
    );
  }

  /** The lines of these reservations that still hold units of these products. Their rows are locked. */
  async readHeldLines(
    reservationIds: readonly string[],
    productIds: readonly string[],
  ): Promise<readonly DueLine[]> {
    return this.read<DueLine>(
      `SELECT reservation_id AS reservationId, line_index AS lineIndex, product_id AS productId,
              location_id AS locationId, quantity
       FROM reservation_lines
       WHERE reservation_id IN (?) AND product_id IN (?) AND held_until IS NOT NULL`,
      [reservationIds, productIds],
    );
  }

  /**
   * The units that reservations of these principals hold now of these products, by the database's clock. Names are
   * compared byte by byte, which the column's collation does not.
   */
  async countHeld({ productIds, principals }: Holders): Promise<readonly HeldUnitsRow[]> {
    const rows = await this.read<{ productId: string; principal: Buffer; units: string }>(
      `SELECT held.product_id AS productId, CAST(r.principal AS BINARY) AS principal,
              SUM(held.quantity) AS units
       FROM reservation_lines AS held STRAIGHT_JOIN reservations AS r ON r.id = held.reservation_id
       WHERE held.product_id IN (?) AND held.held_until > NOW(6) AND r.principal IN (?)
       GROUP BY held.product_id, CAST(r.principal AS BINARY)`,
      [productIds, principals],
    );
    return rows.map(({ productId, principal, units }) => ({
      productId,
      principal: principal.toString('utf8'),
      units: Number(units),
    }));
  }

  /** Marks these lines as holding nothing, and their reservations as EXPIRED. */
  async giveBack(lines: readonly DueLine[]): Promise<void> {
    if (lines.length === 0) return;
    await this.endHolding(lines.map((line) => [line.reservationId, line.lineIndex]));
    const reservationIds = [...new Set(lines.map((line) => line.reservationId))].sort();
    await this.write(
      `UPDATE reservations SET status = 'EXPIRED' WHERE id IN (?) AND status = 'ACTIVE'`,
      [reservationIds],
    );
  }

  /** Commits or releases reservations: their lines hold nothing from now on. */
  async close(writes: readonly ClosingWrite[]): Promise<void> {
    if (writes.length === 0) return;
    const closed = await this.write(
      `UPDATE reservations
       SET status = CASE id ${writes.map(() => 'WHEN ? THEN ?').join(' ')} END,
           closed_by = CASE id ${writes.map(() => 'WHEN ? THEN ?').join(' ')} END
       WHERE id IN (?) AND status = 'ACTIVE'`,
      [
        ...writes.flatMap(({ reservationId, closeAs }) => [reservationId, closeAs]),
        ...writes.flatMap(({ reservationId, operation }) => [reservationId, operation.id]),
        writes.map(({ reservationId }) => reservationId),
      ],
    );
    if (closed !== writes.length) throw new UnexpectedRowCountError(writes.length, closed);
    await this.endHolding(
      writes.flatMap(({ reservationId, lines }) =>
        lines.map((line): [string, number] => [reservationId, line.index]),
      ),
    );
  }

  /** Creates reservations that last from now on, by the database's clock. */
  async create(writes: readonly CreatingWrite[]): Promise<void> {
    if (writes.length === 0) return;
    await this.write(
      `INSERT INTO reservations (id, reference, principal, created_by, created_at, expires_at) VALUES
       ${writes.map(() => '(?, ?, ?, ?, NOW(6), NOW(6) + INTERVAL ? SECOND)').join(', ')}`,
      writes.flatMap(({ reservationId, ttlSeconds, reference, operation }) => [
        reservationId,
        reference,
        operation.principal,
        operation.id,
        ttlSeconds,
      ]),
    );
    const lines = writes.flatMap(({ reservationId, lines: ofWrite }) =>
      ofWrite.map((line) => ({ ...line, reservationId })),
    );
    await this.write(
      `INSERT INTO reservation_lines
         (reservation_id, line_index, product_id, location_id, quantity, held_until) VALUES
       ${lines.map(() => '(?, ?, ?, ?, ?, (SELECT expires_at FROM reservations WHERE id = ?))').join(', ')}`,
      lines.flatMap((line) => [
        line.reservationId,
        line.index,
        line.productId,
        line.locationId,
        line.quantity,
        line.reservationId,
      ]),
    );
  }

  /**
   * Lets an active reservation last from now on, whose row this transaction has locked. One that has expired by now, or
   * was ended, stays as it is.
   */
  async extend(id: string, ttlSeconds: number): Promise<void> {
    const extended = await this.write(
      `UPDATE reservations SET expires_at = NOW(6) + INTERVAL ? SECOND
       WHERE id = ? AND status = 'ACTIVE' AND expires_at > NOW(6)`,
      [ttlSeconds, id],
    );
    if (extended === 0) return;
    await this.write(
      `UPDATE reservation_lines SET held_until = (SELECT expires_at FROM reservations WHERE id = ?)
       WHERE reservation_id = ? AND held_until IS NOT NULL`,
      [id, id],
    );
  }

  async readItems(reservationId: string): Promise<readonly ReservedItem[]> {
    return this.read<ReservedItem>(
      `SELECT product_id AS productId, location_id AS locationId, quantity
       FROM reservation_lines WHERE reservation_id = ? ORDER BY line_index`,
      [reservationId],
    );
  }

  async readHeads(ids: readonly string[]): Promise<readonly ReservationHead[]> {
    return this.read<ReservationHead>(
      `SELECT id, ${EFFECTIVE_STATUS} AS status, expires_at AS expiresAt, reference,
              created_at AS createdAt, principal
       FROM reservations WHERE id IN (?)`,
      [ids],
    );
  }

  private async endHolding(lines: readonly (readonly [string, number])[]): Promise<void> {
    const ended = await this.write(
      `UPDATE reservation_lines SET held_until = NULL
       WHERE (reservation_id, line_index) IN (?) AND held_until IS NOT NULL`,
      [lines],
    );
    if (ended !== lines.length) throw new UnexpectedRowCountError(lines.length, ended);
  }
}
