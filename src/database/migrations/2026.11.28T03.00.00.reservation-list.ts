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
    const found = await sequelize.query(
      `SELECT index_name FROM information_schema.statistics
       WHERE table_schema = DATABASE() AND table_name = 'reservations' AND index_name = ?`,
      { replacements: [key], type: QueryTypes.SELECT },
    );
    if (found.length === 0)
      await sequelize.query(`ALTER TABLE reservations ADD KEY ${key} ${columns}`);
  }
};
