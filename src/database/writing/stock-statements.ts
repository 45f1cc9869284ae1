/**
 * The statements of the writing transaction on operations, levels and the ledger, each over a whole list.
 *
 * Lists come sorted byte by byte, and joins are driven from the list, so that every transaction locks rows in the
 * same order.
 */
import type { Operation, Place, StockLevelState, StockWrite } from '../../inventory/stock.js';
import type { PlannedLevelChange, PlannedMovement } from '../../inventory/decision.js';
import type { ApplyOptions } from '../../inventory/stock-store.js';
import { UnexpectedRowCountError } from '../errors.js';
import { Statements } from './transactions.js';
import { unlessWithdrawn } from './withdrawals.js';

/** The row that an idempotency key claims. The key itself is not stored: it is as long as a client likes. */
export interface KeyedOperation {
  /** The operation's id: SHA-256 of scope and key. */
  readonly id: Buffer;
  /** The id as hexadecimal text: equal, and in the same order, as its bytes. */
  readonly operationKey: string;
  readonly name: string;
  readonly fingerprint: Buffer;
  /** Of the reservation that the operation creates; null for any other operation. */
  readonly reservationId: string | null;
}

export interface StoredOperation {
  readonly operationKey: string;
  readonly name: string;
  readonly fingerprint: Buffer;
  /** Also null in rows of earlier versions of the program, which did not store it. */
  readonly reservationId: string | null;
  /** Its stored answers have been deleted. */
  readonly expired: boolean;
  /** See stored-answers.ts. */
  readonly answers: string;
  /** Since its row was created, in milliseconds. */
  readonly ageMs: number;
}

export interface WrittenMovement {
  readonly operationId: Buffer;
  readonly lineIndex: number;
  readonly sequence: number;
  readonly availableAfter: number;
}

/** Columns that are left out of the statement where no line of a batch has a value for them. */
const OPTIONAL_COLUMNS: readonly {
  readonly name: string;
  readonly of: (
    movement: PlannedMovement,
    options: MovementOptions,
  ) => string | number | Buffer | null;
}[] = [
  { name: 'reason', of: ({ write }) => write.reason },
  { name: 'reference', of: ({ write }) => write.reference },
  { name: 'idempotency_key', of: ({ write }) => bytesOf(write.operation.idempotencyKey) },
  { name: 'principal', of: ({ write }) => write.operation.principal },
  { name: 'waited_ms', of: ({ write }, options) => waitedMsOf(write, options) },
];

type MovementOptions = Pick<ApplyOptions, 'fencingTokenOf' | 'waitedMsOf'>;

/**
 * Locked rows are found by their keys (FORCE INDEX), whatever else would cost less: a statement that reads a small
 * table as a whole waits for all rows of it that other transactions have locked.
 */
export class StockStatements extends Statements {
  /**
   * Locks the operations' rows until the transaction ends, and creates those that are new. Waits for transactions that
   * have locked them.
   *
   * @returns how many of them are new.
   */
  async claimOperations(operations: readonly KeyedOperation[]): Promise<number> {
    // An unchanged row counts as 0 and a new one as 1, because the connection does not ask for FOUND_ROWS.
    return this.write(
      `INSERT INTO stock_operations (id, operation, fingerprint, reservation_id) VALUES ?
       ON DUPLICATE KEY UPDATE operation = stock_operations.operation`,
      [operations.map((o) => [o.id, o.name, o.fingerprint, o.reservationId])],
    );
  }

  async readOperations(operations: readonly KeyedOperation[]): Promise<readonly StoredOperation[]> {
    const rows = await this.read<{
      id: Buffer;
      operation: string;
      fingerprint: Buffer;
      reservation_id: string | null;
      answer_expired: number;
      answers: string | null;
      age_ms: string;
    }>(
      `SELECT id, operation, fingerprint, reservation_id, answer_expired, answers,
              TIMESTAMPDIFF(MICROSECOND, created_at, NOW(6)) / 1000 AS age_ms
       FROM stock_operations WHERE id IN (?)`,
      [operations.map(({ id }) => id)],
    );
    return rows.map((row) => ({
      operationKey: row.id.toString('hex'),
      name: row.operation,
      fingerprint: row.fingerprint,
      reservationId: row.reservation_id,
      expired: row.answer_expired !== 0,
      answers: row.answers ?? '',
      ageMs: Number(row.age_ms),
    }));
  }

  /**
   * Adds to the answers of operations that this transaction has claimed.
   *
   * @throws UnexpectedRowCountError where a row does not exist.
   */
  async appendAnswers(
    answered: readonly (Pick<KeyedOperation, 'id'> & { readonly answers: string })[],
  ): Promise<void> {
    // The rows exist, so nothing is inserted. An UPDATE with a value for each row costs more: it is either a join with
    // as many SELECTs, or a CASE that compares each row with all ids. A row that is updated counts as 2.
    const counted = await this.write(
      `INSERT INTO stock_operations (id, operation, fingerprint, answers) VALUES ?
       ON DUPLICATE KEY UPDATE answers = CONCAT(COALESCE(stock_operations.answers, ''), VALUES(answers))`,
      [answered.map(({ id, answers }) => [id, '', '', answers])],
    );
    if (counted !== 2 * answered.length) {
      throw new UnexpectedRowCountError(2 * answered.length, counted);
    }
  }

