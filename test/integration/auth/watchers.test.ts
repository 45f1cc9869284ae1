/** Subscribers have the same principals and scopes as over HTTP, from the connection_init message. */
import { jest } from '@jest/globals';
import { newApiKey, prefixOf } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { closeClient } from '../../support/graphql-client.js';
import { runApp, stopApps, type RunningApp } from '../../support/running-app.js';
import { Shop } from '../../support/shop.js';
import { until } from '../../support/until.js';
import { startWatching, stopWatchers, watch } from '../../support/watcher.js';

jest.setTimeout(60_000);

let shop: Shop;
let app: RunningApp;

beforeAll(async () => {
  shop = await Shop.open();
  app = await runApp(shop.database.url, {
    NODE_ENV: 'production',
    STOCK_LOCK: 'redis',
    REDIS_URL: givenUrl('REDIS_URL'),
    AUTH: 'keys',
  });
});

afterAll(async () => {
  await stopWatchers();
  await stopApps();
  closeClient();
  await shop.close();
});

async function authorizationOf(name: string, scopes: ('read' | 'deduct' | 'manage')[]) {
  return `Bearer ${await newApiKey(shop.database, name, scopes)}`;
}

test('the scope read permits a subscription', async () => {
  const authorization = await authorizationOf('screen', ['read']);
  const watcher = await startWatching(app.graphqlUrl, { authorization });
  expect(watcher.faults).toEqual([]);
  await watcher.stop();
});

test.each([
  ['nothing', undefined],
  ['text that is not a key', 'Bearer nonsense'],
  ['an unknown key', 'Bearer stk_0000000000000000.0000000000000000000000000000000000000000000'],
])('a connection with %s is closed with 4403', async (_, authorization) => {
  const watcher = watch(app.graphqlUrl, authorization === undefined ? {} : { authorization });
  await until('it is closed', () => watcher.closed.length > 0);
  expect(watcher.closed).toEqual([4403]);
  expect(watcher.events).toEqual([]);
});

test('a principal without the scope read may connect, and its subscription is FORBIDDEN', async () => {
  const authorization = await authorizationOf('checkout', ['deduct', 'manage']);
  const watcher = watch(app.graphqlUrl, { authorization });
  await until('the refusal', () => watcher.faults.length > 0);
  expect(watcher.faults[0]?.extensions?.code).toBe('FORBIDDEN');
  expect(watcher.events).toEqual([]);
  await watcher.stop();
});

test('a revoked key cannot connect', async () => {
  const key = await newApiKey(shop.database, 'former', ['read']);
  await shop.database.sequelize.query('UPDATE api_keys SET revoked_at = NOW(6) WHERE prefix = ?', {
    replacements: [prefixOf(key)],
  });
  const watcher = watch(app.graphqlUrl, { authorization: `Bearer ${key}` });
  await until('it is closed', () => watcher.closed.length > 0);
  expect(watcher.closed).toEqual([4403]);
});
