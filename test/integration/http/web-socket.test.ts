/**
 * The WebSocket around the subscription: which clients may open it, what they may send, what is answered where that is
 * wrong, which bounds it has, and how it ends when the server stops.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { BareSocket, terminateSockets, upgradeStatus } from '../../support/bare-socket.js';
import { post } from '../../support/graphql-client.js';
import { until, within } from '../../support/until.js';
import { metric, refusals, startWatching, stopWatchers } from '../../support/watcher.js';
import { useApp } from '../../support/use-app.js';

const SUBSCRIPTION = 'subscription { stockChanged { __typename } }';
/** As large as a message may be, and its answer as well. */
const PING = JSON.stringify({ type: 'ping', payload: { filler: 'x'.repeat(16_000) } });
const SHOP = 'https://shop.example';

const app = useApp({ CORS_ORIGINS: SHOP });

afterEach(async () => {
  await stopWatchers();
  terminateSockets();
});

describe('a connection is accepted', () => {
  test.each([
    ['a program, which has no origin', undefined, 101],
    ['a page of an origin that is allowed', SHOP, 101],
    ['a page of a foreign origin', 'https://evil.example', 403],
    ['a page of a similar origin', 'https://shop.example.evil.example', 403],
    ['a page without an origin of its own', 'null', 403],
    ['Sandbox where it is off', 'https://sandbox.embed.apollographql.com', 403],
  ])('%s: %s', async (_, origin, status) => {
    expect(await upgradeStatus(app.graphqlUrl, origin === undefined ? {} : { origin })).toBe(
      status,
    );
  });

  test("a page of the server's own host, and in development Sandbox and pages of this machine", async () => {
    expect(await upgradeStatus(app.graphqlUrl, { origin: app.origin })).toBe(101);
    const development = await app.startAnother({ NODE_ENV: 'development' });
    for (const origin of [
      'https://sandbox.embed.apollographql.com',
      'https://studio.apollographql.com',
      'http://localhost:5173',
      'http://127.0.0.1:8080',
    ]) {
      expect(await upgradeStatus(development.graphqlUrl, { origin })).toBe(101);
    }
    const origin = 'http://localhost.evil.example';
    expect(await upgradeStatus(development.graphqlUrl, { origin })).toBe(403);
    expect(await upgradeStatus(app.graphqlUrl, { origin: 'http://localhost:5173' })).toBe(403);
    await development.stop();
  });

  test('only at the address of the API', async () => {
    expect(await upgradeStatus(`${app.origin}/elsewhere`)).toBe(404);
    expect(await upgradeStatus(`${app.graphqlUrl}?a=b`)).toBe(101);
  });

  test('only so many at once', async () => {
    const small = await app.startAnother({
      WATCH_SOCKETS_MAX: '2',
      WATCH_SOCKETS_MAX_PER_ADDRESS: '2',
    });
    const first = await new BareSocket(small.graphqlUrl).ready();
    await new BareSocket(small.graphqlUrl).ready();
    expect(await upgradeStatus(small.graphqlUrl)).toBe(503);
    first.socket.close();
    await until('there is room again', async () => {
      return (await upgradeStatus(small.graphqlUrl)) === 101;
    });
    await small.stop();
  });

  test('another protocol than graphql-transport-ws is closed with 4406', async () => {
    expect(await new BareSocket(app.graphqlUrl, {}, ['graphql-ws']).closed).not.toBe(1000);
    expect(await new BareSocket(app.graphqlUrl, {}, []).closed).toBe(4406);
  });

  test('a request that only offers another protocol is served as if it did not', async () => {
    const body = JSON.stringify({ query: '{ __typename }' });
    const socket = connect(Number(new URL(app.origin).port), '127.0.0.1');
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString('utf8')));
    socket.write(
      'POST /graphql HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\n' +
        'Upgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\nContent-Type: application/json\r\n' +
        `Content-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    );
    await new Promise((resolve) => setImmediate(resolve));
    socket.write(body.slice(5));
    await until('the answer', () => answer.includes('"__typename":"Query"'));
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    socket.destroy();
  });
});

describe('a bad operation gets the errors that it gets over HTTP', () => {
  const DIRECTIVES = '@skip(if: false) '.repeat(6);
  const ALIASES = Array.from({ length: 16 }, (_, i) => `a${i}: __typename`).join(' ');

  test.each<[what: string, payload: Record<string, unknown>]>([
    ['no GraphQL', { query: 'subscription {' }],
    ['an unknown field', { query: 'subscription { stockChangd { __typename } }' }],
    ['an unknown argument', { query: 'subscription { stockChanged(id: 1) { __typename } }' }],
    [
      'too many tokens',
      { query: `subscription { stockChanged { ${'__typename '.repeat(1_000)} } }` },
    ],
    [
      'too many aliases',
      {
        query: `subscription { stockChanged { ${ALIASES} } }`,
      },
    ],
    [
      'too many directives',
      { query: `subscription { stockChanged { __typename ${DIRECTIVES} } }` },
    ],
    [
      'two fields',
      { query: 'subscription { stockChanged { __typename } b: stockChanged { __typename } }' },
    ],
    ['an unknown name', { query: SUBSCRIPTION, operationName: 'Other' }],
    ['no name of two', { query: 'query A { __typename } query B { __typename }' }],
  ])('%s', async (_, payload) => {
    const { errors } = await post(app.graphqlUrl, JSON.stringify(payload));
    const socket = await new BareSocket(app.graphqlUrl).ready();
    socket.subscribe('1', payload);
    const { payload: heard } = await socket.untilHeard('error', '1');
    expect(heard).toEqual(errors);
    expect(errors?.length).toBeGreaterThan(0);
  });

  test('a variable of another type', async () => {
    const socket = await new BareSocket(app.graphqlUrl).ready();
    const query = 'subscription S($ids: [ID!]) { stockChanged(productIds: $ids) { __typename } }';
    socket.subscribe('1', { query, variables: { ids: [{}] } });
    const { payload } = await socket.untilHeard('error', '1');
    expect(payload).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  });

  test.each([
    ['no product', []],
    ['too many', Array.from({ length: 101 }, (_, i) => `p${i}`)],
    ['an id out of form', ['not an id']],
  ])('%s to watch', async (_, productIds) => {
    const socket = await new BareSocket(app.graphqlUrl).ready();
    const query = 'subscription S($ids: [ID!]) { stockChanged(productIds: $ids) { __typename } }';
    socket.subscribe('1', { query, variables: { ids: productIds } });
    const { payload } = await socket.untilHeard('next', '1');
    expect(payload).toMatchObject({
      errors: [{ extensions: { code: 'BAD_USER_INPUT', field: 'productIds' } }],
    });
    await socket.untilHeard('complete', '1');
  });

  test('queries and mutations go by HTTP, subscriptions by WebSocket', async () => {
    const socket = await new BareSocket(app.graphqlUrl).ready();
    socket.subscribe('1', { query: '{ __typename }' });
    const { payload } = await socket.untilHeard('error', '1');
    expect(payload).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
    const answer = await post(app.graphqlUrl, JSON.stringify({ query: SUBSCRIPTION }));
    expect(answer.status).toBe(400);
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_REQUEST' } }]);
  });
});

describe('a hostile client', () => {
  test('that says nothing of GraphQL is sent away', async () => {
    const socket = new BareSocket(app.graphqlUrl);
    await once(socket.socket, 'open');
    socket.socket.send('hello');
    expect(await socket.closed).toBe(4400);
  });

  test('that subscribes before it has said hello is sent away', async () => {
    const socket = new BareSocket(app.graphqlUrl);
    await once(socket.socket, 'open');
    socket.subscribe('1', { query: SUBSCRIPTION });
    expect(await socket.closed).toBe(4401);
  });

  test('that never says hello is sent away', async () => {
    expect(await within(15_000, 'the end', new BareSocket(app.graphqlUrl).closed)).toBe(4408);
  });

  test('that sends too large a message is sent away', async () => {
    const socket = await new BareSocket(app.graphqlUrl).ready();
    socket.subscribe('1', { query: `${SUBSCRIPTION}#${'x'.repeat(102_400)}` });
    expect(await socket.closed).toBe(1009);
  });

  test('that uses an id twice is sent away', async () => {
    const socket = await new BareSocket(app.graphqlUrl).ready();
    socket.subscribe('1', { query: SUBSCRIPTION });
    socket.subscribe('1', { query: SUBSCRIPTION });
    expect(await socket.closed).toBe(4409);
  });

  test('that wants too many subscriptions gets ten, and an eleventh when one has ended', async () => {
    const before = await metric(app.origin, 'stockade_watchers');
    const socket = await new BareSocket(app.graphqlUrl).ready();
    for (let i = 1; i <= 11; i += 1) socket.subscribe(String(i), { query: SUBSCRIPTION });
    const { payload } = await socket.untilHeard('error', '11');
    expect(payload).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    expect(await metric(app.origin, 'stockade_watchers')).toBe(before + 10);
    socket.say({ id: '1', type: 'complete' });
    socket.subscribe('12', { query: SUBSCRIPTION });
    await until('the other ten', async () => {
      return (await metric(app.origin, 'stockade_watchers')) === before + 10;
    });
    expect(socket.heard.filter(({ type }) => type === 'error')).toHaveLength(1);
    socket.socket.terminate();
    await until('nothing is left of it', async () => {
      return (await metric(app.origin, 'stockade_watchers')) === before;
    });
  });

  test('that talks and does not listen is cut', async () => {
    const before = await refusals(app.origin, 'slow-client');
    const { socket } = await new BareSocket(app.graphqlUrl).ready();
    socket.pause();
    await until('it is cut', async () => {
      for (let i = 0; i < 100; i += 1) socket.send(PING);
      return (await refusals(app.origin, 'slow-client')) > before;
    });
  });
});

