/** What the servers tell of themselves, asked of real servers: who the caller is, and what the whole fleet is doing. */
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import {
  FleetDocument,
  ViewerDocument,
  type FleetQuery,
  type ViewerQuery,
} from '../generated/operations.js';
import { bearer, newApiKey } from '../support/api-keys.js';
import { closeClient, dataOf, send, type GraphqlResponse } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction } from '../support/stock-calls.js';
import { until } from '../support/until.js';

type Fleet = FleetQuery['fleet'];

let shop: Shop;
let redis: PrivateServer;
const servers: ServerProcess[] = [];

beforeAll(async () => {
  shop = await Shop.open();
});

/** One for each test: servers that a test has killed are gone in its own fleet alone. */
beforeEach(async () => {
  redis = await startPrivateRedis();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await redis.stop();
});

afterAll(async () => {
  closeClient();
  const problems = await shop.problems();
  await shop.close();
  expect(problems).toEqual([]);
});

async function start(
  count: number,
  env: Record<string, string> = {},
  stockLock: 'redis' | 'none' = 'redis',
): Promise<readonly ServerProcess[]> {
  const more = { REDIS_URL: redis.url, SHUTDOWN_GRACE_MS: '2000', ...env };
  const started = await shop.startServers(count, stockLock, more);
  servers.push(...started);
  return started;
}

async function fleetOf({ graphqlUrl }: ServerProcess): Promise<Fleet> {
  return dataOf(await send(graphqlUrl, FleetDocument, {})).fleet;
}

/** The first view of the fleet for which this holds. */
async function fleetWhere(
  server: ServerProcess,
  what: string,
  holds: (fleet: Fleet) => boolean,
): Promise<Fleet> {
  let seen: Fleet | undefined;
  await until(
    what,
    async () => {
      seen = await fleetOf(server);
      return holds(seen);
    },
    30_000,
  );
  if (!seen) throw new Error(`Never asked: ${what}.`);
  return seen;
}

const present = ({ servers: all }: Fleet) => all.filter(({ state }) => state !== 'GONE');
const codesOf = ({ warnings }: Fleet) => warnings.map(({ code }) => code);

test('two servers and the two workers of a third are one fleet, as any of them tells it', async () => {
  const pair = await start(2);
  await start(1, { WORKERS: '2' });
  for (const server of servers) {
    const isWhole = (seen: Fleet) => present(seen).length === 4 && seen.warnings.length === 0;
    const fleet = await fleetWhere(server, 'all four, without warnings', isWhole);
    const pids = fleet.servers.map(({ pid }) => pid);
    expect(new Set(pids).size).toBe(4);
    for (const { pid } of pair) expect(pids).toContain(pid);
    for (const one of fleet.servers) {
      expect(one).toMatchObject({ state: 'READY', version: '0.1.0' });
      expect(one.lock).toEqual({ configured: 'redis', now: 'redis' });
      expect(one.redis).toEqual([`127.0.0.1:${redis.port}`]);
      expect(one.mysql).toMatch(/^[\w.]+:\d+$/);
      expect(one.mysqlServer).toContain('/');
      expect(one.silentMs).toBeLessThan(3_500);
    }
    expect(new Set(fleet.servers.map(({ mysqlServer }) => mysqlServer)).size).toBe(1);
  }
});

test('a killed server is gone, and a server that stops in order is not listed any more', async () => {
  const [asked, killed, stopped] = await start(3);
  if (!asked || !killed || !stopped) throw new Error('Three servers should run.');
  await fleetWhere(asked, 'all three', (seen) => present(seen).length === 3);
  await Promise.all([killed.kill('SIGKILL'), stopped.stop()]);
  const fleet = await fleetWhere(asked, 'one gone', (seen) =>
    codesOf(seen).includes('SERVER_GONE'),
  );
  expect(fleet.servers.map(({ pid, state }) => [pid, state])).toEqual([
    [asked.pid, 'READY'],
    [killed.pid, 'GONE'],
  ]);
  const [warning] = fleet.warnings;
  expect(warning?.serverId).toBe(fleet.servers[1]?.id);
  expect(warning?.message).toContain(String(killed.pid));
});

