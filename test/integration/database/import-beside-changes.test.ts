/** A product that changes while an import decides what to write of it: its levels and words fit it afterwards. */
import { QueryTypes } from 'sequelize';
import { Database } from '../../../src/database/connections.js';
import { MysqlProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { MysqlProductImport } from '../../../src/database/writing/product-import.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { inTenSeconds } from '../../support/one-pool.js';
import { operations } from '../../support/stock-writes.js';

const DATABASE = { poolMax: 4, commitsMax: 2 };

let fresh: FreshDatabase;
let proxy: MysqlProxy;
/** Of the import. */
let slow: Database;
let database: Database;
let products: MysqlProductCatalogue;

beforeAll(async () => {
  fresh = await createFreshDatabase();
  proxy = await MysqlProxy.start(fresh.url);
  slow = new Database({ ...DATABASE, url: proxy.url });
  database = new Database({ ...DATABASE, url: fresh.url });
  products = new MysqlProductCatalogue(database);
});

afterAll(async () => {
  await Promise.all([slow.close(), database.close()]);
  await proxy.stop();
  await fresh.drop();
});

const BEFORE = { name: 'Old name', lowStockThreshold: 2 };

function create(id: string): Promise<unknown> {
  const product = { id, ...BEFORE, quantity: 10, locationId: 'default' };
  return products.createProduct(product, inTenSeconds());
}

/** Imports this product, and does the work when the import has read it and has locked nothing. */
async function importBeside(
  id: string,
  imported: { readonly name: string; readonly lowStockThreshold: number | null },
  work: () => Promise<unknown>,
): Promise<void> {
  const importing = new MysqlProductImport(slow.writer, operations);
  const row = { line: 2, locationId: 'default', quantity: 10, id, ...imported };
  const held = proxy.holdAt(/FROM products.*FOR UPDATE|^INSERT INTO products/s);
  const batch = importing.importBatch([row], { dryRun: false, setQuantities: false });
  await held;
  await work();
  proxy.letGo();
  expect(await batch).toMatchObject({ refused: [] });
}

/** What is kept of the product outside of its row. */
async function copiesOf(id: string) {
  const select = (sql: string) =>
    fresh.sequelize.query<{ readonly text: string }>(sql, {
      type: QueryTypes.SELECT,
      replacements: [id],
    });
  const words = await select(
    `SELECT CONCAT(CONVERT(word USING utf8mb4), IF(archived, ' archived', '')) AS text
     FROM product_words WHERE product_id = ? ORDER BY word`,
  );
  const levels = await select(
    `SELECT CONCAT(l.archived, ' ', l.low_stock_threshold) AS text FROM stock_levels AS l
     WHERE l.product_id = ? ORDER BY l.location_id`,
  );
  return { words: words.map(({ text }) => text), levels: levels.map(({ text }) => text) };
}

test.each<[string, (id: string) => Promise<unknown>]>([
  ['is renamed', (id) => products.updateProduct({ id, name: 'Brand new' }, inTenSeconds())],
  [
    'gets another threshold',
    (id) => products.updateProduct({ id, lowStockThreshold: 7 }, inTenSeconds()),
  ],
])('a product that %s beside an import is as the import says', async (what, change) => {
  const id = `changed ${what}`;
  // The import finds one value as it is, and the other one changed: both before the other transaction.
  for (const imported of [
    { name: 'Old name', lowStockThreshold: 3 },
    { name: 'Other name', lowStockThreshold: 2 },
  ]) {
    const product = `${id} ${imported.name}`;
    await create(product);
    await importBeside(product, imported, () => change(product));
    const words = imported.name.toLowerCase().split(' ').toSorted();
    const levels = [`0 ${imported.lowStockThreshold}`];
    expect(await copiesOf(product)).toEqual({ words, levels });
  }
  expect((await fresh.verifyLedger()).problems).toEqual([]);
});

test('a product that is archived beside an import has no word among those on sale', async () => {
  await create('archived');
  await importBeside('archived', { name: 'Other name', lowStockThreshold: 3 }, () =>
    products.setArchived('archived', true, inTenSeconds()),
  );
  const { words } = await copiesOf('archived');
  expect(words).toEqual(['name archived', 'other archived']);
  expect((await fresh.verifyLedger()).problems).toEqual([]);
});

test('a product that is created beside an import is as the import says', async () => {
  await importBeside('created', { name: 'Other name', lowStockThreshold: 3 }, () =>
    create('created'),
  );
  expect(await copiesOf('created')).toEqual({ words: ['name', 'other'], levels: ['0 3'] });
  expect((await fresh.verifyLedger()).problems).toEqual([]);
});
