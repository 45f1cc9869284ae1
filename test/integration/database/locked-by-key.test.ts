/**
 * What a transaction locks, it finds by its keys, also where a table is so small that reading it whole would cost less:
 * a scan waits for rows that other transactions have locked, so one locked product would delay all others.
 */
import type { Sequelize, Transaction } from 'sequelize';
import { openPool } from '../../../src/database/pool.js';
import { ReservationStatements } from '../../../src/database/writing/reservation-statements.js';
import { StockStatements } from '../../../src/database/writing/stock-statements.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { planOf } from '../../support/touched-rows.js';

const ROWS = 12;
const IDS = Array.from({ length: ROWS }, (_, n) => `p${String(n).padStart(2, '0')}`);
/** All but one. */
const WANTED = IDS.slice(1);
const TABLES = ['products', 'stock_levels', 'reservations', 'reservation_lines'];

let fresh: FreshDatabase;
let session: Sequelize;
/** It has locked the first row of each table. */
let stranger: Transaction;
const statements: string[] = [];

beforeAll(async () => {
  fresh = await createFreshDatabase();
  session = openPool({ url: fresh.url, onStatement: (sql) => statements.push(sql) }, 1);
  for (const id of IDS) {
    await fresh.sequelize.query(`INSERT INTO products (id, name) VALUES ('${id}', 'Name ${id}')`);
    await fresh.sequelize.query(
      `INSERT INTO stock_levels (product_id, location_id, on_hand) VALUES ('${id}', 'default', 10)`,
    );
    await fresh.sequelize.query(
      `INSERT INTO reservations (id, created_by, created_at, expires_at)
       VALUES ('r${id}', UNHEX(SHA2('${id}', 256)), NOW(6), NOW(6) + INTERVAL 1 HOUR)`,
    );
    await fresh.sequelize.query(
      `INSERT INTO reservation_lines (reservation_id, line_index, product_id, location_id, quantity, held_until)
       VALUES ('r${id}', 0, '${id}', 'default', 1, NOW(6) + INTERVAL 1 HOUR)`,
    );
  }
  // Else the plans are those of empty tables, for some seconds.
  for (const table of TABLES) await fresh.sequelize.query(`ANALYZE TABLE ${table}`);
  stranger = await fresh.sequelize.transaction();
  for (const sql of [
    `SELECT 1 FROM products WHERE id = 'p00' FOR UPDATE`,
    `SELECT 1 FROM stock_levels WHERE product_id = 'p00' FOR UPDATE`,
    `SELECT 1 FROM reservations WHERE id = 'rp00' FOR UPDATE`,
  ]) {
    await fresh.sequelize.query(sql, { transaction: stranger });
  }
});

afterAll(async () => {
  await stranger.rollback();
  await session.close();
  await fresh.drop();
});

const places = WANTED.map((productId) => ({ productId, locationId: 'default' }));

const changes = places.map((place) => ({
  ...place,
  before: null,
  delta: 1,
  reservedDelta: 0,
  movements: 0,
}));

type Work = (transaction: Transaction) => Promise<unknown>;
const WORK: Readonly<Record<string, Work>> = {
  'the locking of other levels': (in_) =>
    new StockStatements(session, in_).readLevels(places, { lock: true }),
  'changes of other levels': (in_) => new StockStatements(session, in_).changeLevels(changes, []),
  'the creation of levels of other products': (in_) =>
    new StockStatements(session, in_).createLevels(places),
  'the copying of other thresholds': (in_) =>
    new StockStatements(session, in_).copyThresholds(WANTED),
  'the locking of other reservations': (in_) =>
    new ReservationStatements(session, in_).lock(WANTED.map((id) => `r${id}`)),
};

/** Statements that lock rows which they look for. */
const LOCKING = /FOR UPDATE|: UPDATE/;

async function scansOf(sqls: readonly string[]) {
  const plans = await Promise.all(
    sqls.filter((sql) => LOCKING.test(sql)).map((sql) => planOf(session, sql)),
  );
  expect(plans.length).toBeGreaterThan(0);
  return plans
    .flat()
    .filter(({ table, type }) => !table?.startsWith('<') && (type === 'ALL' || type === 'index'));
}

test.each(Object.entries(WORK))(
  'a row that another transaction has locked does not delay %s',
  async (_what, work) => {
    statements.length = 0;
    // MySQL ends a wait for a row with an error.
    await session.transaction(work);
    expect(await scansOf([...statements])).toEqual([]);
  },
);