test('the hottest product has its owner, its rates, and the time until it is sold out', async () => {
  const [first, second] = await start(2);
  if (!first || !second) throw new Error('Two servers should run.');
  const hot = await shop.newProduct(1_000_000);
  const soldOut = await shop.newProduct(1);
  let selling = true;
  const sell = async (server: ServerProcess) => {
    while (selling) {
      await callStock(server.graphqlUrl, deduction({ [hot]: 2 }));
      await callStock(server.graphqlUrl, deduction({ [soldOut]: 1 }));
    }
  };
  // So many that they meet at the product on any machine: else it needs no owner.
  const sales = [first, second].flatMap((server) => Array.from({ length: 6 }, () => sell(server)));
  try {
    // The owner tells of waits and commits, each server of its own answers: their reports come one after another.
    const isSold = ({ servers: all, hotProducts, rates, waits, commits }: Fleet) => {
      const sold = hotProducts.find(({ productId }) => productId === hot);
      const isOwned = all.some(({ id }) => id === sold?.ownerId) && (sold?.linesPerSecond ?? 0) > 1;
      const outcomes = rates.map(({ outcome }) => outcome);
      const areTold = ['APPLIED', 'INSUFFICIENT_STOCK'].every((each) => outcomes.includes(each));
      return isOwned && areTold && waits.count > 0 && commits.count > 0;
    };
    const fleet = await fleetWhere(second, 'a hot product with its owner', isSold);
    const products = new Map(fleet.hotProducts.map((each) => [each.productId, each]));
    expect([...products.keys()].sort()).toEqual([hot, soldOut].sort());
    const sold = products.get(hot);
    expect(sold?.linesPerSecond).toBeGreaterThan(0);
    expect((sold?.unitsPerSecond ?? 0) / (sold?.linesPerSecond ?? 1)).toBeCloseTo(2, 1);
    const left = sold?.product?.available ?? 0;
    expect(sold?.soldOutInSeconds).toBeCloseTo(left / (sold?.unitsPerSecond ?? 1), 3);
    expect(products.get(soldOut)).toMatchObject({ soldOutInSeconds: 0, product: { available: 0 } });
    for (const rate of fleet.rates) expect(rate.operation).toBe('deductStock');
    expect(fleet.waits.p99Ms).toBeGreaterThanOrEqual(fleet.waits.p50Ms ?? NaN);
    expect(fleet.commits.p99Ms).toBeGreaterThanOrEqual(fleet.commits.p50Ms ?? NaN);
    const told = await fleetWhere(first, 'a moment', ({ moments }) =>
      moments.some((moment) => moment.appliedPerSecond > 0 && moment.soldOutPerSecond > 0),
    );
    expect(told.moments.length).toBeLessThanOrEqual(60);
    await fleetWhere(first, 'delegated lines', (seen) => seen.delegatedPerSecond > 0);
  } finally {
    selling = false;
    await Promise.all(sales);
  }
});

test('without its Redis each server answers for itself, and says so; with it again, for all', async () => {
  const { port } = redis;
  const [first, second] = await start(2);
  if (!first || !second) throw new Error('Two servers should run.');
  await fleetWhere(first, 'both', (seen) => present(seen).length === 2);
  await redis.stop();
  const isAlone = (seen: Fleet) =>
    ['FLEET_UNREAD', 'REDIS_AWAY', 'LOCK_FALLBACK', 'CHANGES_UNPUBLISHED'].every((code) =>
      codesOf(seen).includes(code as never),
    );
  const alone = await fleetWhere(second, 'a fleet of one with its warnings', isAlone);
  expect(alone.servers.map(({ pid, state }) => [pid, state])).toEqual([[second.pid, 'READY']]);
  expect(alone.servers[0]).toMatchObject({ lock: { configured: 'redis', now: 'database' } });
  expect(alone.servers[0]?.redis).toEqual([]);
  redis = await startPrivateRedis({ port });
  const fleet = await fleetWhere(
    first,
    'both again, without warnings',
    (seen) => present(seen).length === 2 && seen.warnings.length === 0,
  );
  expect(fleet.servers).toHaveLength(2);
});

test.each([
  ['with a Redis, of the whole fleet', {}, 2],
  ['without one, of itself', { REDIS_URL: '' }, 1],
])('a server without a lock tells, %s', async (_what, env: Record<string, string>, count) => {
  const [server] = await start(2, env, 'none');
  if (!server) throw new Error('Two servers should run.');
  const fleet = await fleetWhere(server, 'the fleet', (seen) => present(seen).length === count);
  expect(fleet.servers).toHaveLength(count);
  expect(fleet.servers[0]?.lock).toEqual({ configured: 'none', now: 'none' });
  expect(
    await callStock(server.graphqlUrl, deduction({ [await shop.newProduct(1)]: 1 })),
  ).toMatchObject({ kind: 'ANSWERED' });
});

describe('with keys', () => {
  const asking = async (key: string): Promise<Record<'viewer' | 'fleet', unknown>> => {
    const [server] = servers;
    const headers = bearer(key);
    const url = server?.graphqlUrl ?? '';
    const told = (response: GraphqlResponse<ViewerQuery> | GraphqlResponse<FleetQuery>) =>
      response.errors ? response.errors[0]?.extensions?.code : response.data;
    return {
      viewer: told(await send(url, ViewerDocument, {}, { headers })),
      fleet: told(await send(url, FleetDocument, {}, { headers })),
    };
  };

  test('a key learns what it may do, and only one with the scope manage is told of the servers', async () => {
    await start(1, { AUTH: 'keys' });
    const reader = await newApiKey(shop.database, 'reader', ['read', 'deduct']);
    expect(await asking(reader)).toEqual({
      viewer: { viewer: { principal: 'reader', scopes: ['read', 'deduct'] } },
      fleet: 'FORBIDDEN',
    });
    const staff = await newApiKey(shop.database, 'staff', ['manage']);
    expect(await asking(staff)).toMatchObject({
      viewer: { viewer: { principal: 'staff', scopes: ['manage'] } },
      fleet: { fleet: { servers: [{ state: 'READY' }] } },
    });
    expect(await asking('nothing')).toEqual({
      viewer: 'UNAUTHENTICATED',
      fleet: 'UNAUTHENTICATED',
    });
  });

  test('without authentication the viewer has no name and all scopes', async () => {
    const [server] = await start(1);
    const answer = await send(server?.graphqlUrl ?? '', ViewerDocument, {});
    expect(dataOf(answer)).toEqual({
      viewer: { principal: null, scopes: ['read', 'deduct', 'manage'] },
    });
  });
});