  async readLevels(
    places: readonly Place[],
    { lock }: { lock: boolean },
  ): Promise<readonly StockLevelState[]> {
    const rows = await this.read<{
      product_id: string;
      location_id: string;
      on_hand: number;
      reserved: number;
      last_sequence: number;
      version: number;
      archived: number;
    }>(
      `SELECT product_id, location_id, on_hand, reserved, last_sequence, version, archived
       FROM stock_levels FORCE INDEX (PRIMARY) WHERE (product_id, location_id) IN (?)
       ORDER BY product_id, location_id${lock ? ' FOR UPDATE' : ''}`,
      [places.map((place) => [place.productId, place.locationId])],
    );
    return rows.map((row) => ({
      productId: row.product_id,
      locationId: row.location_id,
      onHand: row.on_hand,
      reserved: row.reserved,
      lastSequence: row.last_sequence,
      version: row.version,
      archived: row.archived !== 0,
    }));
  }

  /** Where these products have levels. */
  async readPlaces(productIds: readonly string[]): Promise<readonly Place[]> {
    return this.read<Place>(
      `SELECT product_id AS productId, location_id AS locationId
       FROM stock_levels WHERE product_id IN (?)`,
      [productIds],
    );
  }

  /** The levels among these that no other transaction has locked. */
  async readFreeLevels(places: readonly Place[]): Promise<readonly Place[]> {
    const rows = await this.read<{ product_id: string; location_id: string }>(
      `SELECT product_id, location_id FROM stock_levels
       WHERE (product_id, location_id) IN (?) FOR UPDATE SKIP LOCKED`,
      [places.map((place) => [place.productId, place.locationId])],
    );
    return rows.map((row) => ({ productId: row.product_id, locationId: row.location_id }));
  }

  /** Which of these locations exist. */
  async readLocations(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const rows = await this.read<{ id: string }>('SELECT id FROM locations WHERE id IN (?)', [ids]);
    return new Set(rows.map((row) => row.id));
  }

