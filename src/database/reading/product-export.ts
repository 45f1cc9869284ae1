/**
 * Reads products with their levels, those on sale or all, page by page in the order of ids, in the memory of one page.
 *
 * Each page has its own snapshot: later pages include changes that were committed meanwhile.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { ExportRow } from '../../inventory/products.js';
import { available } from '../errors.js';

const PAGE_PRODUCTS = 1_000;

export interface ExportOptions {
  /** A file does not tell which products are archived, so an import puts them on sale. */
  readonly withArchived: boolean;
}

/** @throws StorageUnavailableError */
export async function* exportProducts(
  sequelize: Sequelize,
  { withArchived }: ExportOptions,
): AsyncGenerator<ExportRow> {
  // The index of the list: a page costs the same however many products are archived.
  const list = withArchived
    ? 'WHERE'
    : 'FORCE INDEX (products_by_archived) WHERE is_archived = FALSE AND';
  let after = '';
  for (;;) {
    const rows = await available(() => readPage(sequelize, list, after));
    yield* rows;
    const last = rows.at(-1);
    if (!last) return;
    after = last.id;
  }
}

/** @throws StorageUnavailableError */
export async function countArchived(sequelize: Sequelize): Promise<number> {
  const [counted] = await available(() =>
    sequelize.query<{ readonly archived: number }>(
      'SELECT COUNT(*) AS archived FROM products WHERE is_archived = TRUE',
      { type: QueryTypes.SELECT },
    ),
  );
  return counted?.archived ?? 0;
}

function readPage(sequelize: Sequelize, list: string, after: string): Promise<ExportRow[]> {
  return sequelize.query<ExportRow>(
    `SELECT p.id, p.name, p.low_stock_threshold AS lowStockThreshold, l.location_id AS locationId,
            l.on_hand AS quantity
     FROM (
       SELECT id, name, low_stock_threshold FROM products ${list} id > ? ORDER BY id LIMIT ${PAGE_PRODUCTS}
     ) AS p
     LEFT JOIN stock_levels AS l ON l.product_id = p.id
     ORDER BY p.id, l.location_id`,
    { replacements: [after], type: QueryTypes.SELECT },
  );
}
