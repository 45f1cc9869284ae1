/**
 * Changes a product, in one transaction: its own row first, and its levels last, as `StockStatements.copyThresholds`
 * asks. It sets values and adds nothing, so a transaction whose COMMIT was not answered is run again.
 */
import type { Sequelize } from 'sequelize';
import type { Product, ProductChange } from '../../inventory/products.js';
import type { StockLevelState } from '../../inventory/stock.js';
import type { Deadline } from '../../time/deadline.js';
import { StockStatements } from './stock-statements.js';
import { WordStatements } from './product-words.js';
import { runTransaction, type TransactionOutcome } from './transactions.js';
import { readProduct } from './written-product.js';

interface StoredProduct {
  readonly name: string;
  readonly lowStockThreshold: number | null;
  readonly archived: number;
}

/** Null: no product has this id. */
export function updateProduct(
  writer: Sequelize,
  change: ProductChange,
  deadline: Deadline,
): Promise<TransactionOutcome<Product | null>> {
  return runTransaction(writer, deadline, async ({ transaction }) => {
    const statements = new StockStatements(writer, transaction);
    const stored = await lockProduct(statements, change.id);
    if (!stored) return null;
    const { id, name = stored.name, lowStockThreshold = stored.lowStockThreshold } = change;
    await statements.write('UPDATE products SET name = ?, low_stock_threshold = ? WHERE id = ?', [
      name,
      lowStockThreshold,
      id,
    ]);
    if (name !== stored.name) {
      const archived = stored.archived !== 0;
      await new WordStatements(writer, transaction).replace([{ id, name, archived }]);
    }
    if (lowStockThreshold !== stored.lowStockThreshold) await statements.copyThresholds([id]);
    return readProduct(statements, id);
  });
}

export interface Archived {
  /** Null: no product has this id. */
  readonly product: Product | null;
  /** The levels that were changed. */
  readonly levels: readonly StockLevelState[];
  /** An earlier attempt, whose COMMIT was not answered, may have changed levels. */
  readonly settled: boolean;
}

/**
 * Takes a product out of sale, or puts it back, with all its levels. Each level's version grows, so from COMMIT on no
 * process carries out what it has decided from the levels before.
 */
export function setArchived(
  writer: Sequelize,
  { id, archived }: { readonly id: string; readonly archived: boolean },
  deadline: Deadline,
): Promise<TransactionOutcome<Archived>> {
  return runTransaction(writer, deadline, async ({ transaction, tracesAreSought: settled }) => {
    const statements = new StockStatements(writer, transaction);
    const stored = await lockProduct(statements, id);
    if (!stored) return { product: null, levels: [], settled };
    if ((stored.archived !== 0) === archived) {
      return { product: await readProduct(statements, id), levels: [], settled };
    }
    await statements.write(
      `UPDATE products SET archived_at = ${archived ? 'NOW(6)' : 'NULL'} WHERE id = ?`,
      [id],
    );
    await new WordStatements(writer, transaction).setArchived(id, archived);
    const levels = await statements.copyArchived(id);
    return { product: await readProduct(statements, id), levels, settled };
  });
}

async function lockProduct(
  statements: StockStatements,
  id: string,
): Promise<StoredProduct | undefined> {
  const [stored] = await statements.read<StoredProduct>(
    `SELECT name, low_stock_threshold AS lowStockThreshold, is_archived AS archived
     FROM products WHERE id = ? FOR UPDATE`,
    [id],
  );
  return stored;
}
