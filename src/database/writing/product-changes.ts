/**
 * Changes a product, in one transaction: its own row first, and its levels last, as `StockStatements.copyThresholds`
 * asks. It sets values and adds nothing, so a transaction whose COMMIT was not answered is run again.
 */
import type { Sequelize } from 'sequelize';
import type { ProductChange } from '../../inventory/products.js';
import type { Deadline } from '../../time/deadline.js';
import { StockStatements } from './stock-statements.js';
import { runTransaction, type TransactionOutcome } from './transactions.js';

interface StoredProduct {
  readonly name: string;
  readonly lowStockThreshold: number | null;
}

/** False: no product has this id. */
export function updateProduct(
  writer: Sequelize,
  change: ProductChange,
  deadline: Deadline,
): Promise<TransactionOutcome<boolean>> {
  return runTransaction(writer, deadline, async ({ transaction }) => {
    const statements = new StockStatements(writer, transaction);
    const stored = await lockProduct(statements, change.id);
    if (!stored) return false;
    const { id, name = stored.name, lowStockThreshold = stored.lowStockThreshold } = change;
    await statements.write('UPDATE products SET name = ?, low_stock_threshold = ? WHERE id = ?', [
      name,
      lowStockThreshold,
      id,
    ]);
    if (lowStockThreshold !== stored.lowStockThreshold) await statements.copyThresholds([id]);
    return true;
  });
}

async function lockProduct(
  statements: StockStatements,
  id: string,
): Promise<StoredProduct | undefined> {
  const [stored] = await statements.read<StoredProduct>(
    'SELECT name, low_stock_threshold AS lowStockThreshold FROM products WHERE id = ? FOR UPDATE',
    [id],
  );
  return stored;
}
