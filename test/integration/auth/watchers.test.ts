/** Subscribers have the same principals and scopes as over HTTP, from the connection_init message. */
import { newApiKey, prefixOf } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { startWatching, stopWatchers, watch } from '../../support/watcher.js';

const app = useApp({
  NODE_ENV: 'production',
  STOCK_LOCK: 'redis',
  REDIS_URL: givenUrl('REDIS_URL'),
  AUTH: 'keys',
});

afterEach(stopWatchers);

async function authorizationOf(name: string, scopes: ('read' | 'deduct' | 'manage')[]) {
  return `Bearer ${await newApiKey(app.database, name, scopes)}`;
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
  const key = await newApiKey(app.database, 'former', ['read']);
  await app.database.sequelize.query('UPDATE api_keys SET revoked_at = NOW(6) WHERE prefix = ?', {
    replacements: [prefixOf(key)],
  });
  const watcher = watch(app.graphqlUrl, { authorization: `Bearer ${key}` });
  await until('it is closed', () => watcher.closed.length > 0);
  expect(watcher.closed).toEqual([4403]);
});
