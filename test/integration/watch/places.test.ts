/** How many WebSockets and subscriptions an address and a principal may have, and that others get theirs meanwhile. */
import { bearer, newApiKey } from '../../support/api-keys.js';
import { BareSocket, terminateSockets, upgradeStatus } from '../../support/bare-socket.js';
import { givenUrl } from '../../support/fresh-database.js';
import { post } from '../../support/graphql-client.js';
import { heldOnce } from '../../support/held-once.js';
import { neverStandsStill } from '../../support/standstill.js';
import { callStock, deduction } from '../../support/stock-calls.js';
import { lockTable } from '../../support/table-lock.js';
import { until, within } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { metric, refusals } from '../../support/watcher.js';
import { Wire } from '../../support/wire.js';

const app = useApp(null);
const SUBSCRIPTION = 'subscription { stockChanged { __typename } }';
const GUARDED = { NODE_ENV: 'production', AUTH: 'keys', REDIS_URL: givenUrl('REDIS_URL') };
/** Every address of 127.0.0.0/8 is this machine's. */
const NEIGHBOUR = { localAddress: '127.0.0.2' };

afterEach(() => {
  terminateSockets();
});

async function keyOf(name: string): Promise<string> {
  return bearer(await newApiKey(app.database, name, ['read'])).authorization;
}

test('sockets without connection_init of one address shut no other out, and give their places', async () => {
  // Sockets without connection_init are cut some seconds after they opened, here by a pause of the machine.
  expect(await heldOnce(3, silentSocketsOfOneAddress)).toBe(true);
});

/** @returns whether the silent sockets were still open when all that is asserted had been done. */
async function silentSocketsOfOneAddress(): Promise<boolean> {
  await app.restart({ WATCH_SOCKETS_MAX: '40' });
  const silent = Array.from({ length: 30 }, () => new BareSocket(app.graphqlUrl));
  await until('those that are too many were cut', async () => {
    return (await refusals(app.origin, 'connection-limit')) >= 20;
  });
  await until('so many are open', async () => {
    return (await metric(app.origin, 'stockade_websockets')) <= 10;
  });
  const neighbour = await new BareSocket(app.graphqlUrl, NEIGHBOUR).ready();
  neighbour.subscribe('1', { query: SUBSCRIPTION });
  const own = await new BareSocket(app.graphqlUrl).ready();
  own.subscribe('1', { query: SUBSCRIPTION });
  await until('both watch', async () => (await metric(app.origin, 'stockade_watchers')) === 2);
  const left = silent.filter(({ socket }) => socket.readyState === socket.OPEN).length;
  expect(left).toBeLessThanOrEqual(9);
  terminateSockets();
  return left === 9;
}

test('where all places are taken by silent sockets of many addresses, a new one gets a place', async () => {
  const addresses = ['127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6'];
  const attempt = async () => {
    await app.restart({ WATCH_SOCKETS_MAX: '8', WATCH_SOCKETS_MAX_PER_ADDRESS: '2' });
    for (const localAddress of [...addresses, ...addresses]) {
      expect(await upgradeStatus(app.graphqlUrl, {}, { localAddress })).toBe(101);
    }
    await new BareSocket(app.graphqlUrl, NEIGHBOUR).ready();
    const open = await metric(app.origin, 'stockade_websockets');
    expect(open).toBeLessThanOrEqual(8);
    terminateSockets();
    // Fewer where the machine paused for so long that silent sockets were cut for their silence.
    return open === 8;
  };
  expect(await heldOnce(3, attempt)).toBe(true);
});

test('one address has a quarter of the sockets; the next one is refused, and another address is served', async () => {
  await app.restart({ WATCH_SOCKETS_MAX: '12' });
  const sockets = [];
  for (let i = 0; i < 3; i += 1) sockets.push(await new BareSocket(app.graphqlUrl).ready());
  expect(await upgradeStatus(app.graphqlUrl)).toBe(503);
  expect(await upgradeStatus(app.graphqlUrl, {}, NEIGHBOUR)).toBe(101);
  sockets[0]?.socket.close();
  await until('there is room', async () => (await upgradeStatus(app.graphqlUrl)) === 101);
});

