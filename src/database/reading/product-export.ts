/**
 * All products with what is on hand at each of their places, page by page from the index, in the order of their ids:
 * the memory that it takes is a page's, and no statement runs for longer than one.
 *
 * Each page is read at its own moment, so a sale meanwhile shows in the later ones; each row is one that was committed.
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
