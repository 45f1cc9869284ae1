/**
 * A page costs the same however much there is: every statement that reads is run on a small shop and on the same shop
 * ten times as large, and the rows that the server touches for it must be the same ones. Its plan must use an index of
 * each table, and sort nothing.
 */
import type { Sequelize } from 'sequelize';
import { openPool } from '../../../src/database/pool.js';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { exportProducts } from '../../../src/database/reading/product-export.js';
import { MysqlReservationCatalogue } from '../../../src/database/reading/reservation-catalogue.js';
import type { Page } from '../../../src/inventory/pages.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { inTenSeconds, onePool } from '../../support/one-pool.js';
import { planOf, touchedRows, type PlanStep } from '../../support/touched-rows.js';

const PRODUCTS = 5_000;
/** In runs of ten, every fifth run. */
const ARCHIVED = PRODUCTS / 5;
/** The small shop has every tenth of the products, and so many ledger lines of each. */
const LINES_SMALL = 3;
const LINES_LARGE = 12;
const DIGITS = Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ');
const NUMBERS = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n
  FROM (${DIGITS}) AS a, (${DIGITS}) AS b, (${DIGITS}) AS c, (${DIGITS}) AS e) AS numbers`;
const TABLES = ['products', 'stock_levels', 'stock_movements', 'reservations', 'reservation_lines'];

let fresh: FreshDatabase;
/** One connection, whose counts of touched rows are those of what was just read. */
let session: Sequelize;
let products: MysqlProductCatalogue;
let reservations: MysqlReservationCatalogue;
const statements: string[] = [];

beforeAll(async () => {
  fresh = await createFreshDatabase();
  session = openPool({ url: fresh.url, onStatement: (sql) => statements.push(sql) }, 1);
  products = new MysqlProductCatalogue(onePool(session));
  reservations = new MysqlReservationCatalogue(onePool(session));
});

afterAll(async () => {
  await session.close();
  await fresh.drop();
});

async function fillSmall(): Promise<void> {
  await addProducts('n % 10 = 0');
  await addLines(1, LINES_SMALL);
  await analyze();
}

/** Between the products that are there as well as before and behind them. */
async function growTenfold(): Promise<void> {
  await addProducts('n % 10 <> 0');
  await addLines(LINES_SMALL + 1, LINES_LARGE);
  await analyze();
}

async function addProducts(which: string): Promise<void> {
  const numbers = `FROM ${NUMBERS} WHERE n < ${PRODUCTS} AND ${which} ORDER BY n`;
  await fresh.sequelize.query(
    `INSERT INTO products (id, name, low_stock_threshold, archived_at)
     SELECT CONCAT('p', LPAD(n, 4, '0')), CONCAT('Name ', LPAD(n, 4, '0')), 5, IF(n % 50 DIV 10 = 1, NOW(6), NULL)
     ${numbers}`,
  );
  await fresh.sequelize.query(
    `INSERT INTO stock_levels (product_id, location_id, on_hand, reserved)
     SELECT CONCAT('p', LPAD(n, 4, '0')), 'default', 100, 1 ${numbers}`,
  );
  await fresh.sequelize.query(
    `INSERT INTO reservations (id, created_by, created_at, expires_at)
     SELECT CONCAT('r', LPAD(n, 4, '0')), UNHEX(SHA2(n, 256)), NOW(6), NOW(6) ${numbers}`,
  );
  // Ten are due in the small shop and in the large one; of the others, some are held and most are over.
  await fresh.sequelize.query(
    `INSERT INTO reservation_lines (reservation_id, line_index, product_id, location_id, quantity, held_until)
     SELECT CONCAT('r', LPAD(n, 4, '0')), 0, CONCAT('p', LPAD(n, 4, '0')), 'default', 1,
            CASE WHEN n % 500 = 0 THEN NOW(6) - INTERVAL 1 HOUR WHEN n % 3 = 0 THEN NOW(6) + INTERVAL 1 HOUR END
     ${numbers}`,
  );
}

async function addLines(from: number, to: number): Promise<void> {
  for (let line = 1; line <= to; line += 1) {
    await fresh.sequelize.query(
      `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
         available_after, operation_id, line_index)
       SELECT product_id, location_id, last_sequence + 1, 'INCREASE', 1, last_sequence, last_sequence + 1, 0,
              UNHEX(SHA2(CONCAT(product_id, "/", ${line}), 256)), 0
       FROM stock_levels WHERE last_sequence = ${line - 1} ORDER BY product_id`,
    );
    await fresh.sequelize.query(
      `UPDATE stock_levels SET last_sequence = ${line} WHERE last_sequence = ${line - 1}`,
    );
  }
}

async function analyze(): Promise<void> {
  for (const table of TABLES) await fresh.sequelize.query(`ANALYZE TABLE ${table}`);
}

interface Reading {
  readonly what: string;
  /** The index that each table is read by, as the plan names the table. */
  readonly indexes: Readonly<Record<string, string>>;
  readonly read: () => Promise<unknown>;
}

const IDS = Array.from({ length: 100 }, (_, i) => `p${String(i * 40).padStart(4, '0')}`);
const LIMIT = 20;
const after = (cursor: string | null) =>
  ({ direction: 'FORWARD', limit: LIMIT, after: cursor }) as const;
const before = (cursor: string | null) =>
  ({ direction: 'BACKWARD', limit: LIMIT, before: cursor }) as const;
const cursorOf = (...values: string[]) =>
  Buffer.from(JSON.stringify(values), 'utf8').toString('base64url');

const BY_ID = { p: 'PRIMARY', l: 'PRIMARY', r: 'reservation_lines_due_of_product' };
const LISTED = { ...BY_ID, p: 'products_by_archived' };
const BY_NAME = { ...BY_ID, p: 'products_by_archived_and_name' };
const MIDDLE = cursorOf('p2500');
const MIDDLE_NAME = cursorOf('Name 2500', 'p2500');
const OF_PRODUCT = { stock_movements: 'stock_movements_by_product' };

const READINGS: readonly Reading[] = [
  {
    what: 'a product',
    indexes: BY_ID,
    read: () => products.productsByIds(['p2500'], inTenSeconds()),
  },
  {
    what: 'products by ids',
    indexes: BY_ID,
    read: () => products.productsByIds(IDS, inTenSeconds()),
  },
  ...[
    ['the first page of products', after(null)] as const,
    ['the last page of products', before(null)] as const,
    ['a page of products behind another', after(MIDDLE)] as const,
    ['a page of products before another', before(MIDDLE)] as const,
  ].flatMap(([what, page]) => [
    { what, indexes: LISTED, read: () => products.products(page, {}, inTenSeconds()) },
    {
      what: `${what} that are archived`,
      indexes: LISTED,
      read: () => products.products(page, { archived: true }, inTenSeconds()),
    },
  ]),
  {
    what: 'a page of products filtered by ids',
    indexes: BY_ID,
    read: () => products.products(after(null), { ids: IDS }, inTenSeconds()),
  },
  ...[
    ['the first page of products by name', after(null)] as const,
    ['the last page of products by name', before(null)] as const,
    ['a page of products by name behind another', after(MIDDLE_NAME)] as const,
    ['a page of products by name before another', before(MIDDLE_NAME)] as const,
  ].flatMap(([what, page]) =>
    [false, true].map((archived) => ({
      what: archived ? `${what} that are archived` : what,
      indexes: BY_NAME,
      read: () => products.products(page, { nameStartsWith: 'Name', archived }, inTenSeconds()),
    })),
  ),
  {
    what: 'the levels of a hundred products',
    indexes: { l: 'PRIMARY', r: 'reservation_lines_due_of_product' },
    read: () => products.levelsByProductIds(IDS, inTenSeconds()),
  },
  ...[
    ['the newest of the ledger', after(null)] as const,
    ['the oldest of the ledger', before(null)] as const,
    ['a page of the ledger behind another', after(cursorOf('700'))] as const,
    ['a page of the ledger before another', before(cursorOf('700'))] as const,
  ].map(([what, page]) => ({
    what,
    indexes: { stock_movements: 'PRIMARY' },
    read: () => products.movements(page, null, inTenSeconds()),
  })),
  ...[
    ["the newest of a product's ledger", { ...after(null), limit: 2 }] as const,
    ["the oldest of a product's ledger", { ...before(null), limit: 2 }] as const,
  ].flatMap(([what, page]) => [
    { what, indexes: OF_PRODUCT, read: () => products.movements(page, 'p2500', inTenSeconds()) },
    {
      what: `${what}, of a hundred at once`,
      indexes: OF_PRODUCT,
      read: () => products.movementsByProductIds(IDS, page, inTenSeconds()),
    },
  ]),
  {
    what: 'a reservation',
    indexes: { reservations: 'PRIMARY', line: 'PRIMARY' },
    read: () => reservations.reservationById('r2500', inTenSeconds()),
  },
  {
    what: 'the products of which something is due',
    indexes: { reservation_lines: 'reservation_lines_due' },
    read: () => reservations.productsWithDueLines(100, inTenSeconds()),
  },
];

interface Cost {
  readonly rows: number;
  readonly sql: string;
}

/** How many rows the server touches for the one statement of this reading. */
async function costOf(read: () => Promise<unknown>): Promise<Cost> {
  await touchedRows(session);
  const own = (await touchedRows(session)) - (await touchedRows(session));
  const from = await touchedRows(session);
  statements.length = 0;
  await read();
  const [statement = '', ...more] = statements;
  expect(more).toEqual([]);
  return {
    rows: (await touchedRows(session)) - from + own,
    sql: statement,
  };
}

function indexesOf(steps: readonly PlanStep[]): Record<string, string | null> {
  return Object.fromEntries(
    steps.map(({ table, key }): [string, string | null] => [table ?? '', key]),
  );
}

/** What is made of the tables on the way, as `<derived2>`, is no larger than the page. */
function isTable({ table, type }: PlanStep): boolean {
  return table !== null && type !== null && !table.startsWith('<');
}

test('what is read for a page does not grow with the shop, and every table is read by an index', async () => {
  await fillSmall();
  const small = new Map<string, Cost>();
  for (const { what, read } of READINGS) small.set(what, await costOf(read));
  await growTenfold();
  for (const { what, read, indexes } of READINGS) {
    const { rows, sql } = await costOf(read);
    const bound = small.get(what)?.rows;
    expect({ what, rows: Math.max(rows, bound ?? 0) }).toEqual({ what, rows: bound });

    const steps = (await planOf(session, sql)).filter(isTable);
    expect({ what, steps: steps.filter(({ type }) => type === 'ALL') }).toEqual({
      what,
      steps: [],
    });
    const used = indexesOf(steps);
    expect({ what, used }).toEqual({ what, used: indexes });
    const sorting = steps.filter(({ Extra }) => Extra?.includes('filesort'));
    expect({ what, sorting }).toEqual({ what, sorting: [] });
  }
});

test.each([
  { withArchived: false, index: 'products_by_archived' },
  { withArchived: true, index: 'PRIMARY' },
])(
  'a page of the export costs the same however many there are: %j',
  async ({ withArchived, index }) => {
    const rows = exportProducts(session, { withArchived });
    const first = await costOf(() => rows.next());
    // A page has a thousand products; MariaDB touches each of them up to six times.
    expect(first.rows).toBeLessThan(10_000);
    const steps = (await planOf(session, first.sql)).filter(isTable);
    expect(indexesOf(steps)).toEqual({
      products: index,
      l: 'PRIMARY',
    });
    await rows.return(undefined);
  },
);

test('pages are complete and stable in both directions while products are added', async () => {
  const added = { count: 0 };
  const addSome = async () => {
    added.count += 1;
    const id = (place: string) => `p${place}-${String(added.count).padStart(4, '0')}`;
    for (const place of ['0000', '2500', '9999']) {
      await fresh.sequelize.query('INSERT INTO products (id, name) VALUES (?, ?)', {
        replacements: [id(place), id(place)],
      });
    }
  };
  const walk = async (backward: boolean): Promise<string[]> => {
    const ids: string[] = [];
    for (let cursor: string | null = null; ;) {
      const page: Page<{ id: string }> = await products.products(
        { ...(backward ? before(cursor) : after(cursor)), limit: 100 },
        {},
        inTenSeconds(),
      );
      const found = page.edges.map(({ node }) => node.id);
      ids.push(...(backward ? found.reverse() : found));
      if (backward ? !page.hasPreviousPage : !page.hasNextPage) return ids;
      cursor = (backward ? page.edges[0] : page.edges.at(-1))?.cursor ?? null;
      await addSome();
    }
  };
  for (const backward of [false, true]) {
    const ids = await walk(backward);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids).toEqual([...ids].sort((a, b) => (a < b !== backward ? -1 : 1)));
    expect(ids.filter((id) => id.length === 5)).toHaveLength(PRODUCTS - ARCHIVED);
  }
});
