/** The data set of the reads: a shop with a ledger, with reservations and with idempotency keys. */
import type { Sequelize } from 'sequelize';
import { openPool } from '../src/database/pool.js';
import { PRODUCTS_MAX, type TestBed } from './test-bed.js';

export const LINES_PER_PRODUCT = 10;
const FILLED = ['products', 'stock_levels', 'stock_movements', 'reservations', 'stock_operations'];
const FILL_SILENCE_MAX_MS = 3_600_000;
/** Lines that one transaction writes, and those of one request. */
const LINES_PER_BATCH = 200;
const LINES_PER_REQUEST = 10;
/** One product of so many has a reservation, a request with an idempotency key, and lines with a reference. */
export const PRODUCTS_PER_ORDER = 10;
export const PRINCIPALS = 100;

/** Products with ledger lines each, which the server copies from the few that are inserted. */
export async function fillShop(bed: TestBed, products: number): Promise<void> {
  const seeds = Math.min(products, PRODUCTS_MAX);
  await bed.prepare({ products: seeds, units: 1 });
  const database = openPool({ url: bed.services.mysqlUrl, silenceMaxMs: FILL_SILENCE_MAX_MS }, 1);
  try {
    for (let made = seeds; made < products; made += seeds) {
      bed.signal.throwIfAborted();
      await multiply(database, Math.round(made / seeds), Math.min(seeds, products - made));
    }
    for (let sequence = 2; sequence <= LINES_PER_PRODUCT; sequence += 1) {
      bed.signal.throwIfAborted();
      await addLines(database, sequence);
    }
    await addOrders(database);
    for (const table of FILLED) {
      await database.query(`ANALYZE TABLE ${table}`);
    }
  } finally {
    await database.close();
  }
}

/** Copies of the first products, each with an id between those of its original and the next. */
async function multiply(database: Sequelize, copy: number, count: number): Promise<void> {
  const originals = `SELECT id FROM products WHERE LENGTH(id) = 7 ORDER BY id LIMIT ${count}`;
  await database.query(
    `INSERT INTO products (id, name)
     SELECT CONCAT(id, '-', ${copy}), CONCAT('Product ', id, ' ', ${copy}) FROM (${originals}) AS original`,
  );
  await database.query(
    `INSERT INTO stock_levels (product_id, location_id, on_hand, last_sequence, version)
     SELECT CONCAT(id, '-', ${copy}), 'default', 1, 1, 1 FROM (${originals}) AS original`,
  );
  await database.query(
    `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
       available_after, operation_id, line_index)
     SELECT CONCAT(id, '-', ${copy}), 'default', 1, 'INITIAL', 1, 0, 1, 1, UNHEX(LPAD(HEX(${copy}), 64, '0')),
            ROW_NUMBER() OVER (ORDER BY id) FROM (${originals}) AS original`,
  );
}

async function addLines(database: Sequelize, sequence: number): Promise<void> {
  await database.query(
    `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
       available_after, operation_id, line_index, reference, principal, created_at)
     SELECT product_id, location_id, ${sequence}, 'INCREASE', 1, on_hand, on_hand + 1, on_hand + 1,
            ${operationOf(`n DIV ${LINES_PER_REQUEST}`, sequence)}, n % ${LINES_PER_REQUEST},
            IF(n % ${PRODUCTS_PER_ORDER} = 0, CONCAT('order-', n), NULL), CONCAT('shop-', n % ${PRINCIPALS}),
            '2026-01-01' + INTERVAL ${sequence} DAY + INTERVAL n DIV ${LINES_PER_BATCH} SECOND
     FROM (${NUMBERED}) AS level ORDER BY n`,
  );
  await database.query(
    `UPDATE stock_levels SET on_hand = on_hand + 1, last_sequence = ${sequence}, version = version + 1`,
  );
}

/** Of one product in ten: a committed reservation, and a request with an idempotency key. */
async function addOrders(database: Sequelize): Promise<void> {
  const ordered = `(${NUMBERED}) AS level WHERE n % ${PRODUCTS_PER_ORDER} = 0 ORDER BY n`;
  await database.query(
    `INSERT INTO reservations (id, status, reference, principal, created_by, closed_by, created_at, expires_at)
     SELECT CONCAT('r-', n), 'COMMITTED', CONCAT('order-', n), CONCAT('shop-', n % ${PRINCIPALS}),
            ${operationOf('n', 0)}, ${operationOf(`n DIV ${LINES_PER_REQUEST}`, LINES_PER_PRODUCT)},
            '2026-01-01' + INTERVAL n SECOND, '2026-01-02' + INTERVAL n SECOND FROM ${ordered}`,
  );
  await database.query(
    `INSERT INTO stock_operations (id, operation, fingerprint, answers, created_at)
     SELECT UNHEX(SHA2(CONCAT('["","key-', n, '"]'), 256)), 'deductStock', UNHEX(SHA2(n, 256)), '0A1,2;',
            '2026-01-01' + INTERVAL n SECOND FROM ${ordered}`,
  );
}

const NUMBERED = `SELECT product_id, location_id, on_hand, ROW_NUMBER() OVER (ORDER BY product_id) - 1 AS n
  FROM stock_levels`;

/** SQL for the id of a request. */
function operationOf(number: string, sequence: number): string {
  return `UNHEX(CONCAT('FF', LPAD(HEX(${sequence}), 4, '0'), LPAD(HEX(${number}), 58, '0')))`;
}
