import { spawnSync } from 'node:child_process';
import { systemClock, systemRandomBytes } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { Database } from '../../../src/database/connections.js';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import { checkRequest } from '../../../src/inventory/stock-request.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { Operations } from '../../../src/inventory/operation.js';

const operations = new Operations(systemRandomBytes);

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await createFreshDatabase();
  database = new Database({ url: fresh.url, poolMax: 4, commitsMax: 2 });
});

afterAll(async () => {
  await database.close();
  await fresh.drop();
});

/** A product with the ledger lines 1 to 5: INITIAL 100, then a deduction of 1, 2, 3 and 4. */
async function newProduct(id: string): Promise<void> {
  const catalogue = new MysqlProductCatalogue(database);
  const store = new MysqlStockStore(database.writer);
  const product = { id, name: id, quantity: 100, locationId: 'default', lowStockThreshold: null };
  await catalogue.createProduct(product, Deadline.in(10_000, systemClock));
  for (const quantity of [1, 2, 3, 4]) {
    const items = [{ productId: id, quantity }];
    const request = checkRequest(operations, 'deductStock', { items, mode: 'PARTIAL' }, null);
    await store.apply([{ type: 'LINES', ...request, atomic: false, productIds: [] }], {
      deadline: Deadline.in(5_000, systemClock),
      contended: false,
      impatient: false,
      fencingTokenOf: () => null,
    });
  }
}

function runCommand(): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['dist/src/cli/stockade.js', 'verify-ledger'],
    {
      env: { PATH: process.env.PATH, MYSQL_URL: fresh.url },
      encoding: 'utf8',
    },
  );
  return { status, output: `${stdout}${stderr}` };
}

test('reports no problem in a ledger that explains every unit', async () => {
  await newProduct('untouched');
  expect((await fresh.verifyLedger()).problems).toEqual([]);
  expect(runCommand()).toEqual({
    status: 0,
    output: 'OK: 5 ledger lines of 1 products checked.\n',
  });
});

const COLUMNS = `product_id, location_id, sequence, kind, delta, quantity_before, quantity_after,
  available_after, operation_id, line_index`;
const LINE = `UPDATE stock_movements SET`;
const LEVEL = `UPDATE stock_levels SET`;
const OF = (id: string) => `WHERE product_id = '${id}'`;

