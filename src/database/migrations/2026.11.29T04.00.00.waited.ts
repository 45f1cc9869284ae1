/**
 * How long a line of the ledger has waited for its transaction. Lines of earlier versions have none. MySQL adds the
 * column without a copy of the table.
 */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';
import { addColumn } from './2026.11.25T00.00.00.reservations.js';

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await addColumn(sequelize, 'stock_movements', 'waited_ms', 'INT UNSIGNED NULL');
};
