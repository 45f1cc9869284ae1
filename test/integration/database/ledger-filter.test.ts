/** Entries of the ledger are found by reference, kind, location and time, by indexes, in a ledger of any size. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { openPool } from '../../../src/database/pool.js';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import type { MovementFilter } from '../../../src/inventory/movements.js';
import type { MovementKind } from '../../../src/inventory/stock.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { NUMBERS, numberSteps } from '../../support/number-rows.js';
import { inTenSeconds, onePool } from '../../support/one-pool.js';
import { planOf, touchedRows } from '../../support/touched-rows.js';
import { walkPages } from '../../support/walked-pages.js';

let fresh: FreshDatabase;
/** One connection, whose counts of touched rows are those of what was just read. */
let session: Sequelize;
let catalogue: MysqlProductCatalogue;
const statements: string[] = [];

beforeEach(async () => {
  fresh = await createFreshDatabase();
  session = openPool({ url: fresh.url, onStatement: (sql) => statements.push(sql) }, 1);
  catalogue = new MysqlProductCatalogue(onePool(session));
});

afterEach(async () => {
  await session.close();
  await fresh.drop();
});

interface Entry {
  readonly id: string;
  readonly productId: string;
  readonly locationId: string;
  readonly kind: MovementKind;
  readonly reference: string | null;
  readonly createdMs: number;
}

const KINDS = `ELT(1 + n % 11 DIV 8 + n % 11 DIV 10, 'DEDUCTION', 'INCREASE', 'CORRECTION')`;
const START_MS = Date.UTC(2026, 0, 1);

/**
 * So many entries, a second apart, of ten products at three locations; in each ten the numbers are in another order
 * than the moments. Some numbers are left out.
 */
async function addEntries(count: number): Promise<void> {
  for (const step of numberSteps(count)) {
    await session.query(
      `INSERT INTO stock_movements (entry, product_id, location_id, sequence, kind, delta, quantity_before,
         quantity_after, available_after, operation_id, line_index, reference, created_at)
       SELECT 1000 + 3 * n + IF(n > ${count / 2}, 1000000, 0), CONCAT('p', n % 10),
              ELT(1 + n % 7 DIV 5 + n % 97 DIV 96, 'default', 'north', 'south'), n, ${KINDS}, 1, n, n + 1, 0,
              UNHEX(SHA2(n, 256)), 0,
              ELT(1 + n % 5, NULL, 'order', 'Order', 'order ', CONCAT('order-', n)),
              '2026-01-01' + INTERVAL n - n % 10 + (n * 7) % 10 SECOND
       FROM ${NUMBERS} WHERE ${step} ORDER BY n`,
    );
  }
  await session.query('ANALYZE TABLE stock_movements');
}

function everything(): Promise<Entry[]> {
  return session.query<Entry>(
    `SELECT CONCAT(product_id, '/', location_id, '/', sequence) AS id, product_id AS productId,
            location_id AS locationId, kind, reference,
            TIMESTAMPDIFF(MICROSECOND, '1970-01-01', created_at) DIV 1000 AS createdMs
     FROM stock_movements ORDER BY entry DESC`,
    { type: QueryTypes.SELECT },
  );
}

async function find(
  productId: string | null,
  filter: MovementFilter,
  { limit = 100, backward = false } = {},
): Promise<readonly string[]> {
  const { ids } = await walkPages(
    (page) => catalogue.movements(page, productId, inTenSeconds(), filter),
    limit,
    backward,
  );
  return ids;
}

function matches(entry: Entry, productId: string | null, filter: MovementFilter): boolean {
  const { locationId, reference, kinds, since, until } = filter;
  return (
    (productId === null || entry.productId === productId) &&
    (locationId === undefined || entry.locationId === locationId) &&
    (reference === undefined || entry.reference === reference) &&
    (kinds === undefined || kinds.includes(entry.kind)) &&
    (since === undefined || entry.createdMs >= since.getTime()) &&
    (until === undefined || entry.createdMs < until.getTime())
  );
}

const at = (seconds: number) => new Date(START_MS + seconds * 1_000);

test('each combination of filters finds what matches, newest first', async () => {
  const count = 900;
  await addEntries(count);
  const all = await everything();
  expect(all).toHaveLength(count);
  const times = [
    {},
    { since: at(455) },
    { until: at(455) },
    { since: at(203), until: at(647) },
    { since: at(9_000) },
    { until: at(-1) },
  ];
  let found = 0;
  for (const productId of [null, 'p3', 'p-none']) {
    for (const locationId of [undefined, 'north', 'nowhere']) {
      for (const reference of [undefined, 'order', 'Order', 'order ', 'order-204']) {
        for (const kinds of [
          undefined,
          [],
          ['CORRECTION'],
          ['CORRECTION', 'INCREASE', 'INCREASE'],
        ]) {
          for (const time of times) {
            const filter = { locationId, reference, kinds: kinds as MovementKind[], ...time };
            const wanted = all.filter((entry) => matches(entry, productId, filter));
            const ids = wanted.map(({ id }) => id);
            expect({ productId, filter, ids: await find(productId, filter) }).toEqual({
              productId,
              filter,
              ids,
            });
            found += ids.length > 0 ? 1 : 0;
          }
        }
      }
    }
  }
  expect(found).toBeGreaterThan(100);
});