describe('[R13] [R14] names the first bad line of a product', () => {
  const damages: readonly [string, string[], number | null, RegExp][] = [
    [
      'whose first line is gone',
      [`DELETE FROM stock_movements ${OF('$')} AND sequence = 1`],
      2,
      /1 was expected/,
    ],
    [
      'with a gap',
      [`DELETE FROM stock_movements ${OF('$')} AND sequence = 3`],
      4,
      /3 was expected/,
    ],
    [
      'whose last line is gone',
      [`DELETE FROM stock_movements ${OF('$')} AND sequence = 5`],
      null,
      /sequence 5, the ledger at 4/,
    ],
    [
      'whose last line has another number',
      [`${LINE} sequence = 9 ${OF('$')} AND sequence = 5`],
      9,
      /5 was expected/,
    ],
    [
      'that has a line twice',
      [
        `INSERT INTO stock_movements (${COLUMNS})
         SELECT product_id, location_id, 6, kind, delta, quantity_before, quantity_after, available_after,
                RANDOM_BYTES(32), 0
       FROM stock_movements ${OF('$')} AND sequence = 5`,
      ],
      6,
      /begins at 94, the line before ended at 90/,
    ],
    [
      'of which a level is archived and the product is not',
      [`${LEVEL} archived = TRUE ${OF('$')}`],
      null,
      /the level is archived, its product is not/,
    ],
    [
      'of which a level has another threshold than the product',
      [`${LEVEL} low_stock_threshold = 7 ${OF('$')}`],
      null,
      /the level has the threshold 7, its product none/,
    ],
    [
      'with a line that begins elsewhere',
      [`${LINE} quantity_before = 50, quantity_after = 47 ${OF('$')} AND sequence = 4`],
      4,
      /begins at 50/,
    ],
    [
      'with a line that does not add up',
      [`${LINE} delta = -9 ${OF('$')} AND sequence = 5`],
      5,
      /94 with -9 does not make 90/,
    ],
    [
      'with a deduction that adds',
      [
        `${LINE} delta = 4, quantity_after = 98 ${OF('$')} AND sequence = 5`,
        `${LEVEL} on_hand = 98 ${OF('$')}`,
      ],
      5,
      /is a DEDUCTION of 4/,
    ],
    [
      'with a line that ends below zero',
      [`${LINE} delta = -95, quantity_after = -1 ${OF('$')} AND sequence = 5`],
      5,
      /below zero/,
    ],
    [
      'whose level has more than the ledger',
      [`${LEVEL} on_hand = on_hand + 1 ${OF('$')}`],
      null,
      /91 on hand, the ledger ends at 90/,
    ],
    [
      'whose level is at another sequence',
      [`${LEVEL} last_sequence = 4 ${OF('$')}`],
      null,
      /sequence 4, the ledger at 5/,
    ],
    [
      'whose level reserves more than it has',
      [`${LEVEL} reserved = 91 ${OF('$')}`],
      null,
      /91 reserved/,
    ],
    ['whose level is gone', [`DELETE FROM stock_levels ${OF('$')}`], null, /there is no level/],
    [
      'that forks',
      [
        `INSERT INTO stock_movements (${COLUMNS})
         SELECT product_id, location_id, 6, kind, -1, quantity_before, quantity_before - 1,
                quantity_before - 1, RANDOM_BYTES(32), 0
       FROM stock_movements ${OF('$')} AND sequence = 5`,
        `${LEVEL} last_sequence = 6, on_hand = 93 ${OF('$')}`,
      ],
      6,
      /begins at 94, the line before ended at 90/,
    ],
    [
      'that does not begin at nothing',
      [`${LINE} quantity_before = 7, delta = 93 ${OF('$')} AND sequence = 1`],
      1,
      /begins at 7, the line before ended at 0/,
    ],
    [
      'with a line that moves nothing',
      [
        `${LINE} delta = 0, quantity_after = 94 ${OF('$')} AND sequence = 5`,
        `${LEVEL} on_hand = 94 ${OF('$')}`,
      ],
      5,
      /is a DEDUCTION of 0/,
    ],
    [
      'with an increase that takes',
      [`${LINE} kind = 'INCREASE' ${OF('$')} AND sequence = 3`],
      3,
      /is a INCREASE of -2/,
    ],
    [
      'that begins twice',
      [
        `${LINE} kind = 'INITIAL', delta = 6, quantity_after = 100, available_after = 100 ${OF('$')} AND sequence = 5`,
        `${LEVEL} on_hand = 100 ${OF('$')}`,
      ],
      5,
      /is an INITIAL behind other lines/,
    ],
    [
      'with a line of an unknown kind',
      [`${LINE} kind = 'GIFT' ${OF('$')} AND sequence = 3`],
      3,
      /unknown kind GIFT/,
    ],
    [
      'with a line that leaves more than there is',
      [`${LINE} available_after = 98 ${OF('$')} AND sequence = 3`],
      3,
      /leaves 98 available of 97/,
    ],
    [
      'whose level reserves less than nothing',
      [`${LEVEL} reserved = -1 ${OF('$')}`],
      null,
      /-1 reserved/,
    ],
    [
      'with more reserved than reservations hold',
      [`${LEVEL} reserved = 3 ${OF('$')}`],
      null,
      /3 reserved, its reservations hold 0/,
    ],
    ['whose ledger is gone', [`DELETE FROM stock_movements ${OF('$')}`], null, /the ledger at 0/],
  ];

  test.each(damages)('%s', async (title, statements, sequence, problem) => {
    const id = title.replaceAll(' ', '-');
    await newProduct(id);
    // The constraints would not let a test do this; a restored backup or a careless hand would.
    for (const [table, name] of [
      ['stock_movements', 'stock_movements_add_up'],
      ['stock_levels', 'stock_levels_reserved_within'],
      ['stock_levels', 'stock_levels_on_hand_not_negative'],
    ]) {
      await fresh.sequelize
        .query(`ALTER TABLE ${table} DROP CONSTRAINT ${name}`)
        .catch(() => undefined);
    }
    for (const statement of statements) await fresh.sequelize.query(statement.replaceAll('$', id));

    const found = (await fresh.verifyLedger()).problems.filter((bad) => bad.productId === id);
    expect(found).toEqual([
      {
        productId: id,
        locationId: 'default',
        sequence,
        problem: expect.stringMatching(problem) as string,
      },
    ]);
    const command = runCommand();
    expect(command.status).toBe(1);
    expect(command.output).toContain(`BAD ${id} at default`);
  });
});

