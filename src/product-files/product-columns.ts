/** The columns of a product file, in the order in which they are written; read, they may come in any order. */

export const PRODUCT_COLUMNS = [
  'id',
  'name',
  'locationId',
  'quantity',
  'lowStockThreshold',
] as const;

export type ProductColumn = (typeof PRODUCT_COLUMNS)[number];

/** One row as text, by column. */
export type ProductCells = Readonly<Record<ProductColumn, string>>;

export function isProductColumn(name: string): name is ProductColumn {
  return (PRODUCT_COLUMNS as readonly string[]).includes(name);
}
