/**
 * What becomes of a server when its group of MySQL changes: it follows the primary without having written, leaves one
 * that hangs, and says that it is not ready where the group has lost its majority.
 */
import { startMysqlGroup } from '../../services/mysql-group.js';
import type { ClusterMember, MysqlCluster } from '../../services/mysql-cluster.js';
import { ProductDocument } from '../generated/operations.js';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import { outageMs, startLoad } from '../support/mysql-load.js';
import { newProductId } from '../support/product-ids.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, createProduct, deduction, linesOf } from '../support/stock-calls.js';
import { until } from '../support/until.js';

const UNITS = 100_000;

let group: MysqlCluster;
let shop: Shop;
let server: ServerProcess;
let productId: string;

beforeAll(async () => {
  group = await startMysqlGroup({ mode: 'single-primary' });
  const primary = await group.primary();
  shop = await Shop.open(primary.url);
  const name = shop.database.url.split('/').at(-1) ?? '';
  const hosts = group.members.map(({ port }) => `127.0.0.1:${port}`).join(',');
  server = await startServer({
    MYSQL_URL: `mysql://root@${hosts}/${name}`,
    STOCK_LOCK: 'none',
    REQUEST_TIMEOUT_MS: '5000',
    LOG_LEVEL: 'info',
  });
  productId = newProductId();
  expect(await createProduct(server.graphqlUrl, { id: productId, quantity: UNITS })).toBe(
    'Product',
  );
  await group.caughtUp();
});

afterAll(async () => {
  closeClient();
  await server.kill('SIGKILL');
  await group.stop();
});

interface Ready {
  readonly status: number;
  readonly writes: string;
  readonly mysql: string | null;
  readonly stockLock: string;
}

async function readiness(): Promise<Ready> {
  const response = await fetch(`${server.origin}/ready`);
  return { ...((await response.json()) as Omit<Ready, 'status'>), status: response.status };
}

function addressOf({ port }: ClusterMember): string {
  return `127.0.0.1:${port}`;
}

async function onHand(): Promise<number | undefined> {
  const { product } = dataOf(await send(server.graphqlUrl, ProductDocument, { id: productId }));
  return product?.onHand;
}

test('a server that only reads leaves a primary that was demoted and keeps its connections', async () => {
  const first = await group.primary();
  expect(await readiness()).toMatchObject({
    status: 200,
    writes: 'available',
    mysql: addressOf(first),
    stockLock: 'none',
  });
  const second = group.members.find(({ port }) => port !== first.port);
  if (!second) throw new Error('There is no other member.');
  await group.switchPrimary(second);
  // Each second it asks its server whether it takes writes. /ready commits, so the log is looked at instead.
  await until('the new primary in the log', async () => {
    await onHand();
    return server.output().split('MySQL takes writes.').length > 2;
  });
  expect(await readiness()).toMatchObject({ status: 200, mysql: addressOf(second) });
  expect(await onHand()).toBe(UNITS);
});

test('a primary that hangs is left, and writes are back soon after the group has another one', async () => {
  const hung = await group.primary();
  const others = group.members.filter(({ port }) => port !== hung.port);
  const load = startLoad(server.graphqlUrl, productId);
  await until('deductions before the incident', () => load.taken() >= 10);
  const printed = server.output().length;
  const sinceMs = performance.now();
  await hung.kill('SIGSTOP');
  await until('/ready says that it cannot commit', async () => (await readiness()).status === 503);
  await until('a new primary', () => isPrimaryAmong(others), 60_000);
  const electedMs = Math.round(performance.now() - sinceMs);
  const before = load.taken();
  await until('writes at the new one', () => load.taken() >= before + 20, 60_000);
  await load.stop();
  const outage = outageMs(load.outcomes, sinceMs);
  console.log(`The primary hung: another one after ${electedMs} ms, writes away for ${outage} ms.`);
  expect(outage).toBeLessThanOrEqual(electedMs + 5_000);
  expect(await readiness()).toMatchObject({ status: 200, writes: 'available' });
  expect(await onHand()).toBe(UNITS - load.taken());
  // Of this test: a pause of the machine adds lines of its own, before it and in between.
  const log = server
    .output()
    .slice(printed)
    .split('\n')
    .filter((line) => line.includes('of this process'));
  expect(log).toContainEqual(expect.stringContaining('takes no'));
  expect(log.at(-1)).toContain('again.');
  await hung.kill('SIGKILL');
  await hung.restart();
  await group.caughtUp();
});

async function isPrimaryAmong(members: readonly ClusterMember[]): Promise<boolean> {
  const primary = await group.primary();
  return members.some(({ port }) => port === primary.port);
}

test('without the majority of its group a server says at once that it is not ready, and refuses', async () => {
  const last = await group.primary();
  const lines = server.output().split('The database takes no writes of this process.').length;
  for (const member of group.members) if (member.port !== last.port) await member.kill('SIGKILL');
  const sinceMs = performance.now();
  await until('/ready says so', async () => (await readiness()).status === 503, 20_000);
  console.log(`No majority: /ready 503 after ${Math.round(performance.now() - sinceMs)} ms.`);
  expect(await readiness()).toMatchObject({ status: 503, writes: 'away' });
  const askedMs = performance.now();
  const answer = await callStock(server.graphqlUrl, deduction({ [productId]: 1 }));
  expect(linesOf(answer)).toMatchObject([{ outcome: 'REFUSED', code: 'UNAVAILABLE' }]);
  expect(performance.now() - askedMs).toBeLessThan(4_000);
  const told = server.output().split('The database takes no writes of this process.').length;
  expect(told - lines).toBe(1);
});
