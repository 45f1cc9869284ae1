/**
 * What the rivals share: pools with the session settings of the product, and the statements for the same rows that a
 * deduction of the product writes.
 */
import { randomBytes } from 'node:crypto';
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { openPool } from '../../src/database/pool.js';
import { Reader } from '../../src/database/reader.js';
import type { Contender, Line, Services } from './contender.js';

/** Sequelize's default, so that no rival fails because of a bound that suits the product. */
const ACQUIRE_TIMEOUT_MS = 60_000;
const OPERATION_ID_BYTES = 32;

export interface LevelRow {
  readonly onHand: number;
  readonly reserved: number;
  readonly lastSequence: number;
  readonly version: number;
}

export function openRivalPool({ mysqlUrl }: Services, poolMax: number): Sequelize {
  return openPool({ url: mysqlUrl }, poolMax, {
    pool: { max: poolMax, min: 0, idle: 10_000, acquire: ACQUIRE_TIMEOUT_MS },
  });
}

/** The product's reads, on a rival's one pool and without a bound of their own. */
export function readsOf(sequelize: Sequelize): Contender['pools'] {
  const reader = new Reader({ reader: sequelize, control: sequelize }, Infinity);
  return { reader, writer: sequelize };
}

export class StockRows {
  private readonly operationIds = new OperationIds();

  constructor(private readonly sequelize: Sequelize) {}

  async readLevel(
    transaction: Transaction | null,
    { productId }: Line,
    options: { readonly lock: boolean },
  ): Promise<LevelRow> {
    const [level] = await this.sequelize.query<LevelRow>(
      `SELECT on_hand AS onHand, reserved, last_sequence AS lastSequence, version
       FROM stock_levels WHERE product_id = ? AND location_id = 'default'${options.lock ? ' FOR UPDATE' : ''}`,
      { replacements: [productId], transaction, type: QueryTypes.SELECT },
    );
    if (!level) throw new Error(`There is no level of ${productId}.`);
    return level;
  }

  /** Takes the line out of its level if enough is available. @returns whether it was. */
  async takeFromLevel(transaction: Transaction, { productId, quantity }: Line): Promise<boolean> {
    const changed = await this.sequelize.query(
      `UPDATE stock_levels
       SET on_hand = on_hand - ?, last_sequence = last_sequence + 1, version = version + 1
       WHERE product_id = ? AND location_id = 'default' AND on_hand - reserved >= ?`,
      {
        replacements: [quantity, productId, quantity],
        transaction,
        type: QueryTypes.BULKUPDATE,
      },
    );
    return changed === 1;
  }

  /** Takes the line out of a level that is as it was read. @returns whether it still was. */
  async takeFromVersion(
    transaction: Transaction,
    { productId, quantity }: Line,
    version: number,
  ): Promise<boolean> {
    const changed = await this.sequelize.query(
      `UPDATE stock_levels
       SET on_hand = on_hand - ?, last_sequence = last_sequence + 1, version = version + 1
       WHERE product_id = ? AND location_id = 'default' AND version = ?`,
      { replacements: [quantity, productId, version], transaction, type: QueryTypes.BULKUPDATE },
    );
    return changed === 1;
  }

  /** Takes lines of one product, of which it is known that there are enough, with one line in the ledger for each. */
  async takeAll(transaction: Transaction, lines: readonly Line[]): Promise<void> {
    const [first] = lines;
    if (!first) return;
    const level = await this.readLevel(transaction, first, { lock: true });
    const all = lines.reduce((sum, { quantity }) => sum + quantity, 0);
    await this.sequelize.query(
      `UPDATE stock_levels SET on_hand = on_hand - ?, last_sequence = last_sequence + ?, version = version + 1
       WHERE product_id = ? AND location_id = 'default'`,
      {
        replacements: [all, lines.length, first.productId],
        transaction,
        type: QueryTypes.BULKUPDATE,
      },
    );
    let { onHand, lastSequence } = level;
    const rows = lines.map(({ productId, quantity }) => {
      const before = onHand;
      onHand -= quantity;
      lastSequence += 1;
      const after = [before, onHand, onHand - level.reserved];
      const id = this.operationIds.next();
      return [productId, 'default', lastSequence, 'DEDUCTION', -quantity, ...after, id, 0];
    });
    await this.sequelize.query(
      `INSERT INTO stock_movements
         (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after, available_after,
          operation_id, line_index)
       VALUES ${rows.map(() => '(?)').join(', ')}`,
      { replacements: rows, transaction, type: QueryTypes.BULKUPDATE },
    );
  }

