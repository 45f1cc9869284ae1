/**
 * Plain requests take a shorter way through HTTP than all others; whoever takes it must not be able to tell. The same
 * body in the long way is one whose content type is written with its charset.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { jest } from '@jest/globals';
import { createFreshDatabase, givenUrl, type FreshDatabase } from '../../support/fresh-database.js';
import { closeClient, post } from '../../support/graphql-client.js';
import { runApp, stopApps, type RunningApp } from '../../support/running-app.js';
import { brief, callStock, createProduct, deduction } from '../../support/stock-calls.js';

jest.setTimeout(30_000);

const LONG_WAY = { 'content-type': 'application/json; charset=utf-8' };
const MUTATION =
  'mutation D($input: DeductStockInput!) { deductStock(input: $input) { replayed } }';

let database: FreshDatabase;
let app: RunningApp;

beforeAll(async () => {
  database = await createFreshDatabase();
  app = await runApp(database.url);
});

afterAll(async () => {
  await stopApps();
  closeClient();
  await database.drop();
});

async function answerTo(body: string | Buffer, headers: Record<string, string> = {}) {
  const answer = await post(app.graphqlUrl, body, {
    headers: { 'x-request-id': 'the-same', ...headers },
  });
  const headersButDate: Record<string, unknown> = { ...answer.headers, date: 'any' };
  return { ...answer, headers: headersButDate };
}

const ofJson = (value: unknown) => JSON.stringify(value);

test.each<[what: string, body: string | Buffer, status: number]>([
  ['a query', ofJson({ query: '{ product(id: "nobody") { id } }' }), 200],
  [
    'a mutation',
    ofJson({ query: MUTATION, variables: { input: { items: [{ productId: 'a', quantity: 1 }] } } }),
    200,
  ],
  ['a request out of form', ofJson({ query: MUTATION, variables: { input: { items: [] } } }), 200],
  ['a variable of the wrong type', ofJson({ query: MUTATION, variables: { input: 1 } }), 400],
  ['a misspelt field', ofJson({ query: '{ produkt }' }), 400],
  ['no GraphQL', ofJson({ query: '{' }), 400],
  ['no query', ofJson({}), 400],
  ['a batch', ofJson([{ query: '{ __typename }' }]), 400],
  ['a number', '1', 400],
  ['nothing', '', 400],
  ['no JSON', '{"query":', 400],
  ['a poisoned object', '{"query":"{ __typename }","variables":{"__proto__":{"a":1}}}', 400],
  ['broken UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400],
  ['a body of more than 100 kB', ' '.repeat(102_401), 413],
])('%s gets the same answer on both ways', async (_, body, status) => {
  const plain = await answerTo(body);
  expect(plain.status).toBe(status);
  expect(plain.headers['x-request-id']).toBe('the-same');
  expect(await answerTo(body, LONG_WAY)).toEqual(plain);
});

test('what a client says that it accepts counts on both ways', async () => {
  const body = ofJson({ query: '{ __typename }' });
  for (const accept of ['application/json', '*/*']) {
    expect(await answerTo(body, { accept })).toEqual(await answerTo(body, { ...LONG_WAY, accept }));
  }
  const graphql = await answerTo(body, { accept: 'application/graphql-response+json' });
  expect(graphql.headers['content-type']).toMatch(/^application\/graphql-response\+json/);
  expect((await answerTo(body, { accept: 'image/png' })).status).toBe(406);
});

test('a body that comes in pieces, and the next request on the same connection, are answered', async () => {
  const body = ofJson({ query: '{ product(id: "ü") { id } }' });
  const head =
    'POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n' +
    `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n`;
  const bytes = Buffer.from(head + body);
  const socket = connect(Number(new URL(app.origin).port), '127.0.0.1').setNoDelay();
  await once(socket, 'connect');
  for (let sent = 0; sent < 2; sent += 1) {
    // In the middle of the character of two bytes.
    const cut = bytes.indexOf('ü') + 1;
    socket.write(bytes.subarray(0, cut));
    await fetch(`${app.origin}/live`);
    socket.write(bytes.subarray(cut));
    const [answer] = (await once(socket, 'data')) as [Buffer];
    expect(answer.toString('utf8')).toMatch(
      /^HTTP\/1.1 200 OK[^]*\{"data":\{"product":null\}\}\n$/,
    );
  }
  socket.destroy();
});

test.each([
  ['the plain way', 'application/json'],
  ['the long way', LONG_WAY['content-type']],
])(
  'requests sent before the last one was answered are answered in turn, on %s',
  async (_, type) => {
    const productId = `pipelined-${type.length}`;
    await createProduct(app.graphqlUrl, { id: productId, quantity: 10 });
    const query = `mutation D($input: DeductStockInput!) {
      deductStock(input: $input) { results { ... on DeductedItem { remaining } } }
    }`;
    const requests = [1, 2, 3].map((quantity) => {
      const body = ofJson({ query, variables: { input: { items: [{ productId, quantity }] } } });
      const head = `POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Type: ${type}\r\n`;
      return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
    });
    const socket = connect(Number(new URL(app.origin).port), '127.0.0.1').setEncoding('utf8');
    socket.write(requests.join(''));
    let told = '';
    const remaining = () => [...told.matchAll(/\{"data":.*\}/g)].map(([json]) => json);
    while (remaining().length < requests.length) told += String((await once(socket, 'data'))[0]);
    const answer = (left: number) =>
      ofJson({ data: { deductStock: { results: [{ remaining: left }] } } });
    expect(remaining()).toEqual([9, 7, 4].map(answer));
    socket.destroy();
  },
);

test('requests that arrive together ask for their locks together', async () => {
  const count = 80;
  const one = await runApp(database.url, { STOCK_LOCK: 'redis', REDIS_URL: givenUrl('REDIS_URL') });
  const ids = Array.from({ length: count }, (_, i) => `together-${i}`);
  const deductAll = () =>
    Promise.all(ids.map((id) => callStock(one.graphqlUrl, deduction({ [id]: 1 }))));
  const roundTrips = async () => {
    const metrics = await (await fetch(`${one.origin}/metrics`)).text();
    return Number(/^stockade_lock_round_trips_total (\d+)$/m.exec(metrics)?.[1]);
  };
  await deductAll(); // Now the connections are there.
  const before = await roundTrips();
  const answers = await deductAll();
  expect(answers.flatMap(brief)).toEqual(ids.map(() => 'PRODUCT_NOT_FOUND'));
  const asked = (await roundTrips()) - before;
  expect(asked).toBeGreaterThan(0);
  // One by one it would be two for each: to take a lock, and to give it back.
  expect(asked).toBeLessThan(count);
  await one.stop();
});
