/** The product runs under exactly the rights that docs/mysql.md grants, and they are no more than it says. */
import { readFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Sequelize } from 'sequelize';
import { openPool } from '../../src/database/pool.js';
import { givenUrl } from '../support/fresh-database.js';
import { closeClient } from '../support/graphql-client.js';
import { startServer } from '../support/server-process.js';
import { brief, callStock, createProduct, deduction } from '../support/stock-calls.js';

const suffix = randomBytes(4).toString('hex');
const name = `granted_${suffix}`;
const [runtime, migrating] = [`run_${suffix}`, `migrate_${suffix}`];
let root: Sequelize;

/** Of the page, for a database and users of this test's own. */
function statements(): string[] {
  const page = readFileSync('docs/mysql.md', 'utf8');
  const blocks = [...page.matchAll(/```sql\n([^`]+)```/g)].map(([, block = '']) => block);
  return blocks
    .join('\n')
    .split(';')
    .map((sql) => sql.trim())
    .filter((sql) => sql !== '')
    .map((sql) =>
      sql
        .replaceAll("'stockade_migrate'", `'${migrating}'`)
        .replaceAll("'stockade'", `'${runtime}'`)
        .replaceAll('stockade.*', `${name}.*`),
    );
}

function urlOf(user: string, password: string): string {
  const { host } = new URL(givenUrl('MYSQL_URL'));
  return `mysql://${user}:${encodeURIComponent(password)}@${host}/${name}?ssl-mode=REQUIRED`;
}

function run(args: readonly string[], mysqlUrl: string) {
  const env = { PATH: process.env.PATH, MYSQL_URL: mysqlUrl };
  return spawnSync('node', ['dist/src/cli/stockade.js', ...args], { env, encoding: 'utf8' });
}

beforeAll(async () => {
  root = openPool({ url: givenUrl('MYSQL_URL') }, 1);
  await root.query(`CREATE DATABASE ${name}`);
  for (const sql of statements()) await root.query(sql);
});

afterAll(async () => {
  closeClient();
  await root.query(`DROP DATABASE ${name}`);
  await root.query(`DROP USER '${runtime}'@'%', '${migrating}'@'%'`);
  await root.close();
});

test('under the granted rights, one user migrates and the other one serves and runs all commands', async () => {
  const migrated = run(['migrate'], urlOf(migrating, 'another password'));
  expect([migrated.stderr, migrated.status]).toEqual(['', 0]);
  const MYSQL_URL = urlOf(runtime, 'a password');
  const server = await startServer({
    MYSQL_URL,
    REDIS_URL: givenUrl('REDIS_URL'),
    MIGRATE_ON_START: 'false',
  });
  const id = `granted-${suffix}`;
  expect(await createProduct(server.graphqlUrl, { id, quantity: 5 })).toBe('Product');
  const call = deduction({ [id]: 2 }, { idempotencyKey: id });
  expect(brief(await callStock(server.graphqlUrl, call))).toEqual([3]);
  await server.stop();
  for (const args of [['keys', 'list'], ['export'], ['verify-ledger']]) {
    const { status, stderr } = run(args, MYSQL_URL);
    expect([args, status, stderr.includes('denied')]).toEqual([args, 0, false]);
  }
});

test('the serving user can change no table', async () => {
  const pool = openPool({ url: urlOf(runtime, 'a password') }, 1);
  await expect(pool.query('DROP TABLE stock_movements')).rejects.toThrow(/denied/);
  await expect(pool.query('ALTER TABLE products ADD extra INT')).rejects.toThrow(/denied/);
  await pool.close();
});
