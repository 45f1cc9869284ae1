/**
 * Shows docs/migrating.md on a shop that counts its stock in a column of its own, and is selling all the while: import,
 * then both for a while, then the switch. It creates the tables own_products and own_orders in the database of MYSQL_URL,
 * which must be one to play with, and drops them at the end. Needs a server on that database, and `npm run build`.
 *
 *     MYSQL_URL=mysql://… node scripts/migrating-example.mjs http://localhost:4000/graphql
 *
 * Exits with 1 where a unit was lost, doubled or oversold.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import mysql from 'mysql2/promise';

const PRODUCTS = 5;
const UNITS = 60;
const BUYERS = 8;

const TABLES = {
  own_products: 'id VARCHAR(64) PRIMARY KEY, name VARCHAR(255) NOT NULL, stock INT NOT NULL',
  own_orders: `id BIGINT AUTO_INCREMENT PRIMARY KEY, product_id VARCHAR(64) NOT NULL,
    in_stockade BOOLEAN NOT NULL DEFAULT FALSE`,
};

/** What the shop's own code does before: it takes the units, and writes the order, in one transaction. */
async function sellByColumn(own, productId) {
  const connection = await own.getConnection();
  try {
    await connection.beginTransaction();
    const [taken] = await connection.query(
      'UPDATE own_products SET stock = stock - 1 WHERE id = ? AND stock >= 1',
      [productId],
    );
    if (taken.affectedRows === 1) {
      await connection.query('INSERT INTO own_orders (product_id) VALUES (?)', [productId]);
    }
    await connection.commit();
    return taken.affectedRows === 1;
  } finally {
    connection.release();
  }
}

/** What it does afterwards: Stockade takes the units, under a key that the order keeps. */
async function sellByStockade(own, graphqlUrl, productId, key) {
  const answer = await deduct(graphqlUrl, productId, key);
  if (answer.__typename !== 'DeductedItem') return false;
  await own.query('INSERT INTO own_orders (product_id, in_stockade) VALUES (?, TRUE)', [productId]);
  return true;
}

async function deduct(graphqlUrl, productId, idempotencyKey) {
  const query = `mutation ($input: DeductStockInput!) {
    deductStock(input: $input) { results { __typename ... on FailedItem { error { code message } } } }
  }`;
  const items = [{ productId, quantity: 1 }];
  const { deductStock } = await ask(graphqlUrl, query, { input: { items, idempotencyKey } });
  return deductStock.results[0];
}

