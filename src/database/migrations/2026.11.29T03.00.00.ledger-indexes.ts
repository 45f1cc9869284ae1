/**
 * Indexes by which entries of the ledger are found, each in the order of the list. MySQL builds them while servers
 * go on selling.
 */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';
import { addKey } from './2026.11.28T03.00.00.reservation-list.js';

const KEYS = {
  stock_movements_by_reference: '(reference, entry)',
  stock_movements_by_kind: '(kind, entry)',
} as const;

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  for (const [key, columns] of Object.entries(KEYS)) {
    await addKey(sequelize, 'stock_movements', key, columns);
  }
};
