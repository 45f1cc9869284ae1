/** Products are found by the words of their names, by an index, in a shop of any size; the words follow the names. */
import { QueryTypes, type Sequelize } from 'sequelize';
import { openPool } from '../../../src/database/pool.js';
import { up } from '../../../src/database/migrations/2026.11.29T02.00.00.product-words.js';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { MysqlProductImport } from '../../../src/database/writing/product-import.js';
import type { ProductFilter } from '../../../src/inventory/products.js';
import { wordsOf } from '../../../src/inventory/product-words.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { NUMBERS, numberSteps } from '../../support/number-rows.js';
import { inTenSeconds, onePool } from '../../support/one-pool.js';
import { operations } from '../../support/stock-writes.js';
import { planOf, touchedRows } from '../../support/touched-rows.js';
import { walkPages } from '../../support/walked-pages.js';

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

async function find(filter: ProductFilter, limit = 100, backward = false) {
  const { ids } = await walkPages(
    (page) => products.products(page, filter, inTenSeconds()),
    limit,
    backward,
  );
  return ids;
}

async function create(id: string, name: string): Promise<string> {
  const rest = { quantity: 1, locationId: 'default', lowStockThreshold: null };
  await products.createProduct({ id, name, ...rest }, inTenSeconds());
  return id;
}

function wordsInTable(): Promise<unknown[]> {
  return session.query(
    `SELECT CONVERT(word USING utf8mb4) AS word, archived, product_id AS id FROM product_words ORDER BY 3, 2, 1`,
    { type: QueryTypes.SELECT },
  );
}

test('words are found in any order and place, without regard to case, accents and punctuation', async () => {
  const names = {
    a: 'Café Crème, large',
    b: 'LARGE café-table (oak)',
    c: 'Straße, large — map',
    d: 'Large',
    e: '大 Tisch ½ 100 %',
  };
  for (const [id, name] of Object.entries(names)) await create(id, name);
  for (const [search, ids] of [
    ['large', ['a', 'b', 'c', 'd']],
    ['LARGE   cafe', ['a', 'b']],
    ['creme! café', ['a']],
    ['cafe\u0301', ['a', 'b']],
    ['STRASSE', ['c']],
    ['table oak large café', ['b']],
    ['大', ['e']],
    ['100 tisch', ['e']],
    // Whole words only.
    ['larg', []],
    ['large sofa', []],
    ['%', ['a', 'b', 'c', 'd', 'e']],
    ['', ['a', 'b', 'c', 'd', 'e']],
  ] as const) {
    expect({ search, ids: await find({ search }) }).toEqual({ search, ids });
    const backward = await find({ search }, 1, true);
    expect({ search, ids: [...backward].reverse() }).toEqual({ search, ids });
  }
});

test('the words follow a name that is changed, imported, archived and restored', async () => {
  await create('a', 'Old name');
  await products.updateProduct({ id: 'a', name: 'New name' }, inTenSeconds());
  expect(await find({ search: 'old' })).toEqual([]);
  expect(await find({ search: 'name new' })).toEqual(['a']);
  await products.setArchived('a', true, inTenSeconds());
  expect(await find({ search: 'new' })).toEqual([]);
  expect(await find({ search: 'new', archived: true })).toEqual(['a']);
  const row = { line: 2, locationId: null, quantity: null, lowStockThreshold: null };
  const importer = new MysqlProductImport(fresh.sequelize, operations);
  const imported = [
    { ...row, id: 'a', name: 'Newest lamp' },
    { ...row, line: 3, id: 'b', name: 'Another lamp' },
  ];
  await importer.importBatch(imported, { dryRun: false, setQuantities: true });
  expect(await find({ search: 'lamp', archived: true })).toEqual(['a']);
  expect(await find({ search: 'lamp' })).toEqual(['b']);
  await products.setArchived('a', false, inTenSeconds());
  expect(await find({ search: 'lamp' })).toEqual(['a', 'b']);
  expect(await wordsInTable()).toHaveLength(4);
});

test('the migration writes the words of all products, and can be repeated', async () => {
  await create('a', 'Red lamp');
  await create('b', 'Red, RED lämp');
  await products.setArchived('b', true, inTenSeconds());
  const before = await wordsInTable();
  expect(before).toHaveLength(4);
  await session.query('DELETE FROM product_words WHERE product_id = "a" OR word = "red"');
  for (let time = 0; time < 2; time += 1) {
    await up({ context: session, name: '', path: '' });
    expect(await wordsInTable()).toEqual(before);
  }
  await session.query('DROP TABLE product_words');
  await up({ context: session, name: '', path: '' });
  expect(await wordsInTable()).toEqual(before);
});