test('finds stock without ledger lines, and ledger lines without a level', async () => {
  await fresh.sequelize.query(`INSERT INTO locations (id, name) VALUES ('annex', 'Annex')`);
  for (const id of ['stock-from-nowhere', 'lines-without-a-level']) await newProduct(id);
  await fresh.sequelize.query(
    `INSERT INTO stock_levels (product_id, location_id, on_hand) VALUES ('stock-from-nowhere', 'annex', 5)`,
  );
  await fresh.sequelize.query(
    `INSERT INTO stock_movements (${COLUMNS})
     VALUES ('lines-without-a-level', 'annex', 1, 'INCREASE', 5, 0, 5, 5, RANDOM_BYTES(32), 0)`,
  );
  const { problems } = await fresh.verifyLedger();
  expect(problems).toEqual(
    expect.arrayContaining([
      {
        productId: 'stock-from-nowhere',
        locationId: 'annex',
        sequence: null,
        problem: 'the level has 5 on hand, the ledger ends at 0',
      },
      {
        productId: 'lines-without-a-level',
        locationId: 'annex',
        sequence: null,
        problem: 'the ledger has lines, but there is no level',
      },
    ]),
  );
});

test('names of several bad lines the first, and each product once', async () => {
  await newProduct('bad-all-over');
  await fresh.sequelize.query(
    `${LINE} available_after = 1000 ${OF('bad-all-over')} AND sequence IN (2, 4, 5)`,
  );
  await fresh.sequelize.query(`${LEVEL} on_hand = 1 ${OF('bad-all-over')}`);
  const { problems } = await fresh.verifyLedger();
  const ofProduct = problems.filter(({ productId }) => productId === 'bad-all-over');
  expect(ofProduct.map(({ sequence }) => sequence)).toEqual([2]);
});

test('reports no problem in a ledger that is written while it is read', async () => {
  const live = await createFreshDatabase();
  const pool = new Database({ url: live.url, poolMax: 4, commitsMax: 2 });
  const stores = [new MysqlStockStore(pool.writer), new MysqlStockStore(pool.writer)];
  const product = {
    id: 'live',
    name: 'live',
    quantity: 10_000,
    locationId: 'default',
    lowStockThreshold: null,
  };
  await new MysqlProductCatalogue(pool).createProduct(product, Deadline.in(10_000, systemClock));
  const writing = { goesOn: true };
  const writers = stores.map(async (store) => {
    while (writing.goesOn) {
      const request = checkRequest(
        operations,
        'deductStock',
        { items: [{ productId: 'live', quantity: 1 }], mode: 'PARTIAL' },
        null,
      );
      await store.apply([{ type: 'LINES', ...request, atomic: false, productIds: [] }], {
        deadline: Deadline.in(10_000, systemClock),
        contended: true,
        impatient: false,
        fencingTokenOf: () => null,
      });
    }
  });
  const seen = new Set<number>();
  // As long as it takes until the ledger has been seen at many lengths.
  while (seen.size < 20) {
    const { problems, movements } = await live.verifyLedger();
    expect(problems).toEqual([]);
    seen.add(movements);
  }
  writing.goesOn = false;
  await Promise.all(writers);
  await pool.close();
  await live.drop();
});

test('fails where the tables are missing', () => {
  const { status, stderr } = spawnSync(
    process.execPath,
    ['dist/src/cli/stockade.js', 'verify-ledger'],
    {
      // In production no development server of this checkout is looked for.
      env: { PATH: process.env.PATH, NODE_ENV: 'production' },
      encoding: 'utf8',
    },
  );
  expect([status, stderr]).toEqual([
    1,
    'The configuration is not usable:\n  MYSQL_URL must be set\n',
  ]);
});
