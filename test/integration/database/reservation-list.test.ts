/** Reservations are listed newest first, each page exact and bounded, whatever the number of reservations. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { openPool } from '../../../src/database/pool.js';
import { MysqlReservationCatalogue } from '../../../src/database/reading/reservation-catalogue.js';
import { InvalidCursorError } from '../../../src/inventory/pages.js';
import type { Owner, ReservationFilter } from '../../../src/inventory/reservation-list.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { NUMBERS, numberSteps } from '../../support/number-rows.js';
import { inTenSeconds, onePool } from '../../support/one-pool.js';
import { planOf, touchedRows } from '../../support/touched-rows.js';
import { walkPages } from '../../support/walked-pages.js';

let fresh: FreshDatabase;
let session: Sequelize;
let catalogue: MysqlReservationCatalogue;
const statements: string[] = [];

beforeEach(async () => {
  fresh = await createFreshDatabase();
  session = openPool({ url: fresh.url, onStatement: (sql) => statements.push(sql) }, 1);
  catalogue = new MysqlReservationCatalogue(onePool(session));
});

afterEach(async () => {
  await session.close();
  await fresh.drop();
});

type Filter = ReservationFilter & { readonly owner: Owner };

function page(filter: Filter, limit: number, cursor: string | null = null, backward = false) {
  return catalogue.reservations(
    backward
      ? { direction: 'BACKWARD', limit, before: cursor }
      : { direction: 'FORWARD', limit, after: cursor },
    filter,
    inTenSeconds(),
  );
}

async function walk(filter: Filter, limit: number, backward = false): Promise<readonly string[]> {
  const { ids } = await walkPages(
    (wanted) => catalogue.reservations(wanted, filter, inTenSeconds()),
    limit,
    backward,
  );
  return ids;
}

/**
 * So many reservations, four of them at the same moment each, of one or two products.
 *
 * @param status SQL of `n`; the ACTIVE ones have expired where n is even.
 */
async function addReservations(count: number, status: string): Promise<void> {
  const id = `CONCAT('r', LPAD(MOD(n * 7919, 100000), 6, '0'))`;
  for (const step of numberSteps(count)) {
    await fresh.sequelize.query(
      `INSERT INTO reservations (id, status, reference, principal, created_by, created_at, expires_at)
       SELECT ${id}, ${status}, ELT(1 + n % 5, NULL, 'cart', 'Cart', 'cart ', CONCAT('order-', n)),
              ELT(1 + n % 4, NULL, 'shop', 'Shop', 'other'), UNHEX(SHA2(n, 256)),
              '2026-01-01' + INTERVAL n DIV 4 MICROSECOND, NOW(6) + INTERVAL IF(n % 2, 1, -1) HOUR
       FROM ${NUMBERS} WHERE ${step} ORDER BY n`,
    );
    for (const line of [0, 1]) {
      await fresh.sequelize.query(
        `INSERT INTO reservation_lines (reservation_id, line_index, product_id, location_id, quantity, held_until)
         SELECT ${id}, ${line}, CONCAT('p', (n + ${line}) % 50), 'default', 1 + ${line},
                IF(${status} = 'ACTIVE', NOW(6) + INTERVAL IF(n % 2, 1, -1) HOUR, NULL)
         FROM ${NUMBERS} WHERE ${step} AND (${line} = 0 OR n % 3 = 0) ORDER BY n`,
      );
    }
  }
  for (const table of ['reservations', 'reservation_lines'])
    await fresh.sequelize.query(`ANALYZE TABLE ${table}`);
}

interface Row {
  readonly id: string;
  readonly status: string;
  readonly principal: string | null;
  readonly reference: string | null;
  readonly products: string;
}

async function everything(): Promise<Row[]> {
  return fresh.sequelize.query<Row>(
    `SELECT id, IF(status = 'ACTIVE' AND expires_at <= NOW(6), 'EXPIRED', status) AS status, principal, reference,
            (SELECT GROUP_CONCAT(product_id) FROM reservation_lines WHERE reservation_id = reservations.id) AS products
     FROM reservations ORDER BY created_at DESC, id DESC`,
    { type: QueryTypes.SELECT },
  );
}

const STATUSES = ['ACTIVE', 'COMMITTED', 'RELEASED', 'EXPIRED'] as const;