  /** Which of these products exist, and whether they are out of sale. */
  async readProducts(
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, { readonly archived: boolean }>> {
    const rows = await this.read<{ id: string; archived: number }>(
      'SELECT id, is_archived AS archived FROM products WHERE id IN (?)',
      [ids],
    );
    return new Map(rows.map(({ id, archived }) => [id, { archived: archived !== 0 }]));
  }

  /**
   * Changes each level only if its version is the one that was read and enough is available.
   *
   * @param writes must not be withdrawn.
   * @throws UnexpectedRowCountError where a level does not meet both conditions, or a write is withdrawn.
   */
  async changeLevels(
    changes: readonly PlannedLevelChange[],
    writes: readonly StockWrite[],
  ): Promise<void> {
    const [first, ...rest] = changes.map((change) => [
      change.productId,
      change.locationId,
      change.before?.version ?? 0,
      change.delta,
      change.reservedDelta,
      change.movements,
    ]);
    if (!first) return;
    const condition = unlessWithdrawn(writes);
    const changed = await this.write(
      `UPDATE (
         SELECT CONVERT(? USING ascii) COLLATE ascii_bin AS product_id,
                CONVERT(? USING ascii) COLLATE ascii_bin AS location_id,
                ? AS version, ? AS delta, ? AS reserved_delta, ? AS movements
         ${rest.map(() => 'UNION ALL SELECT ?, ?, ?, ?, ?, ?').join('\n')}
       ) AS wanted
       STRAIGHT_JOIN stock_levels AS current_level FORCE INDEX (PRIMARY)
         ON current_level.product_id = wanted.product_id AND current_level.location_id = wanted.location_id
       SET current_level.on_hand = current_level.on_hand + wanted.delta,
           current_level.reserved = current_level.reserved + wanted.reserved_delta,
           current_level.last_sequence = current_level.last_sequence + wanted.movements,
           current_level.version = current_level.version + 1
       WHERE current_level.version = wanted.version
         AND current_level.on_hand - current_level.reserved + wanted.delta - wanted.reserved_delta >= 0
       ${condition.sql}`,
      [...[first, ...rest].flat(), ...condition.values],
    );
    if (changed !== changes.length) throw new UnexpectedRowCountError(changes.length, changed);
  }

  /** Creates the levels that do not exist, empty. Levels that exist stay as they are. */
  async createLevels(places: readonly Place[]): Promise<void> {
    const copyOf = await this.lockProducts(places);
    await this.write(
      `INSERT INTO stock_levels (product_id, location_id, low_stock_threshold, archived) VALUES ?
       ON DUPLICATE KEY UPDATE version = stock_levels.version`,
      [
        places.map(({ productId, locationId }) => {
          const { threshold, archived } = copyOf(productId);
          return [productId, locationId, threshold, archived];
        }),
      ],
    );
  }

  /** Creates levels with their first stock. A level that exists is a duplicate, which is a lost race. */
  async insertLevels(levels: readonly (Place & { readonly quantity: number })[]): Promise<void> {
    const copyOf = await this.lockProducts(levels);
    await this.write(
      `INSERT INTO stock_levels
         (product_id, location_id, on_hand, last_sequence, version, low_stock_threshold, archived) VALUES ?`,
      [
        levels.map(({ productId, locationId, quantity }) => {
          const moved = quantity > 0 ? 1 : 0;
          const { threshold, archived } = copyOf(productId);
          return [productId, locationId, quantity, moved, moved, threshold, archived];
        }),
      ],
    );
  }

  /**
   * What new levels copy of their products. The products' rows stay locked, so that a change of a product that is made
   * meanwhile finds the new levels.
   */
  private async lockProducts(
    places: readonly Place[],
  ): Promise<(productId: string) => { readonly threshold: number; readonly archived: boolean }> {
    const ids = [...new Set(places.map(({ productId }) => productId))];
    const rows = await this.read<{ id: string; threshold: number; archived: number }>(
      `SELECT p.id, ${COPY_OF_THRESHOLD} AS threshold, p.is_archived AS archived
       FROM products AS p FORCE INDEX (PRIMARY) WHERE p.id IN (?) ORDER BY p.id FOR UPDATE`,
      [ids],
    );
    const found = new Map(
      rows.map(({ id, threshold, archived }) => [id, { threshold, archived: archived !== 0 }]),
    );
    return (productId) => found.get(productId) ?? { threshold: NO_THRESHOLD, archived: false };
  }

  /**
   * Copies the thresholds of these products into their levels. Whatever sets a threshold does this after it, as the
   * transaction's last step: it locks levels.
   */
  async copyThresholds(productIds: readonly string[]): Promise<void> {
    if (productIds.length === 0) return;
    await this.write(
      `UPDATE stock_levels AS l FORCE INDEX (PRIMARY)
         STRAIGHT_JOIN products AS p FORCE INDEX (PRIMARY) ON p.id = l.product_id
       SET l.low_stock_threshold = ${COPY_OF_THRESHOLD}
       WHERE l.product_id IN (?)`,
      [productIds],
    );
  }

  /**
   * Copies into a product's levels whether it is archived, as a change of each: no decision from an earlier version can
   * be written after it. As copyThresholds, the last step of its transaction.
   *
   * @returns the levels as they are now.
   */
  async copyArchived(productId: string): Promise<readonly StockLevelState[]> {
    await this.write(
      `UPDATE stock_levels AS l JOIN products AS p ON p.id = l.product_id
       SET l.archived = p.is_archived, l.low_stock_threshold = ${COPY_OF_THRESHOLD}, l.version = l.version + 1
       WHERE l.product_id = ?`,
      [productId],
    );
    const places = await this.readPlaces([productId]);
    return places.length === 0 ? [] : this.readLevels(places, { lock: false });
  }

  async insertMovements(
    movements: readonly PlannedMovement[],
    options: MovementOptions,
  ): Promise<void> {
    if (movements.length === 0) return;
    const optional = OPTIONAL_COLUMNS.filter(({ of }) =>
      movements.some((m) => of(m, options) !== null),
    );
    const names = optional.map(({ name }) => `, ${name}`).join('');
    await this.write(
      `INSERT INTO stock_movements
         (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after, available_after,
          operation_id, line_index, fencing_token${names}) VALUES ?`,
      [
        movements.map((m) => [
          m.line.productId,
          m.line.locationId,
          m.sequence,
          m.kind,
          m.delta,
          m.quantityBefore,
          m.quantityAfter,
          m.availableAfter,
          m.write.operation.id,
          m.line.index,
          options.fencingTokenOf(m.line.productId),
          ...optional.map(({ of }) => of(m, options)),
        ]),
      ],
    );
  }

  /** The ledger lines that these operations have written already. */
  async readMovementsOf(operations: readonly Operation[]): Promise<readonly WrittenMovement[]> {
    return this.read<WrittenMovement>(
      `SELECT operation_id AS operationId, line_index AS lineIndex, sequence, available_after AS availableAfter
       FROM stock_movements WHERE operation_id IN (?)`,
      [operations.map((operation) => operation.id)],
    );
  }
}

function waitedMsOf({ operation }: StockWrite, options: MovementOptions): number | null {
  const waitedMs = options.waitedMsOf?.(operation) ?? null;
  return waitedMs === null ? null : Math.max(0, Math.round(waitedMs));
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text, 'utf8');
}

/** Below every quantity. */
const NO_THRESHOLD = -1;

/** A product's threshold as its levels have it. The stock of a product that is out of sale is not watched. */
export const COPY_OF_THRESHOLD = `IF(p.is_archived, ${NO_THRESHOLD}, COALESCE(p.low_stock_threshold, ${NO_THRESHOLD}))`;
