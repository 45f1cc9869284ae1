/**
 * Products whose stock may be low are found by an index: only where each level of a product is at or below the
 * product's threshold can their sum be. So each level has a copy of the threshold, and `near_low` says how it compares.
 * Products without any level are found by a column of their own.
 *
 * Both columns may say too much, never too little: the defaults hold for a row whose writer does not know them.
 * The generated columns are stored, so an UPDATE writes the index only where their value changes. To add one MySQL
 * copies its table, and each write of that waits meanwhile. Every step can be repeated after a crash, and `updated_at`
 * stays as it is.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';
import { addColumn } from './2026.11.25T00.00.00.reservations.js';

/** Products in one transaction, so that a server that sells meanwhile waits for no row for long. */
const BATCH_MAX = 1_000;

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await addColumn(
    sequelize,
    'stock_levels',
    'low_stock_threshold',
    'INT NOT NULL DEFAULT 2147483647',
  );
  await addColumn(sequelize, 'products', 'may_lack_levels', 'BOOLEAN NOT NULL DEFAULT TRUE');
  await copyThresholds(sequelize);
  await addColumn(
    sequelize,
    'stock_levels',
    'near_low',
    `BOOLEAN GENERATED ALWAYS AS (on_hand - reserved <= low_stock_threshold) STORED,
     ADD KEY stock_levels_near_low (near_low, product_id)`,
  );
  await addColumn(
    sequelize,
    'products',
    'low_without_levels',
    `BOOLEAN GENERATED ALWAYS AS (may_lack_levels AND low_stock_threshold IS NOT NULL) STORED,
     ADD KEY products_low_without_levels (low_without_levels, id)`,
  );
};

async function copyThresholds(sequelize: Sequelize): Promise<void> {
  for (let after = ''; ;) {
    const ids = await sequelize.query<{ id: string }>(
      `SELECT id FROM products WHERE id > ? ORDER BY id LIMIT ${BATCH_MAX}`,
      { replacements: [after], type: QueryTypes.SELECT },
    );
    const last = ids.at(-1)?.id;
    if (last === undefined) return;
    await sequelize.query(
      `UPDATE stock_levels AS l JOIN products AS p ON p.id = l.product_id
       SET l.low_stock_threshold = COALESCE(p.low_stock_threshold, -1), l.updated_at = l.updated_at
       WHERE p.id > ? AND p.id <= ?`,
      { replacements: [after, last] },
    );
    await sequelize.query(
      `UPDATE products SET may_lack_levels = FALSE, updated_at = updated_at
       WHERE id > ? AND id <= ? AND EXISTS (SELECT 1 FROM stock_levels AS l WHERE l.product_id = products.id)`,
      { replacements: [after, last] },
    );
    after = last;
  }
}
