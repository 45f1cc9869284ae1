/**
 * Creates a product with its first level and, where it has units, the first line of its ledger, in one transaction.
 *
 * A second call finds the product. After a COMMIT that was sent and failed, the operation's id in the ledger tells
 * whether the product is this call's own. A product without units has no line; it counts as this call's own then if it
 * equals the requested product.
 */
import type { Sequelize } from 'sequelize';
import type { CreateProductOutcome, NewProduct } from '../../inventory/products.js';
import { systemRandomBytes, type RandomBytes } from '../../time/clock.js';
import type { Deadline } from '../../time/deadline.js';
import { COPY_OF_THRESHOLD } from './stock-statements.js';
import { WordStatements } from './product-words.js';
import {
  Statements,
  runTransaction,
  type RunningTransaction,
  type TransactionOutcome,
} from './transactions.js';
import { readProduct } from './written-product.js';

export async function createProduct(
  writer: Sequelize,
  product: NewProduct,
  deadline: Deadline,
  newId: RandomBytes = systemRandomBytes,
): Promise<TransactionOutcome<CreateProductOutcome>> {
  const operationId = newId(32);
  return runTransaction(writer, deadline, (running) =>
    insertProduct(
      new Statements(writer, running.transaction),
      new WordStatements(writer, running.transaction),
      { product, operationId },
      running,
    ),
  );
}

async function insertProduct(
  statements: Statements,
  words: WordStatements,
  { product, operationId }: { readonly product: NewProduct; readonly operationId: Buffer },
  { commitFailed }: RunningTransaction,
): Promise<CreateProductOutcome> {
  const { id, name, quantity, locationId, lowStockThreshold } = product;
  // Of two concurrent calls the slower one gets a duplicate-key error, is repeated, and finds the product here.
  const [found] = await statements.read<Pick<NewProduct, 'name' | 'lowStockThreshold'>>(
    'SELECT name, low_stock_threshold AS lowStockThreshold FROM products WHERE id = ?',
    [id],
  );
  if (found) {
    const isOurs = commitFailed && (await isCreatedBy(statements, product, operationId, found));
    return isOurs ? readProduct(statements, id) : 'ALREADY_EXISTS';
  }
  const [location] = await statements.read('SELECT id FROM locations WHERE id = ?', [locationId]);
  if (!location) return 'LOCATION_NOT_FOUND';
  await statements.write(
    'INSERT INTO products (id, name, low_stock_threshold, may_lack_levels) VALUES (?)',
    [[id, name, lowStockThreshold, false]],
  );
  await words.add([{ id, name, archived: false }]);
  const moved = quantity > 0 ? 1 : 0;
  await statements.write(
    `INSERT INTO stock_levels (product_id, location_id, on_hand, last_sequence, version, low_stock_threshold)
     SELECT p.id, ?, ?, ?, ?, ${COPY_OF_THRESHOLD} FROM products AS p WHERE p.id = ?`,
    [locationId, quantity, moved, moved, id],
  );
  if (moved > 0) {
    await statements.write(
      `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before,
         quantity_after, available_after, operation_id, line_index) VALUES (?)`,
      [[id, locationId, 1, 'INITIAL', quantity, 0, quantity, quantity, operationId, 0]],
    );
  }
  return readProduct(statements, id);
}

async function isCreatedBy(
  statements: Statements,
  wanted: NewProduct,
  operationId: Buffer,
  found: Pick<NewProduct, 'name' | 'lowStockThreshold'>,
): Promise<boolean> {
  if (wanted.quantity > 0) {
    const [line] = await statements.read('SELECT 1 FROM stock_movements WHERE operation_id = ?', [
      operationId,
    ]);
    return line !== undefined;
  }
  return found.name === wanted.name && found.lowStockThreshold === wanted.lowStockThreshold;
}