test('one principal has so many sockets; the next one is closed, and another principal is served', async () => {
  await app.restart({ ...GUARDED, WATCH_SOCKETS_MAX_PER_PRINCIPAL: '3' });
  const [greedy, modest] = [await keyOf('greedy'), await keyOf('modest')];
  const sockets = [];
  for (let i = 0; i < 3; i += 1) sockets.push(await new BareSocket(app.graphqlUrl).ready(greedy));
  const refused = new BareSocket(app.graphqlUrl).ready(greedy);
  await expect(within(1_000, 'an acknowledgement', refused)).rejects.toThrow();
  await new BareSocket(app.graphqlUrl).ready(modest);
  expect(await refusals(app.origin, 'connection-limit')).toBe(1);
  sockets[0]?.socket.terminate();
  await until(
    'three are left',
    async () => (await metric(app.origin, 'stockade_websockets')) === 3,
  );
  await new BareSocket(app.graphqlUrl).ready(greedy);
});

test('a client that leaves before its credential is verified is refused nothing', async () => {
  await app.restart(GUARDED);
  const key = await keyOf('hasty');
  const keys = await lockTable(app.database.url, 'api_keys', app.database.sequelize);
  const hasty = new BareSocket(app.graphqlUrl);
  hasty.ready(key).catch(() => undefined);
  await keys.untilWaiting(1);
  hasty.socket.terminate();
  await until('it is gone', async () => (await metric(app.origin, 'stockade_websockets')) === 0);
  await keys.release();
  await new BareSocket(app.graphqlUrl).ready(key);
  expect(await refusals(app.origin, 'connection-limit')).toBe(0);
});

test('the code tells a client of its principal that it may try later', async () => {
  await app.restart({ ...GUARDED, WATCH_SOCKETS_MAX_PER_PRINCIPAL: '1' });
  const key = await keyOf('alone');
  await new BareSocket(app.graphqlUrl).ready(key);
  const second = new BareSocket(app.graphqlUrl);
  second.ready(key).catch(() => undefined);
  expect(await second.closed).toBe(1013);
});

