/** Products whose stock is low are found by an index, whatever the size of the shop, and each page is exact. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { openPool } from '../../../src/database/pool.js';
import { up } from '../../../src/database/migrations/2026.11.28T02.00.00.low-stock.js';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { MysqlProductImport } from '../../../src/database/writing/product-import.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import type { ProductFilter } from '../../../src/inventory/products.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { NUMBERS, numberSteps } from '../../support/number-rows.js';
import { inTenSeconds, onePool } from '../../support/one-pool.js';
import { operations, write } from '../../support/stock-writes.js';
import { touchedRows } from '../../support/touched-rows.js';
import { walkPages, type Walked } from '../../support/walked-pages.js';

const MANY = 100_000;
let fresh: FreshDatabase;
/** One connection, whose counts of touched rows are those of what was just read. */
let session: Sequelize;
let products: MysqlProductCatalogue;
const statements: string[] = [];

beforeEach(async () => {
  fresh = await createFreshDatabase();
  session = openPool({ url: fresh.url, onStatement: (sql) => statements.push(sql) }, 1);
  products = new MysqlProductCatalogue(onePool(session));
});

afterEach(async () => {
  await session.close();
  await fresh.drop();
});

const run = (sql: string, replacements: unknown[] = []) =>
  fresh.sequelize.query(sql, { replacements });

/** So many products with a threshold of 5, and with two levels each, which have this quantity. */
async function addProducts(count: number, prefix: string, quantity: number): Promise<void> {
  await run(`INSERT IGNORE INTO locations (id, name) VALUES ('annex', 'Annex')`);
  for (const step of numberSteps(count)) {
    await run(
      `INSERT INTO products (id, name, low_stock_threshold, may_lack_levels)
       SELECT CONCAT('${prefix}', LPAD(n, 6, '0')), CONCAT('Name ', LPAD(n, 6, '0')), 5, FALSE
       FROM ${NUMBERS} WHERE ${step} ORDER BY n`,
    );
    for (const location of ['annex', 'default']) {
      await run(
        `INSERT INTO stock_levels (product_id, location_id, on_hand, low_stock_threshold)
         SELECT CONCAT('${prefix}', LPAD(n, 6, '0')), '${location}', ${quantity}, 5
         FROM ${NUMBERS} WHERE ${step} ORDER BY n`,
      );
    }
  }
  for (const table of ['products', 'stock_levels']) await run(`ANALYZE TABLE ${table}`);
}

/** How many rows the server touches for it, with those of the status itself. */
async function costOf(read: () => Promise<unknown>): Promise<number> {
  const from = await touchedRows(session);
  await read();
  return (await touchedRows(session)) - from;
}

function firstPage(filter: ProductFilter, limit = 1) {
  return products.products({ direction: 'FORWARD', limit, after: null }, filter, inTenSeconds());
}

function walk(filter: ProductFilter, limit: number, backward = false): Promise<Walked> {
  return walkPages((page) => products.products(page, filter, inTenSeconds()), limit, backward);
}

test('where no product of a hundred thousand is low, a page touches a few rows, by the indexes', async () => {
  await addProducts(MANY, 'p', 100);
  for (const filter of [
    { lowStock: true },
    { lowStock: true, nameStartsWith: 'Name' },
    { lowStock: true, nameStartsWith: 'No such' },
  ]) {
    const cost = await costOf(async () => {
      const page = await firstPage(filter);
      expect(page).toEqual({ edges: [], hasNextPage: false, hasPreviousPage: false });
    });
    expect({ filter, cost }).toEqual({ filter, cost: Math.min(cost, 300) });
  }
  statements.length = 0;
  await firstPage({ lowStock: true });
  const [sql = ''] = statements;
  const plan = await session.query<{ table: string; key: string | null }>(
    `EXPLAIN FORMAT=TRADITIONAL ${sql.replace(/^Executing \([^)]*\): /, '')}`,
    { type: QueryTypes.SELECT },
  );
  const keys = Object.fromEntries(
    plan.map(({ table, key }): [string, string | null] => [table, key]),
  );
  expect(keys).toMatchObject({
    stock_levels: 'stock_levels_near_low',
    products: 'products_low_without_levels',
  });

  // Those that are low are found, wherever they are.
  for (const n of ['000007', '050000', '099999'])
    await run(`UPDATE stock_levels SET on_hand = 1 WHERE product_id = 'p${n}'`);
  expect((await walk({ lowStock: true }, 2)).ids).toEqual(['p000007', 'p050000', 'p099999']);
  const cost = await costOf(() => walk({ lowStock: true, nameStartsWith: 'Name 05' }, 2));
  expect(cost).toBeLessThan(1_000);
});

