/** What is read for a journey: by indexes, and a bounded number of rows. */
import type { Sequelize } from 'sequelize';
import { openPool } from '../../../src/database/pool.js';
import { MysqlJourneys } from '../../../src/database/reading/journeys.js';
import { operationIdOf } from '../../../src/inventory/operation.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { inTenSeconds, onePool } from '../../support/one-pool.js';
import { planOf, touchedRows } from '../../support/touched-rows.js';

const LINES = 20_000;
const BATCH = 200;
/** Of a page of 20 lines from 20 batches. */
const ROWS_MAX = 20_000;
const DIGITS = Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ');
const NUMBERS = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n
  FROM (${DIGITS}) AS a, (${DIGITS}) AS b, (${DIGITS}) AS c, (${DIGITS}) AS e) AS numbers`;
const KEY = operationIdOf('key-7', 'idempotent').toString('hex');

let fresh: FreshDatabase;
/** One connection, whose counts of touched rows are those of what was just read. */
let session: Sequelize;
const statements: string[] = [];

beforeAll(async () => {
  fresh = await createFreshDatabase();
  session = openPool({ url: fresh.url, onStatement: (sql) => statements.push(sql) }, 1);
});

afterAll(async () => {
  await session.close();
  await fresh.drop();
});

/** Lines of a hundred products in batches, a reservation for each tenth, and each tenth with a reference. */
async function addLines(from: number, to: number): Promise<void> {
  await fresh.sequelize.query(
    `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
       available_after, operation_id, line_index, principal, reference, created_at)
     SELECT CONCAT('p', n % 100), 'default', ? + n, 'DEDUCTION', -1, 1, 0, 0, UNHEX(SHA2(? + n, 256)), 0,
            CONCAT('key-', n % 50), IF(n % 10 = 0, CONCAT('order-', n % 1000), NULL),
            '2026-11-29 12:00:00' + INTERVAL (? + n) DIV ${BATCH} SECOND
     FROM ${NUMBERS} WHERE n < ? ORDER BY n`,
    { replacements: [from, from, from, to - from] },
  );
  await fresh.sequelize.query(
    `INSERT INTO reservations (id, status, reference, principal, created_by, closed_by, created_at, expires_at)
     SELECT CONCAT('r', ? + n), 'COMMITTED', CONCAT('order-', n % 1000), CONCAT('key-', n % 50),
            UNHEX(SHA2(CONCAT('made', ? + n), 256)), UNHEX(SHA2(? + n, 256)), NOW(6), NOW(6)
     FROM ${NUMBERS} WHERE n < ? AND n % 10 = 0 ORDER BY n`,
    { replacements: [from, from, from, to - from] },
  );
  await fresh.sequelize.query(
    `INSERT INTO stock_operations (id, operation, fingerprint, answers)
     SELECT UNHEX(SHA2(CONCAT('op', ? + n), 256)), 'deductStock', UNHEX(SHA2(n, 256)), '0A1,2;'
     FROM ${NUMBERS} WHERE n < ?`,
    { replacements: [from, to - from] },
  );
  for (const table of ['stock_movements', 'reservations', 'stock_operations', 'products']) {
    await fresh.sequelize.query(`ANALYZE TABLE ${table}`);
  }
}

async function addNames(): Promise<void> {
  await fresh.sequelize.query(
    `INSERT INTO products (id, name) SELECT CONCAT('p', n), 'Name' FROM ${NUMBERS} WHERE n < 1000`,
  );
  await fresh.sequelize.query(
    `INSERT INTO api_keys (prefix, name, secret_sha256, scopes)
     SELECT CONCAT('prefix', n), CONCAT('key-', n), UNHEX(SHA2(n, 256)), 'read' FROM ${NUMBERS} WHERE n < 100`,
  );
  await fresh.sequelize.query(
    `INSERT INTO stock_operations (id, operation, fingerprint, answers)
     VALUES (UNHEX('${KEY}'), 'deductStock', UNHEX(SHA2(1, 256)), '0I0;')`,
  );
}

const ASKED = {
  'a product': ['p7', 'PRODUCT'],
  'a location': ['default', 'LOCATION'],
  'a movement': ['p7/default/107', 'MOVEMENT'],
  'a reservation': ['r500', 'RESERVATION'],
  'a reference': ['order-500', 'REFERENCE'],
  'an idempotency key': ['idempotent', 'IDEMPOTENCY_KEY'],
  'a principal': ['key-7', 'PRINCIPAL'],
} as const;

async function ask(id: string) {
  const journeys = new MysqlJourneys(onePool(session));
  statements.length = 0;
  const before = await touchedRows(session);
  const page = { direction: 'FORWARD', limit: 20, after: null } as const;
  const journey = await journeys.journey({ id, principal: null }, page, inTenSeconds());
  const rows = (await touchedRows(session)) - before;
  return { journey, rows, sql: statements.filter((text) => text.includes('FROM ')) };
}

test('a journey is read by indexes, and a bounded number of rows', async () => {
  await addNames();
  await addLines(0, LINES / 2);
  await addLines(LINES / 2, LINES);
  for (const [what, [id, kind]] of Object.entries(ASKED)) {
    const { journey, rows, sql } = await ask(id);
    expect({ what, kinds: journey.kinds }).toEqual({ what, kinds: [kind] });
    expect({ what, found: journey.lines.edges.length + journey.events.length > 0 }).toEqual({
      what,
      found: true,
    });
    // A page has 20 lines: each with its batch, and of some kinds 2,000 entries are looked at.
    expect({ what, rows: Math.min(rows, ROWS_MAX) }).toEqual({ what, rows });
    for (const text of sql.filter((each) => /FROM (stock_|reservations|products)/.test(each))) {
      const steps = await planOf(session, text);
      const scans = steps.filter(({ table, type }) => type === 'ALL' && !table?.startsWith('<'));
      expect({ what, text, scans }).toEqual({ what, text, scans: [] });
    }
  }
});

test('lines of one batch are told from their neighbours by their moment', async () => {
  const { journey } = await ask('p7');
  const batches = new Map(journey.lines.edges.map(({ node }) => [node.batch.id, node.batch.lines]));
  expect([...batches.values()].every((lines) => lines === BATCH)).toBe(true);
  expect(batches.size).toBe(10);
});