test('a socket that only pings is cut, also where it does not answer the close', async () => {
  await app.restart({});
  const pinging = new BareSocket(app.graphqlUrl);
  const talking = setInterval(() => {
    if (pinging.socket.readyState !== pinging.socket.OPEN) return;
    pinging.socket.ping();
    pinging.say({ type: 'ping' });
  }, 200);
  const deaf = new Wire(app.origin);
  deaf.socket.write(
    'GET /graphql HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n' +
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  expect(await within(15_000, 'the end', pinging.closed)).toBe(4408);
  clearInterval(talking);
  await deaf.untilClosed();
  expect(await metric(app.origin, 'stockade_websockets')).toBe(0);
});

test('one principal has so many subscriptions; the next one is RATE_LIMITED until one ends', async () => {
  await app.restart({ ...GUARDED, WATCH_SUBSCRIPTIONS_MAX_PER_PRINCIPAL: '4' });
  const [greedy, modest] = [await keyOf('many'), await keyOf('few')];
  const sockets = [
    await new BareSocket(app.graphqlUrl).ready(greedy),
    await new BareSocket(app.graphqlUrl).ready(greedy),
  ] as const;
  for (const socket of sockets) {
    for (const id of ['1', '2']) socket.subscribe(id, { query: SUBSCRIPTION });
  }
  await until('four watch', async () => (await metric(app.origin, 'stockade_watchers')) === 4);
  const [first, second] = sockets;
  first.subscribe('3', { query: SUBSCRIPTION });
  expect((await first.untilHeard('error', '3')).payload).toMatchObject([
    { extensions: { code: 'RATE_LIMITED', retryAfterMs: 1_000 } },
  ]);
  const other = await new BareSocket(app.graphqlUrl).ready(modest);
  other.subscribe('1', { query: SUBSCRIPTION });
  await until('five watch', async () => (await metric(app.origin, 'stockade_watchers')) === 5);
  // One ends by its message, two with their socket, and one never begins.
  first.say({ id: '1', type: 'complete' });
  second.socket.terminate();
  const query = 'subscription S($ids: [ID!]) { stockChanged(productIds: $ids) { __typename } }';
  first.subscribe('4', { query, variables: { ids: [] } });
  await first.untilHeard('complete', '4');
  await until('two watch', async () => (await metric(app.origin, 'stockade_watchers')) === 2);
  for (const id of ['5', '6', '7']) first.subscribe(id, { query: SUBSCRIPTION });
  await until('five watch', async () => (await metric(app.origin, 'stockade_watchers')) === 5);
  expect(first.heard.filter(({ type }) => type === 'error')).toHaveLength(1);
});

test('an id that is used again before its first subscription has begun is the second one alone', async () => {
  await app.restart(GUARDED);
  const { authorization } = bearer(await newApiKey(app.database, 'again', ['read', 'deduct']));
  const productId = await app.shop.newProduct(5);
  const socket = await new BareSocket(app.graphqlUrl).ready(authorization);
  const keys = await lockTable(app.database.url, 'api_keys', app.database.sequelize);
  // The check of the open socket, which the subscriptions wait for as well.
  await keys.untilWaiting(1);
  socket.subscribe('1', { query: 'subscription { first: stockChanged { __typename } }' });
  socket.say({ id: '1', type: 'complete' });
  socket.subscribe('1', { query: 'subscription { second: stockChanged { __typename } }' });
  socket.say({ type: 'ping' });
  await socket.untilHeard('pong');
  await keys.release();
  await until('one watches', async () => (await metric(app.origin, 'stockade_watchers')) === 1);
  const query = `mutation { deductStock(input: { items: [{ productId: "${productId}", quantity: 1 }] }) {
    replayed } }`;
  await post(app.graphqlUrl, JSON.stringify({ query }), { headers: { authorization } });
  await socket.untilHeard('next', '1');
  socket.say({ id: '1', type: 'complete' });
  await until('none watches', async () => (await metric(app.origin, 'stockade_watchers')) === 0);
  expect(socket.heard.slice(2)).toEqual([
    { id: '1', type: 'next', payload: { data: { second: { __typename: 'StockChange' } } } },
  ]);
});

test('what a subscription keeps is small: its message, and what its text holds', async () => {
  await app.restart({});
  const socket = await new BareSocket(app.graphqlUrl).ready();
  const selections = '... on StockChange { productId version } '.repeat(100);
  socket.subscribe('1', { query: `subscription { stockChanged { __typename ${selections} } }` });
  expect((await socket.untilHeard('error', '1')).payload).toMatchObject([
    { extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } },
  ]);
  const ids = Array.from({ length: 100 }, (_, i) => `${'x'.repeat(60)}${i}`);
  const query = 'subscription S($ids: [ID!]) { stockChanged(productIds: $ids) { __typename } }';
  socket.subscribe('2', { query, variables: { ids } });
  await until('it watches', async () => (await metric(app.origin, 'stockade_watchers')) === 1);
  socket.subscribe('3', { query: `${SUBSCRIPTION} # ${'x'.repeat(17_000)}` });
  expect(await socket.closed).toBe(1009);
});

test('a thousand equal subscriptions hear each last state, and the event loop does not stop for them', async () => {
  await app.restart({ WATCH_SOCKETS_MAX_PER_ADDRESS: '200' });
  const id = await app.newProduct(10_000);
  const query =
    'subscription { stockChanged { ... on StockChange { productId onHand available version } } }';
  const sockets: BareSocket[] = [];
  for (let i = 0; i < 100; i += 1) {
    const socket = await new BareSocket(app.graphqlUrl).ready();
    for (let n = 1; n <= 10; n += 1) socket.subscribe(String(n), { query });
    sockets.push(socket);
  }
  await until('all watch', async () => (await metric(app.origin, 'stockade_watchers')) === 1_000);
  let left = 10_000;
  const isCalm = await neverStandsStill(async () => {
    for (let i = 0; i < 30; i += 1) await callStock(app.graphqlUrl, deduction({ [id]: 1 }));
    left -= 30;
    const hasLast = ({ heard }: BareSocket) =>
      heard.filter(({ payload }) => JSON.stringify(payload ?? null).includes(`"onHand":${left},`))
        .length === 10;
    await until('each has the last state', () => sockets.every(hasLast));
  });
  expect(isCalm).toBe(true);
});
