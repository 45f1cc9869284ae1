/** Reservations that expire at a moment of the test's, as time itself would need a race to do. */
import type { Sequelize } from 'sequelize';

/** All that hold units of the product have expired as of now; nothing has swept them. */
export async function expireReservationsOf(sequelize: Sequelize, productId: string): Promise<void> {
  await sequelize.query(
    `UPDATE reservations AS r JOIN reservation_lines AS l ON l.reservation_id = r.id
     SET r.expires_at = NOW(6), l.held_until = NOW(6) WHERE l.product_id = ?`,
    { replacements: [productId] },
  );
}
