/** The script of docs/migrating.md: a shop that goes on selling while its stock moves into Stockade loses no unit. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { STOCK_LOCKS, Shop } from '../support/shop.js';

let shop: Shop;

beforeEach(async () => {
  shop = await Shop.open();
});

afterEach(async () => {
  const problems = await shop.problems();
  await shop.close();
  expect(problems).toEqual([]);
});

test.each(STOCK_LOCKS)(
  'import, then deduct in both, then switch: no unit is lost, doubled or oversold, %s',
  async (stockLock) => {
    const server = await shop.startServer(stockLock);
    const env = { PATH: process.env.PATH, MYSQL_URL: shop.database.url };
    const script = ['scripts/migrating-example.mjs', server.graphqlUrl];
    const { stdout } = await promisify(execFile)(process.execPath, script, { env });
    expect(stdout).toMatch(/^1\. Imported 5 products beside the sale, with [1-9]\d* orders/m);
    expect(stdout).toMatch(
      /^2\. .* [1-9]\d* calls, [1-9]\d* of them forgotten; 0 products differ\.$/m,
    );
    expect(stdout).toMatch(
      /^3\. Switched: [1-9]\d* units sold by the column, [1-9]\d* by Stockade\.$/m,
    );
    expect(stdout).toContain('No unit was lost, doubled or oversold.');
    await server.stop();
  },
);

test('tables of these names that are there already are left as they are', async () => {
  const { sequelize, url: MYSQL_URL } = shop.database;
  await sequelize.query('CREATE TABLE own_orders (id INT PRIMARY KEY)');
  const script = ['scripts/migrating-example.mjs', 'http://127.0.0.1:1/graphql'];
  const env = { PATH: process.env.PATH, MYSQL_URL };
  await expect(promisify(execFile)(process.execPath, script, { env })).rejects.toThrow(
    /own_orders' already exists/,
  );
  const [tables] = await sequelize.query("SHOW TABLES LIKE 'own\\_%'");
  expect(tables.flatMap((row): unknown[] => Object.values(row as object))).toEqual(['own_orders']);
});
