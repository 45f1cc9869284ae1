/**
 * Products that are out of sale. Each level has a copy of that, so that a decision reads levels alone.
 *
 * Every list of products is of those on sale, or of the others, so each index of a list begins with that. The index of
 * names without it stays for servers of the version before, which go on reading while this one starts. Those servers do
 * not know the copies: they sell archived products, so no product may be archived before all servers are updated.
 *
 * The generated column is stored: to add it MySQL copies the products, and each change of one waits meanwhile.
 */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';
import { addColumn } from './2026.11.25T00.00.00.reservations.js';

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await addColumn(sequelize, 'stock_levels', 'archived', 'BOOLEAN NOT NULL DEFAULT FALSE');
  await addColumn(sequelize, 'products', 'archived_at', 'DATETIME(6) NULL');
  await addColumn(
    sequelize,
    'products',
    'is_archived',
    `BOOLEAN GENERATED ALWAYS AS (archived_at IS NOT NULL) STORED,
     ADD KEY products_by_archived (is_archived, id),
     ADD KEY products_by_archived_and_name (is_archived, name, id)`,
  );
};
