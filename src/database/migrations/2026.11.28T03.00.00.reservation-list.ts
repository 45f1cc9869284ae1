/**
 * Indexes of the list of reservations, newest first: of all, of one principal, and of one reference. Status and product
 * need none: what holds stock is found by the indexes of the lines.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

const KEYS = {
  reservations_by_time: '(created_at, id)',
  reservations_of_principal: '(principal, created_at, id)',
  reservations_by_reference: '(reference, created_at, id)',
} as const;

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  for (const [key, columns] of Object.entries(KEYS)) {
    await addKey(sequelize, 'reservations', key, columns);
  }
};

/** MySQL has no ADD KEY IF NOT EXISTS. */
export async function addKey(
  sequelize: Sequelize,
  table: string,
  key: string,
  columns: string,
): Promise<void> {
  const found = await sequelize.query(
    `SELECT index_name FROM information_schema.statistics
     WHERE table_schema = DATABASE() AND table_name = ? AND index_name = ?`,
    { replacements: [table, key], type: QueryTypes.SELECT },
  );
  if (found.length > 0) return;
  await sequelize.query(`ALTER TABLE ${table} ADD KEY ${key} ${columns}`);
}
