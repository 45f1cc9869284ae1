/** How many units of one product its deductions have taken, by the lines of the ledger. */
import { QueryTypes, type Sequelize } from 'sequelize';

const DEDUCTED = `SELECT COALESCE(SUM(-delta), 0) AS units
  FROM stock_movements WHERE product_id = ? AND kind = 'DEDUCTION'`;

export async function readDeductedUnits(sequelize: Sequelize, productId: string): Promise<number> {
  const [row] = await sequelize.query<{ readonly units: number | string }>(DEDUCTED, {
    replacements: [productId],
    type: QueryTypes.SELECT,
  });
  return Number(row?.units ?? 0);
}
