/** A product as SQL reads it: its own columns, and the sums of its levels. */
import type { Product } from '../../inventory/products.js';

/** Sums are answered as GraphQL's 32-bit Int. */
const SUM_MAX = 2_147_483_647;

export interface ProductRecord extends Omit<Product, 'onHand' | 'reserved' | 'available'> {
  readonly onHand: number | string;
  readonly reserved: number | string;
  readonly due: number | string;
}

function sumOfLevels(expression: string): string {
  return `COALESCE((SELECT SUM(l.${expression}) FROM stock_levels l WHERE l.product_id = p.id), 0)`;
}

/** Units that levels still count as reserved, of reservations that have expired. */
const SUM_OF_DUE = `COALESCE((SELECT SUM(r.quantity) FROM reservation_lines r
  WHERE r.product_id = p.id AND r.held_until <= NOW(6)), 0)`;

/** The sums of each product come from an index range of its own levels, so a page costs what its products cost. */
export const SELECT_PRODUCTS = `SELECT p.id, p.name, p.low_stock_threshold AS lowStockThreshold,
    p.archived_at AS archivedAt, p.created_at AS createdAt,
    GREATEST(p.updated_at, COALESCE(
      (SELECT MAX(l.updated_at) FROM stock_levels l WHERE l.product_id = p.id), p.updated_at
    )) AS updatedAt,
    ${sumOfLevels('on_hand')} AS onHand, ${sumOfLevels('reserved')} AS reserved, ${SUM_OF_DUE} AS due
  FROM products p`;

/** Whether the stock of the product is low now. */
export const IS_LOW = `COALESCE(
  ${sumOfLevels('on_hand - l.reserved')} + ${SUM_OF_DUE} <= p.low_stock_threshold, FALSE)`;

export function toProducts(rows: readonly ProductRecord[]): Product[] {
  return rows.map(({ due, ...row }) => {
    const onHand = Number(row.onHand);
    const reserved = Number(row.reserved) - Number(due);
    return {
      ...row,
      onHand: Math.min(onHand, SUM_MAX),
      reserved: Math.min(reserved, SUM_MAX),
      available: Math.min(onHand - reserved, SUM_MAX),
    };
  });
}