  /** The ledger line of what was just taken, from the level as this transaction now reads it. */
  async insertMovementFromLevel(
    transaction: Transaction,
    { productId, quantity }: Line,
  ): Promise<void> {
    await this.sequelize.query(
      `INSERT INTO stock_movements
         (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after, available_after,
          operation_id, line_index)
       SELECT product_id, location_id, last_sequence, 'DEDUCTION', ?, on_hand + ?, on_hand, on_hand - reserved, ?, 0
       FROM stock_levels WHERE product_id = ? AND location_id = 'default'`,
      {
        replacements: [-quantity, quantity, this.operationIds.next(), productId],
        transaction,
        type: QueryTypes.BULKUPDATE,
      },
    );
  }

  /** The ledger line of a deduction, computed from a level that was read before. */
  async insertMovement(
    transaction: Transaction,
    { productId, quantity }: Line,
    before: LevelRow,
  ): Promise<void> {
    const after = before.onHand - quantity;
    await this.sequelize.query(
      `INSERT INTO stock_movements
         (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after, available_after,
          operation_id, line_index)
       VALUES (?, 'default', ?, 'DEDUCTION', ?, ?, ?, ?, ?, 0)`,
      {
        replacements: [
          productId,
          before.lastSequence + 1,
          -quantity,
          before.onHand,
          after,
          after - before.reserved,
          this.operationIds.next(),
        ],
        transaction,
        type: QueryTypes.BULKUPDATE,
      },
    );
  }

  async insertReservation(
    transaction: Transaction,
    { productId, quantity }: Line,
    ttlSeconds: number,
  ): Promise<void> {
    const operationId = this.operationIds.next();
    const id = operationId.toString('hex');
    const type = QueryTypes.BULKUPDATE as const;
    await this.sequelize.query(
      `INSERT INTO reservations (id, created_by, created_at, expires_at)
       VALUES (?, ?, NOW(6), NOW(6) + INTERVAL ? SECOND)`,
      { replacements: [id, operationId, ttlSeconds], transaction, type },
    );
    await this.sequelize.query(
      `INSERT INTO reservation_lines (reservation_id, line_index, product_id, location_id, quantity, held_until)
       VALUES (?, 0, ?, 'default', ?, NOW(6) + INTERVAL ? SECOND)`,
      { replacements: [id, productId, quantity, ttlSeconds], transaction, type },
    );
  }

  async holdOfLevel(transaction: Transaction, { productId, quantity }: Line): Promise<void> {
    await this.sequelize.query(
      `UPDATE stock_levels SET reserved = reserved + ?, version = version + 1
       WHERE product_id = ? AND location_id = 'default'`,
      { replacements: [quantity, productId], transaction, type: QueryTypes.BULKUPDATE },
    );
  }
}

/** A random prefix per process and a counter, as in the product: adjacent in the ledger's index. */
class OperationIds {
  private readonly prefix = randomBytes(OPERATION_ID_BYTES - 8);
  private begun = 0n;

  next(): Buffer {
    const id = Buffer.allocUnsafe(OPERATION_ID_BYTES);
    this.prefix.copy(id);
    this.begun += 1n;
    id.writeBigUInt64BE(this.begun, OPERATION_ID_BYTES - 8);
    return id;
  }
}
