/**
 * The cost of a page in a small shop and in a large one. Both are read by key at random positions. In the large one
 * pages are also read by OFFSET, for comparison.
 */
import type { Sequelize } from 'sequelize';
import { openPool } from '../../src/database/pool.js';
import { toRow } from '../report/row.js';
import { PRODUCTS_MAX, type TestBed } from '../test-bed.js';
import type { Job } from '../workers/job.js';
import { Workers, type Scenario, type Trial } from './scenario.js';

const PRODUCTS_SMALL = 100;
export const LINES_PER_PRODUCT = 10;
const WARM_UP_MS = 500;
/** One caller, so that the latency is the cost of a page without waiting. */
const CALLERS = 1;
const FILL_SILENCE_MAX_MS = 3_600_000;

export const read: Scenario = {
  name: 'read',
  what: `pages at random positions, ${PRODUCTS_SMALL} products and a large shop (--read-rows), by key and by offset`,
  merit: 'p99Ms',
  contenders: ['small', 'large'],
  known: ['small', 'large'],
  repeatsMax: 1,
  formsOf: () => [{ label: 'pool 10', poolMax: 10 }],
  run: async (trial, bed) => {
    const isLarge = trial.contender === 'large';
    const products = isLarge
      ? Math.max(PRODUCTS_SMALL, Math.ceil(trial.readRows / LINES_PER_PRODUCT))
      : PRODUCTS_SMALL;
    await fill(bed, products);
    const size = { products, lines: products * LINES_PER_PRODUCT };
    const rows = [await measure(trial, bed, { ...size, how: 'keyset' }, trial.contender)];
    if (isLarge) rows.push(await measure(trial, bed, { ...size, how: 'offset' }, 'offset'));
    return rows;
  },
};

async function measure(
  trial: Trial,
  bed: TestBed,
  reads: Pick<Extract<Job, { kind: 'page-reads' }>, 'products' | 'lines' | 'how'>,
  contender: string,
) {
  const { services } = bed;
  const job: Job = { kind: 'page-reads', services, seed: 1, ...reads };
  const { value } = await Workers.use(bed, [job], async (workers) => {
    await workers.warmUp(CALLERS, WARM_UP_MS);
    return workers.measureFor(CALLERS, trial.seconds);
  });
  const title = { scenario: 'read', ...trial, contender, point: '', callers: CALLERS };
  return toRow(title, value, null);
}

/** Products with ledger lines each, which the server copies from the few that are inserted. */
async function fill(bed: TestBed, products: number): Promise<void> {
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
    for (const table of ['products', 'stock_levels', 'stock_movements']) {
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
       available_after, operation_id, line_index)
     SELECT product_id, location_id, ${sequence}, 'INCREASE', 1, on_hand, on_hand + 1, on_hand + 1,
            UNHEX(CONCAT('FF', LPAD(HEX(${sequence}), 62, '0'))), ROW_NUMBER() OVER (ORDER BY product_id)
     FROM stock_levels`,
  );
  await database.query(
    `UPDATE stock_levels SET on_hand = on_hand + 1, last_sequence = ${sequence}, version = version + 1`,
  );
}