test('a name of any length and of any characters has words that can be stored', async () => {
  for (const [i, name] of [
    'ﷺ'.repeat(255),
    '𝒜'.repeat(255),
    'x'.repeat(255),
    '½ '.repeat(127),
  ].entries()) {
    const id = await create(`long-${i}`, name);
    expect(await find({ search: name })).toEqual([id]);
  }
  expect(wordsOf('!?')).toEqual([]);
});

/** With the words `item`, one of `even` and `odd`, one of a thousand groups, and `first` or `second` half. */
async function addMany(count: number): Promise<void> {
  const half = `IF(n < ${count / 2}, 'first', 'second')`;
  const name = `CONCAT('Item ', IF(n % 2, 'odd', 'even'), ' group', n % 1000, ' ', ${half})`;
  const id = `CONCAT('p', LPAD(n, 6, '0'))`;
  const words = [`'item'`, `IF(n % 2, 'odd', 'even')`, `CONCAT('group', n % 1000)`, half];
  for (const step of numberSteps(count)) {
    await session.query(
      `INSERT INTO products (id, name, low_stock_threshold) SELECT ${id}, ${name}, IF(n % 500 = 0, 5, NULL)
       FROM ${NUMBERS} WHERE ${step} ORDER BY n`,
    );
    for (const word of words) {
      await session.query(
        `INSERT INTO product_words (word, archived, product_id) SELECT ${word}, FALSE, ${id}
         FROM ${NUMBERS} WHERE ${step} ORDER BY n`,
      );
    }
  }
  for (const table of ['products', 'product_words']) await session.query(`ANALYZE TABLE ${table}`);
}

test('among a hundred thousand, a page touches a bounded number of rows, by the indexes', async () => {
  await addMany(100_000);
  for (const [filter, rowsMax, found] of [
    [{ search: 'item' }, 1_500, 20],
    [{ search: 'nothing' }, 100, 0],
    [{ search: 'item nothing' }, 5_000, 0],
    [{ search: 'group7 item' }, 8_000, 20],
    [{ search: 'second odd group7' }, 12_000, 20],
    [{ search: 'odd item even' }, 30_000, 0],
    [{ search: 'first second' }, 30_000, 0],
    [{ search: 'group500', lowStock: true }, 3_000, 20],
    [{ search: 'group7', nameStartsWith: 'item o' }, 3_000, 20],
    [{ search: 'odd', nameStartsWith: 'item' }, 30_000, 0],
  ] as const) {
    const from = await touchedRows(session);
    const page = { direction: 'FORWARD', limit: 20, after: null } as const;
    const { edges, hasNextPage } = await products.products(page, filter, inTenSeconds());
    const rows = (await touchedRows(session)) - from;
    expect({ filter, rows, found: edges.length }).toEqual({
      filter,
      rows: Math.min(rows, rowsMax),
      found,
    });
    // Where nothing was found among those that were looked at, the list goes on.
    const isRare = filter.search.includes('nothing');
    expect({ filter, hasNextPage }).toEqual({ filter, hasNextPage: found > 0 || !isRare });
  }
  expect(await find({ search: 'second group7' })).toHaveLength(50);
  expect(await find({ search: 'group7', nameStartsWith: 'item odd' })).toHaveLength(100);

  statements.length = 0;
  await find({ search: 'group7 item' });
  const indexes = new Map<string, string | null>();
  for (const sql of [...statements]) {
    for (const { table, key, Extra } of await planOf(session, sql)) {
      // What is made on the way, as `<derived2>`, is bounded by its LIMIT.
      if (!table || table.startsWith('<')) continue;
      indexes.set(table, key);
      expect({ sql, table, Extra: Extra ?? '' }).toEqual({
        sql,
        table,
        Extra: expect.not.stringContaining('filesort') as string,
      });
    }
  }
  expect(indexes.get('w')).toBe('product_words_of_product');
  expect(indexes.get('product_words')).toBe('PRIMARY');
  expect(indexes.get('p')).toBe('PRIMARY');
});
