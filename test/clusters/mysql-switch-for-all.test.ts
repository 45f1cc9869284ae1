/**
 * Everything else that uses MySQL goes on after a switch of the primary that keeps connections: API keys,
 * subscriptions, reservations and their sweeper, an import, and a server that starts meanwhile.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { QueryTypes, type Sequelize } from 'sequelize';
import { makeTemporaryFolder, removeFolder } from '../../services/child-processes.js';
import type { MysqlCluster } from '../../services/mysql-cluster.js';
import { startMysqlPair } from '../../services/mysql-pair.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { openPool } from '../../src/database/pool.js';
import { verifyLedger } from '../../src/database/reading/ledger-verification.js';
import {
  DeductStockDocument,
  ProductDocument,
  ReserveStockDocument,
} from '../generated/operations.js';
import { bearer, newApiKey } from '../support/api-keys.js';
import { closeClient, send } from '../support/graphql-client.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { startProgram } from '../support/started-program.js';
import { until } from '../support/until.js';
import { startWatching, stopWatchers } from '../support/watcher.js';

const IMPORTED = 20_000;

let pair: MysqlCluster;
let folder: string;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  pair = await startMysqlPair();
  folder = await makeTemporaryFolder('stockade-test-');
});

afterAll(async () => {
  closeClient();
  await stopWatchers();
  for (const server of servers) await server.kill('SIGKILL');
  await removeFolder(folder);
  await pair.stop();
});

test('keys, subscriptions, the sweeper, an import and a start follow the primary', async () => {
  const primary = await pair.primary();
  const shop = await Shop.open(primary.url);
  const { pathname } = new URL(shop.database.url);
  const hosts = pair.members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  const env = { MYSQL_URL: `mysql://root@${hosts}${pathname}`, STOCK_LOCK: 'none', AUTH: 'keys' };
  const id = await shop.newProduct(1_000);
  const reserved = await shop.newProduct(10);
  const headers = bearer(await newApiKey(shop.database, 'shop', ['read', 'deduct', 'manage']));
  const server = await startServer(env);
  servers.push(server);
  const watcher = await startWatching(server.graphqlUrl, headers);
  const deduct = async (origin = server) => {
    const input = { items: [{ productId: id, quantity: 1 }] };
    const { data } = await send(origin.graphqlUrl, DeductStockDocument, { input }, { headers });
    return data?.deductStock.results[0]?.__typename === 'DeductedItem';
  };
  const available = async (product: string) => {
    const { data } = await send(server.graphqlUrl, ProductDocument, { id: product }, { headers });
    return data?.product?.available;
  };
  expect(await deduct()).toBe(true);
  const input = { items: [{ productId: reserved, quantity: 4 }], ttlSeconds: 10 };
  await send(server.graphqlUrl, ReserveStockDocument, { input }, { headers });
  expect(await available(reserved)).toBe(6);
  const imports = startImport(env.MYSQL_URL);
  const { sequelize } = shop.database;
  await until('a part of the import', async () => (await countProducts(sequelize)) > 1_000);

  const target = pair.members.find(({ port }) => port !== primary.port);
  if (!target) throw new Error('There is no other member.');
  await pair.switchPrimary(target);
  const young = await startServer(env);
  servers.push(young);
  const heard = watcher.changes().length;

  await until('a deduction at the new primary', () => deduct());
  await until('one of the server that has started meanwhile', () => deduct(young));
  await until('the subscriber has heard of it', () => watcher.changes().length > heard);
  await until(
    'the reservation has been given back',
    async () => (await available(reserved)) === 10,
  );
  if ((await imports.exited) !== 0) {
    expect(imports.stderr()).toContain('again');
    expect(await startImport(env.MYSQL_URL).exited).toBe(0);
  }
  const now = openPool({ url: withDatabase(target.url, pathname.slice(1)) }, 2);
  expect(await countProducts(now)).toBe(IMPORTED + 2);
  expect((await verifyLedger(now)).problems).toEqual([]);
  await now.close();
});

function startImport(mysqlUrl: string) {
  const file = join(folder, 'products.csv');
  const rows = Array.from({ length: IMPORTED }, (_, i) => `import-${i},Product ${i},default,5,`);
  writeFileSync(file, ['id,name,locationId,quantity,lowStockThreshold', ...rows, ''].join('\n'));
  return startProgram(['dist/src/cli/stockade.js', 'import', file], { MYSQL_URL: mysqlUrl });
}

async function countProducts(pool: Sequelize): Promise<number> {
  const [row] = await pool.query<{ n: number }>('SELECT COUNT(*) AS n FROM products', {
    type: QueryTypes.SELECT,
  });
  return Number(row?.n);
}