test('pages go in both directions, and none repeats or leaves out an entry', async () => {
  await addEntries(3_000);
  const all = await everything();
  for (const [productId, filter] of [
    [null, { kinds: ['CORRECTION', 'INCREASE'] }],
    [null, { locationId: 'north', since: at(100), until: at(2_500) }],
    [null, { reference: 'order', kinds: ['INCREASE'], locationId: 'north' }],
    ['p3', { locationId: 'north' }],
    ['p3', { since: at(555) }],
  ] as const) {
    const ids = all.filter((entry) => matches(entry, productId, filter)).map(({ id }) => id);
    expect(ids.length).toBeGreaterThan(1);
    expect(await find(productId, filter, { limit: 7 })).toEqual(ids);
    const backward = await find(productId, filter, { limit: 7, backward: true });
    expect([...backward].reverse()).toEqual(ids);
  }
});

test('the same page of many products is two statements at most, and each finds its own', async () => {
  await addEntries(900);
  const all = await everything();
  const productIds = [...Array.from({ length: 10 }, (_, i) => `p${i}`), 'p-none'];
  const page = { direction: 'FORWARD', limit: 3, after: null } as const;
  for (const filter of [
    { kinds: ['INCREASE' as const] },
    { reference: 'order' },
    { locationId: 'north', since: at(300) },
    { since: at(300) },
  ]) {
    const pages = await catalogue.movementsByProductIds(productIds, page, inTenSeconds(), filter);
    for (const productId of productIds) {
      const ids = all.filter((entry) => matches(entry, productId, filter)).map(({ id }) => id);
      const { edges = [], hasNextPage } = pages.get(productId) ?? {};
      expect(edges.map(({ node }) => node.id)).toEqual(ids.slice(0, 3));
      expect(hasNextPage).toBe(ids.length > 3);
    }
  }
  statements.length = 0;
  const filter = { kinds: ['INCREASE' as const] };
  await catalogue.movementsByProductIds(productIds, page, inTenSeconds(), filter);
  expect(statements).toHaveLength(2);
});

test('among a hundred thousand, a page touches a bounded number of rows, by the indexes', async () => {
  await addEntries(100_000);
  await session.query(
    `UPDATE stock_movements SET kind = 'TRANSFER_OUT', reference = 'rare' WHERE sequence % 20000 = 11`,
  );
  const page = { direction: 'FORWARD', limit: 20, after: null } as const;
  const used = new Set<string | null>();
  for (const [productId, filter, rowsMax, found] of [
    [null, { reference: 'order-99999' }, 20, 1],
    [null, { reference: 'rare' }, 30, 5],
    [null, { reference: 'order' }, 100, 20],
    [null, { kinds: ['TRANSFER_OUT'] }, 30, 5],
    [null, { kinds: ['CORRECTION', 'INCREASE'] }, 150, 20],
    [null, { locationId: 'north' }, 800, 20],
    [null, { locationId: 'south' }, 10_000, 6],
    [null, { locationId: 'nowhere' }, 10_000, 0],
    [null, { locationId: 'south', kinds: ['TRANSFER_OUT'] }, 100, 0],
    [null, { since: at(50_000), until: at(50_100) }, 1_500, 20],
    [null, { until: at(100) }, 1_500, 20],
    [null, { since: at(99_990) }, 1_500, 10],
    ['p3', { since: at(50_000), until: at(50_100) }, 1_500, 10],
    ['p1', { reference: 'rare' }, 100, 5],
    ['p3', { kinds: ['TRANSFER_OUT'] }, 10_000, 0],
  ] as const) {
    statements.length = 0;
    const from = await touchedRows(session);
    const { edges } = await catalogue.movements(page, productId, inTenSeconds(), filter);
    const rows = (await touchedRows(session)) - from;
    expect({ productId, filter, rows, found: edges.length }).toEqual({
      productId,
      filter,
      rows: Math.min(rows, rowsMax),
      found,
    });
    const [last = ''] = statements.filter((sql) => sql.includes('AS scope')).slice(-1);
    for (const { table, type, key, Extra } of await planOf(session, last)) {
      if (table !== 'stock_movements') continue;
      used.add(key);
      expect({ filter, type, Extra: Extra ?? '' }).toEqual({
        filter,
        type: expect.stringMatching(/^(ref|range|index)$/) as string,
        Extra: expect.not.stringContaining('filesort') as string,
      });
    }
  }
  expect([...used].sort()).toEqual([
    'PRIMARY',
    'stock_movements_by_kind',
    'stock_movements_by_product',
    'stock_movements_by_reference',
  ]);
});

test('an empty ledger has nothing at any time', async () => {
  expect(await find(null, { since: at(0), until: at(1) })).toEqual([]);
});
