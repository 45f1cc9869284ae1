/**
 * Reads all products with their levels, page by page in the order of ids, in the memory of one page.
 *
 * Each page has its own snapshot: later pages include changes that were committed meanwhile.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { ExportRow } from '../../inventory/products.js';
import { available } from '../errors.js';

const PAGE_PRODUCTS = 1_000;

/** @throws StorageUnavailableError */
export async function* exportProducts(sequelize: Sequelize): AsyncGenerator<ExportRow> {
  let after = '';
  for (;;) {
    const rows = await available(() => readPage(sequelize, after));
    yield* rows;
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
  }
}

function readPage(sequelize: Sequelize, after: string): Promise<ExportRow[]> {
  return sequelize.query<ExportRow>(
    `SELECT p.id, p.name, p.low_stock_threshold AS lowStockThreshold, l.location_id AS locationId,
            l.on_hand AS quantity
     FROM (
       SELECT id, name, low_stock_threshold FROM products WHERE id > ? ORDER BY id LIMIT ${PAGE_PRODUCTS}
     ) AS p
     LEFT JOIN stock_levels AS l ON l.product_id = p.id
     ORDER BY p.id, l.location_id`,
    { replacements: [after], type: QueryTypes.SELECT },
  );
}