async function ask(graphqlUrl, query, variables) {
  const response = await fetch(graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return data;
}

/** Step 1. The stock and the orders of one snapshot: what was sold until then is in the imported quantities. */
async function importSnapshot(own) {
  const connection = await own.getConnection();
  await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  await connection.beginTransaction();
  const [products] = await connection.query('SELECT id, name, stock FROM own_products');
  const [orders] = await connection.query('SELECT id FROM own_orders');
  await connection.commit();
  connection.release();
  if (orders.length > 0) {
    await own.query('UPDATE own_orders SET in_stockade = TRUE WHERE id IN (?)', [
      orders.map(({ id }) => id),
    ]);
  }
  const folder = mkdtempSync(join(tmpdir(), 'stockade-migrating-'));
  const rows = products.map(({ id, name, stock }) => `${id},${name},default,${stock},`);
  const file = join(folder, 'products.csv');
  writeFileSync(file, ['id,name,locationId,quantity,lowStockThreshold', ...rows, ''].join('\n'));
  execFileSync(process.execPath, ['dist/src/cli/stockade.js', 'import', file], { stdio: 'pipe' });
  rmSync(folder, { recursive: true });
  return orders.length;
}

/** Orders whose sender died between Stockade's answer and its own note of it. */
const forgotten = new Set();

/** Step 2. Sends the orders that Stockade may not know; the key makes it safe to send one again. */
async function sendOrders(own, graphqlUrl) {
  const [orders] = await own.query(
    'SELECT id, product_id AS productId FROM own_orders WHERE NOT in_stockade',
  );
  const send = async ({ id, productId }) => {
    const answer = await deduct(graphqlUrl, productId, `order-${id}`);
    if (answer.__typename !== 'DeductedItem')
      throw new Error(`Order ${id}: ${answer.error.message}`);
    if (id % 7 === 0 && !forgotten.has(id)) forgotten.add(id);
    else await own.query('UPDATE own_orders SET in_stockade = TRUE WHERE id = ?', [id]);
  };
  await Promise.all(orders.map(send));
  return orders.length;
}

/** Where column and Stockade disagree. No sale may run meanwhile. */
async function differences(own, graphqlUrl) {
  const [rows] = await own.query('SELECT id, stock FROM own_products');
  const query =
    'query ($ids: [ID!]) { products(first: 100, filter: { ids: $ids }) { nodes { id available } } }';
  const { products } = await ask(graphqlUrl, query, { ids: rows.map(({ id }) => id) });
  const available = new Map(products.nodes.map((product) => [product.id, product.available]));
  return rows.filter(({ id, stock }) => available.get(id) !== stock);
}

/** Buyers who buy until so many units are sold, or nothing is left. */
function startBuyers(ids, sell, most) {
  const sales = { sold: 0 };
  const buy = async (_, buyer) => {
    let misses = 0;
    for (let i = buyer; sales.sold < most && misses < ids.length; i += 1) {
      const isSold = await sell(ids[i % ids.length], `${buyer}-${i}`);
      misses = isSold ? 0 : misses + 1;
      sales.sold += isSold ? 1 : 0;
    }
  };
  const ended = Promise.all(Array.from({ length: BUYERS }, buy));
  return { sales, ended };
}

async function migrate(own, graphqlUrl, ids) {
  const sellSlowly = async (id) => {
    await wait(20);
    return sellByColumn(own, id);
  };
  const old = startBuyers(ids, sellSlowly, (ids.length * UNITS) / 2);
  while (old.sales.sold < UNITS / 2) await wait(5);
  const before = await importSnapshot(own);
  console.log(
    `1. Imported ${ids.length} products beside the sale, with ${before} orders in their stock.`,
  );
  const sending = { isOver: false, calls: 0 };
  const sender = (async () => {
    while (!sending.isOver) sending.calls += await sendOrders(own, graphqlUrl);
  })();
  await Promise.all([old.ended, Promise.race([sender, old.ended])]);
  sending.isOver = true;
  await sender;
  for (let open = 1; open > 0; sending.calls += open) open = await sendOrders(own, graphqlUrl);
  const wrong = await differences(own, graphqlUrl);
  console.log(
    `2. Deducted in both: ${sending.calls} calls, ${forgotten.size} of them forgotten; ${wrong.length} products differ.`,
  );
  const sell = (id, key) => sellByStockade(own, graphqlUrl, id, `sale-${key}`);
  const rest = startBuyers(ids, sell, Infinity);
  await rest.ended;
  console.log(
    `3. Switched: ${old.sales.sold} units sold by the column, ${rest.sales.sold} by Stockade.`,
  );
  const [[{ orders }]] = await own.query('SELECT COUNT(*) AS orders FROM own_orders');
  const isRight = wrong.length === 0 && orders === ids.length * UNITS;
  console.log(isRight ? 'No unit was lost, doubled or oversold.' : `Wrong: ${orders} orders.`);
  return isRight;
}

async function main() {
  const [graphqlUrl] = process.argv.slice(2);
  const { MYSQL_URL } = process.env;
  if (!graphqlUrl || !MYSQL_URL) {
    console.error('Usage: MYSQL_URL=mysql://… node scripts/migrating-example.mjs GRAPHQL_URL');
    process.exit(1);
  }
  const own = mysql.createPool({ uri: MYSQL_URL, connectionLimit: BUYERS + 2 });
  const ids = Array.from({ length: PRODUCTS }, (_, i) => `own-${Date.now()}-${i}`);
  const created = [];
  try {
    for (const [name, columns] of Object.entries(TABLES)) {
      await own.query(`CREATE TABLE ${name} (${columns})`);
      created.push(name);
    }
    await own.query('INSERT INTO own_products (id, name, stock) VALUES ?', [
      ids.map((id) => [id, `Product ${id}`, UNITS]),
    ]);
    process.exitCode = (await migrate(own, graphqlUrl, ids)) ? 0 : 1;
  } finally {
    // A table that was there before is another shop's.
    if (created.length > 0) await own.query(`DROP TABLE ${created.join(', ')}`);
    await own.end();
  }
}

await main();