test('where many may be low and few are, no page looks at more than a bounded number', async () => {
  // Each level is at or below the threshold, and their sum above it.
  await addProducts(10_000, 'p', 5);
  await run(`UPDATE stock_levels SET on_hand = 1 WHERE product_id IN ('p000100', 'p009990')`);
  for (const [filter, low] of [
    [{ lowStock: true }, ['p000100', 'p009990']],
    [{ lowStock: true, nameStartsWith: 'name' }, ['p000100', 'p009990']],
  ] as const) {
    const cost = await costOf(() => firstPage(filter, 5));
    expect(cost).toBeLessThan(100_000);
    for (const backward of [false, true]) {
      const { ids, pages } = await walk(filter, 5, backward);
      expect([...ids].sort()).toEqual(low);
      expect(pages).toBeGreaterThan(4);
      expect(pages).toBeLessThan(8);
    }
  }
  // The list of those that are not low is bounded in the same way.
  await run(`UPDATE stock_levels SET on_hand = 1`);
  await run(`UPDATE stock_levels SET on_hand = 100 WHERE product_id = 'p009000'`);
  expect(await costOf(() => firstPage({ lowStock: false }, 5))).toBeLessThan(100_000);
  for (const backward of [false, true])
    expect((await walk({ lowStock: false }, 5, backward)).ids).toEqual(['p009000']);
});

