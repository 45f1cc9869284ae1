/** ReservationCatalogue on MySQL. */
import type {
  Reservation,
  ReservedItem,
  ReservationCatalogue,
} from '../../inventory/reservation.js';
import type { Page, PageRequest } from '../../inventory/pages.js';
import type {
  Owner,
  ReservationFilter,
  ReservationLister,
} from '../../inventory/reservation-list.js';
import type { Deadline } from '../../time/deadline.js';
import type { Reader } from '../reader.js';
import { EFFECTIVE_STATUS, type ReservationHead } from '../writing/reservation-statements.js';
import { ReservationPage } from './reservation-pages.js';

export class MysqlReservationCatalogue implements ReservationCatalogue, ReservationLister {
  constructor(private readonly pools: { readonly reader: Reader }) {}

  async reservationById(id: string, deadline: Deadline): Promise<Reservation | null> {
    const rows = await this.pools.reader.one<ReservationHead & ReservedItem>(
      `SELECT head.*, line.product_id AS productId, line.location_id AS locationId, line.quantity
       FROM (SELECT id, ${EFFECTIVE_STATUS} AS status, expires_at AS expiresAt, reference,
                    created_at AS createdAt, principal
             FROM reservations WHERE id = ?) AS head
       JOIN reservation_lines AS line ON line.reservation_id = head.id
       ORDER BY line.line_index`,
      [id],
      deadline,
    );
    const [head] = rows;
    if (!head) return null;
    const { status, expiresAt, reference, createdAt, principal } = head;
    const items = rows.map(({ productId, locationId, quantity }) => ({
      productId,
      locationId,
      quantity,
    }));
    return { id, status, items, expiresAt, reference, createdAt, principal };
  }

  reservations(
    page: PageRequest,
    filter: ReservationFilter & { readonly owner: Owner },
    deadline: Deadline,
  ): Promise<Page<Reservation>> {
    return new ReservationPage({ reader: this.pools.reader, page, filter, deadline }).read();
  }

  async productsWithDueLines(limit: number, deadline: Deadline): Promise<readonly string[]> {
    const rows = await this.pools.reader.one<{ productId: string }>(
      `SELECT DISTINCT product_id AS productId FROM (
         SELECT product_id FROM reservation_lines WHERE held_until <= NOW(6)
         ORDER BY held_until LIMIT ?
       ) AS due`,
      [limit],
      deadline,
    );
    return rows.map(({ productId }) => productId);
  }
}
