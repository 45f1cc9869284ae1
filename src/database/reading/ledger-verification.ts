/**
 * Checks that the ledger explains every unit. Per product and location: sequences count 1, 2, 3 … without a gap; every
 * line adds up, begins with the quantity after the line before and has the sign of its kind; the last line equals the
 * level; the reserved quantity equals the units that reservations hold; and each level has its product's threshold, and
 * tells whether its product is archived.
 *
 * All statements read one snapshot, so the check can run on a live database.
 */
import { QueryTypes, Transaction, type Sequelize } from 'sequelize';

export interface LedgerProblem {
  readonly productId: string;
  readonly locationId: string;
  /** The inconsistent line; null where the level itself is inconsistent. */
  readonly sequence: number | null;
  readonly problem: string;
}

export interface LedgerReport {
  readonly products: number;
  readonly movements: number;
  /** The first inconsistency of each inconsistent product, by product id. */
  readonly problems: readonly LedgerProblem[];
}

const BAD_MOVEMENTS = `
  WITH chain AS (
    SELECT product_id, location_id, sequence, kind, delta, quantity_before, quantity_after, available_after,
           ROW_NUMBER() OVER line_order AS expected_sequence,
           COALESCE(LAG(quantity_after) OVER line_order, 0) AS expected_before
    FROM stock_movements
    WINDOW line_order AS (PARTITION BY product_id, location_id ORDER BY sequence)
  ), bad AS (
    SELECT product_id, location_id, sequence,
      CASE
        WHEN sequence <> expected_sequence
          THEN CONCAT('has sequence ', sequence, ' where ', expected_sequence, ' was expected')
        WHEN quantity_before <> expected_before
          THEN CONCAT('begins at ', quantity_before, ', the line before ended at ', expected_before)
        WHEN quantity_before + delta <> quantity_after
          THEN CONCAT(quantity_before, ' with ', delta, ' does not make ', quantity_after)
        WHEN quantity_after < 0
          THEN CONCAT('ends below zero, at ', quantity_after)
        WHEN available_after NOT BETWEEN 0 AND quantity_after
          THEN CONCAT('leaves ', available_after, ' available of ', quantity_after)
        WHEN kind IN ('INITIAL', 'INCREASE', 'TRANSFER_IN') AND delta <= 0
          OR kind IN ('DEDUCTION', 'TRANSFER_OUT', 'RESERVATION_COMMIT') AND delta >= 0
          OR delta = 0
          THEN CONCAT('is a ', kind, ' of ', delta)
        WHEN kind = 'INITIAL' AND sequence > 1
          THEN 'is an INITIAL behind other lines'
        WHEN kind NOT IN ('INITIAL', 'DEDUCTION', 'INCREASE', 'CORRECTION', 'TRANSFER_OUT', 'TRANSFER_IN',
                          'RESERVATION_COMMIT')
          THEN CONCAT('is of the unknown kind ', kind)
      END AS problem
    FROM chain
  )
  SELECT product_id AS productId, location_id AS locationId, sequence, problem
  FROM (
    SELECT bad.*, ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY location_id, sequence) AS place
    FROM bad WHERE problem IS NOT NULL
  ) AS first_of_product
  WHERE place = 1`;

const BAD_LEVELS = `
  SELECT productId, locationId, problem
  FROM (
    SELECT level.product_id AS productId, level.location_id AS locationId,
      CASE
        WHEN level.last_sequence <> COALESCE(ledger.sequence, 0)
          THEN CONCAT('the level is at sequence ', level.last_sequence,
                      ', the ledger at ', COALESCE(ledger.sequence, 0))
        WHEN level.on_hand <> COALESCE(last_line.quantity_after, 0)
          THEN CONCAT('the level has ', level.on_hand, ' on hand, the ledger ends at ',
                      COALESCE(last_line.quantity_after, 0))
        WHEN level.on_hand < 0 OR level.reserved < 0 OR level.reserved > level.on_hand
          THEN CONCAT('the level has ', level.on_hand, ' on hand and ', level.reserved, ' reserved')
        WHEN level.reserved <> COALESCE(held.quantity, 0)
          THEN CONCAT('the level has ', level.reserved, ' reserved, its reservations hold ',
                      COALESCE(held.quantity, 0))
        WHEN level.archived <> (product.archived_at IS NOT NULL)
          THEN CONCAT('the level is ', IF(level.archived, 'archived', 'on sale'), ', its product is not')
        WHEN level.low_stock_threshold NOT IN
             (IF(product.archived_at IS NULL, COALESCE(product.low_stock_threshold, -1), -1), 2147483647)
          THEN CONCAT('the level has the threshold ', level.low_stock_threshold, ', its product ',
                      COALESCE(product.low_stock_threshold, 'none'))
      END AS problem
    FROM stock_levels AS level
    LEFT JOIN products AS product ON product.id = level.product_id
    LEFT JOIN (
      SELECT product_id, location_id, MAX(sequence) AS sequence
      FROM stock_movements GROUP BY product_id, location_id
    ) AS ledger ON ledger.product_id = level.product_id AND ledger.location_id = level.location_id
    LEFT JOIN stock_movements AS last_line
      ON last_line.product_id = ledger.product_id AND last_line.location_id = ledger.location_id
     AND last_line.sequence = ledger.sequence
    LEFT JOIN (
      SELECT product_id, location_id, SUM(quantity) AS quantity
      FROM reservation_lines WHERE held_until IS NOT NULL GROUP BY product_id, location_id
    ) AS held ON held.product_id = level.product_id AND held.location_id = level.location_id
    UNION ALL
    SELECT movement.product_id, movement.location_id, 'the ledger has lines, but there is no level'
    FROM (SELECT DISTINCT product_id, location_id FROM stock_movements) AS movement
    LEFT JOIN stock_levels AS level
      ON level.product_id = movement.product_id AND level.location_id = movement.location_id
    WHERE level.product_id IS NULL
  ) AS checked
  WHERE problem IS NOT NULL
  ORDER BY productId, locationId`;

/** `onCounted` is called once, with the size of what is about to be checked. */
export async function verifyLedger(
  sequelize: Sequelize,
  onCounted?: (counts: { readonly products: number; readonly movements: number }) => void,
): Promise<LedgerReport> {
  const isolationLevel = Transaction.ISOLATION_LEVELS.REPEATABLE_READ;
  return sequelize.transaction({ isolationLevel }, async (transaction) => {
    const read = <Row extends object>(sql: string): Promise<Row[]> =>
      sequelize.query<Row>(sql, { transaction, type: QueryTypes.SELECT });
    // The first read sets the snapshot that all three share.
    const [counts] = await read<{ products: number; movements: number }>(
      `SELECT (SELECT COUNT(*) FROM products) AS products,
              (SELECT COUNT(*) FROM stock_movements) AS movements`,
    );
    if (counts) onCounted?.(counts);
    const badLines = await read<LedgerProblem>(BAD_MOVEMENTS);
    const badLevels = await read<Omit<LedgerProblem, 'sequence'>>(BAD_LEVELS);

    const firstOfProduct = new Map<string, LedgerProblem>();
    for (const line of badLines) firstOfProduct.set(line.productId, line);
    for (const level of badLevels) {
      if (!firstOfProduct.has(level.productId)) {
        firstOfProduct.set(level.productId, { ...level, sequence: null });
      }
    }
    const problems = [...firstOfProduct.values()].sort((a, b) =>
      a.productId < b.productId ? -1 : 1,
    );
    return { products: counts?.products ?? 0, movements: counts?.movements ?? 0, problems };
  });
}