test('of all that clients do not read the bytes have a bound: the one with the most is cut', async () => {
  const small = await app.startAnother({
    SEND_BYTES_MAX: '200000',
    SEND_BYTES_MAX_PER_CONNECTION: '100000000',
  });
  const modest = await new BareSocket(small.graphqlUrl).ready();
  const greedy = await new BareSocket(small.graphqlUrl).ready();
  greedy.socket.pause();
  await until('it is cut', async () => {
    for (let i = 0; i < 100; i += 1) greedy.socket.send(PING);
    return (await refusals(small.origin, 'slow-client')) === 1;
  });
  await until('nothing waits', async () => {
    return (await metric(small.origin, 'stockade_unsent_bytes')) === 0;
  });
  modest.say({ type: 'ping' });
  await modest.untilHeard('pong');
  await small.stop();
});

test('a server that stops closes its subscriptions, and does not wait for clients that do not read', async () => {
  const stopping = await app.startAnother({ SHUTDOWN_GRACE_MS: '1000' });
  const watcher = await startWatching(stopping.graphqlUrl);
  const deaf = await new BareSocket(stopping.graphqlUrl).ready();
  deaf.socket.pause();
  await within(10_000, 'the stop', stopping.stop());
  await until('the goodbye', () => watcher.closed.length > 0);
  expect(watcher.closed).toEqual([1001]);
});
