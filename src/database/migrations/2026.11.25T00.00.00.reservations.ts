/**
 * Reservations and their lines; columns for their stored answers, and for answers that expire.
 *
 * A line's `held_until` is when its reservation expires, and NULL once the line holds nothing, so that the index range
 * of what is due has no other lines. MySQL commits each statement by itself, so every step can be repeated after a
 * crash.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

const ID = 'VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin';
const TABLE = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci';

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS reservations (
      id ${ID} NOT NULL PRIMARY KEY,
      status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'ACTIVE',
      reference VARCHAR(255) NULL,
      principal VARCHAR(255) NULL,
      created_by BINARY(32) NOT NULL,
      closed_by BINARY(32) NULL,
      created_at DATETIME(6) NOT NULL,
      expires_at DATETIME(6) NOT NULL,
      CONSTRAINT reservations_status_known CHECK (status IN ('ACTIVE', 'COMMITTED', 'RELEASED', 'EXPIRED'))
    ) ${TABLE}`);
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS reservation_lines (
      reservation_id ${ID} NOT NULL,
      line_index INT NOT NULL,
      product_id ${ID} NOT NULL,
      location_id ${ID} NOT NULL,
      quantity INT NOT NULL,
      held_until DATETIME(6) NULL,
      PRIMARY KEY (reservation_id, line_index),
      KEY reservation_lines_due_of_product (product_id, held_until),
      KEY reservation_lines_due (held_until),
      CONSTRAINT reservation_lines_reservation FOREIGN KEY (reservation_id) REFERENCES reservations (id),
      CONSTRAINT reservation_lines_hold_something CHECK (quantity > 0)
    ) ${TABLE}`);
  await addColumn(sequelize, 'stock_operation_lines', 'requested', 'INT NULL');
  await addColumn(
    sequelize,
    'stock_operations',
    'answer_expired',
    'BOOLEAN NOT NULL DEFAULT FALSE, ADD KEY stock_operations_to_expire (answer_expired, created_at)',
  );
};

/** MySQL has no ADD COLUMN IF NOT EXISTS. */
export async function addColumn(
  sequelize: Sequelize,
  table: string,
  column: string,
  definition: string,
): Promise<void> {
  const found = await sequelize.query(
    `SELECT column_name FROM information_schema.columns
     WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?`,
    { replacements: [table, column], type: QueryTypes.SELECT },
  );
  if (found.length > 0) return;
  await sequelize.query(`ALTER TABLE ${table} ADD COLUMN ${column} ${definition}`);
}