test('every page is exact: levels, thresholds, reservations and products without levels', async () => {
  await run(`INSERT INTO locations (id, name) VALUES ('annex', 'Annex')`);
  const importing = new MysqlProductImport(fresh.sequelize, operations);
  const store = new MysqlStockStore(fresh.sequelize);
  const options = { setQuantities: true, dryRun: false };
  const row = (n: number) => {
    const id = `p${String(n).padStart(3, '0')}`;
    return { line: n + 1, id, name: `${n % 2 ? 'Odd' : 'Even'} ${n % 7}` };
  };
  const numbers = Array.from({ length: 300 }, (_, n) => n);
  const thresholdOf = (n: number) => [null, 0, 3, 10][n % 4] ?? null;
  await importing.importBatch(
    numbers.map((n) => {
      const locationId = [null, 'default', 'annex'][n % 3] ?? null;
      const quantity = locationId === null ? null : (n * 5) % 13;
      return { ...row(n), locationId, quantity, lowStockThreshold: thresholdOf(n) };
    }),
    options,
  );
  const apply = (items: { productId: string; quantity: number; locationId?: string }[]) =>
    store.apply([write('increaseStock', { items })], {
      deadline: inTenSeconds(),
      contended: false,
      impatient: false,
      fencingTokenOf: () => null,
    });
  // Levels that a delivery creates, also of products that had none.
  await apply(
    numbers
      .filter((n) => n % 5 === 0)
      .map((n) => ({ productId: row(n).id, quantity: 1 + (n % 4), locationId: 'annex' }))
      .slice(0, 100),
  );
  await run(
    `UPDATE stock_levels SET reserved = LEAST(on_hand, 2) WHERE MOD(ASCII(RIGHT(product_id, 1)), 3) = 0`,
  );
  const isHeld = 'reserved > 0';
  await run(
    `INSERT INTO reservations (id, created_by, created_at, expires_at)
     SELECT CONCAT(product_id, '-', location_id), UNHEX(SHA2('x', 256)), NOW(6), NOW(6)
     FROM stock_levels WHERE ${isHeld}`,
  );
  // Half of them have expired.
  await run(
    `INSERT INTO reservation_lines (reservation_id, line_index, product_id, location_id, quantity, held_until)
     SELECT CONCAT(product_id, '-', location_id), 0, product_id, location_id, reserved,
            NOW(6) + INTERVAL IF(location_id = 'annex', 1, -1) HOUR FROM stock_levels WHERE ${isHeld}`,
  );
  const check = async () => {
    const all = new Map(
      (
        await products.productsByIds(
          numbers.map((n) => row(n).id),
          inTenSeconds(),
        )
      ).map((product) => [product.id, product]),
    );
    const isLow = (id: string) => {
      const product = all.get(id);
      const threshold = product?.lowStockThreshold ?? null;
      return product !== undefined && threshold !== null && product.available <= threshold;
    };
    const ids = [...all.keys()].sort();
    for (const lowStock of [true, false]) {
      const wanted = ids.filter((id) => isLow(id) === lowStock);
      expect(wanted.length).toBeGreaterThan(20);
      for (const limit of [1, 7, 100]) {
        expect((await walk({ lowStock }, limit)).ids).toEqual(wanted);
        expect((await walk({ lowStock }, limit, true)).ids).toEqual([...wanted].reverse());
      }
      const odd = await walk({ lowStock, nameStartsWith: 'ODD' }, 7);
      expect([...odd.ids].sort()).toEqual(
        wanted.filter((id) => all.get(id)?.name.startsWith('Odd')),
      );
      const back = await walk({ lowStock, nameStartsWith: 'ODD' }, 7, true);
      expect([...back.ids].reverse()).toEqual(odd.ids);
      const some = ids.filter((_, i) => i % 9 === 0);
      expect((await walk({ lowStock, ids: some }, 7)).ids).toEqual(
        wanted.filter((id) => some.includes(id)),
      );
    }
  };
  await check();
  // Thresholds change: those that are taken away, set, raised and lowered.
  await importing.importBatch(
    numbers.map((n) => ({
      ...row(n),
      locationId: null,
      quantity: null,
      lowStockThreshold: thresholdOf(n + 1),
    })),
    options,
  );
  await check();
  const { problems } = await fresh.verifyLedger();
  expect(problems.filter(({ problem }) => problem.includes('threshold'))).toEqual([]);
});

test('the migration finds what a shop has, changes no moment of it, and can be repeated', async () => {
  await addProducts(2_500, 'p', 5);
  await run(`UPDATE stock_levels SET on_hand = 0 WHERE product_id IN ('p000000', 'p002400')`);
  await run(
    `INSERT INTO products (id, name, low_stock_threshold) VALUES ('q', 'Without levels', 0)`,
  );
  await run(`UPDATE products SET low_stock_threshold = NULL WHERE id = 'p000001'`);
  await run(`UPDATE products SET updated_at = '2020-01-01'`);
  await run(`UPDATE stock_levels SET updated_at = '2020-01-01'`);
  await run(`ALTER TABLE stock_levels DROP KEY stock_levels_near_low, DROP COLUMN near_low`);
  await run(`ALTER TABLE stock_levels DROP COLUMN low_stock_threshold`);
  await run(
    `ALTER TABLE products DROP KEY products_low_without_levels, DROP COLUMN low_without_levels`,
  );
  await run(`ALTER TABLE products DROP COLUMN may_lack_levels`);
  const migrate = () =>
    up({ name: 'low-stock', context: fresh.sequelize, path: undefined as unknown as string });
  await migrate();
  await migrate();
  expect((await walk({ lowStock: true }, 10)).ids).toEqual(['p000000', 'p002400', 'q']);
  const [moved] = await fresh.sequelize.query<{ n: number }>(
    `SELECT (SELECT COUNT(*) FROM products WHERE updated_at <> '2020-01-01')
          + (SELECT COUNT(*) FROM stock_levels WHERE updated_at <> '2020-01-01') AS n`,
    { type: QueryTypes.SELECT },
  );
  expect(moved?.n).toBe(0);
  const { problems } = await fresh.verifyLedger();
  expect(problems.filter(({ problem }) => problem.includes('threshold'))).toEqual([]);
});
