/**
 * An operation's row keeps the id of the reservation that it creates, which is random and so cannot be found again from
 * the idempotency key. Rows from before have none: their reservations have the id that is derived from the operation.
 */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';
import { addColumn } from './2026.11.25T00.00.00.reservations.js';

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await addColumn(
    sequelize,
    'stock_operations',
    'reservation_id',
    'VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL',
  );
};