test('each combination of filters lists what matches, newest first, in both directions', async () => {
  await addReservations(600, `ELT(1 + n DIV 2 % 4, 'ACTIVE', 'COMMITTED', 'RELEASED', 'EXPIRED')`);
  const all = await everything();
  const owners: Owner[] = [
    'ANY',
    ...[null, 'shop', 'Shop', 'no-such-principal'].map((principal) => ({ principal })),
  ];
  for (const owner of owners) {
    for (const status of [undefined, ...STATUSES]) {
      for (const productId of [undefined, 'p7', 'p-none']) {
        for (const reference of [undefined, 'cart', 'Cart', 'cart ', 'order-14']) {
          const wanted = all.filter(
            (row) =>
              (owner === 'ANY' || row.principal === owner.principal) &&
              (status === undefined || row.status === status) &&
              (productId === undefined || row.products.split(',').includes(productId)) &&
              (reference === undefined || row.reference === reference),
          );
          const filter = { owner, status, productId, reference };
          const ids = wanted.map(({ id }) => id);
          expect({ filter, ids: await walk(filter, 100) }).toEqual({ filter, ids });
        }
      }
    }
  }
  const ids = all.map(({ id }) => id);
  expect(await walk({ owner: 'ANY' }, 7)).toEqual(ids);
  expect(await walk({ owner: 'ANY' }, 7, true)).toEqual([...ids].reverse());
  const released = all.filter(({ status }) => status === 'RELEASED').map(({ id }) => id);
  expect(await walk({ owner: 'ANY', status: 'RELEASED' }, 7, true)).toEqual(released.reverse());
});

test('each reservation of a page has its lines in their order, and is what it is when it is read alone', async () => {
  await addReservations(40, `IF(n % 3, 'ACTIVE', 'COMMITTED')`);
  const { edges } = await page({ owner: 'ANY' }, 40);
  expect(edges).toHaveLength(40);
  for (const { node } of edges)
    expect(node).toEqual(await catalogue.reservationById(node.id, inTenSeconds()));
  expect(new Set(edges.map(({ node }) => node.items.length))).toEqual(new Set([1, 2]));
});

test('among a hundred thousand, a page touches a bounded number of rows', async () => {
  // Ten hold stock, and one of those holds that of the product.
  await addReservations(100_000, `IF(n % 10000 = 5, 'ACTIVE', 'COMMITTED')`);
  await fresh.sequelize.query(
    `UPDATE reservation_lines SET product_id = 'rare' WHERE held_until > NOW(6) LIMIT 1`,
  );
  for (const [filter, rowsMax, found] of [
    [{ owner: 'ANY' }, 600, 20],
    [{ owner: { principal: 'shop' } }, 600, 20],
    [{ owner: 'ANY', reference: 'order-99999' }, 100, 1],
    [{ owner: { principal: 'other' }, reference: 'order-99999' }, 100, 1],
    [{ owner: 'ANY', status: 'ACTIVE' }, 600, 10],
    [{ owner: 'ANY', status: 'ACTIVE', productId: 'rare' }, 100, 1],
    [{ owner: 'ANY', productId: 'rare' }, 100, 1],
    [{ owner: { principal: 'other' }, status: 'ACTIVE' }, 600, 0],
    [{ owner: 'ANY', status: 'RELEASED' }, 30_000, 0],
    [{ owner: 'ANY', status: 'EXPIRED', productId: 'p3' }, 30_000, 0],
  ] as const) {
    const from = await touchedRows(session);
    const { edges, hasNextPage, endCursor } = await page(filter, 20);
    const rows = (await touchedRows(session)) - from;
    expect({ filter, rows, found: edges.length }).toEqual({
      filter,
      rows: Math.min(rows, rowsMax),
      found,
    });
    // Where nothing was found among those that were looked at, the list goes on.
    expect(found === 0 && 'status' in filter && filter.status !== 'ACTIVE').toBe(
      hasNextPage && endCursor !== undefined && found === 0,
    );
  }
  statements.length = 0;
  await page({ owner: { principal: 'shop' } }, 20);
  const [sql = ''] = statements;
  const [step] = await planOf(session, sql);
  expect(step?.key).toBe('reservations_of_principal');
  expect(step?.Extra ?? '').not.toContain('filesort');
});

test.each([
  ['of another list', ['p1']],
  ['with a moment that is none', ['2026-13-01 00:00:00.000000', 'r1']],
  ['with a text for a moment', ["' OR 1", 'r1']],
  ['with an id out of form', ['2026-01-01 00:00:00.000000', 'ü']],
])('a cursor %s is refused', async (_, values) => {
  const cursor = Buffer.from(JSON.stringify(values), 'utf8').toString('base64url');
  await expect(page({ owner: 'ANY' }, 1, cursor)).rejects.toBeInstanceOf(InvalidCursorError);
});
