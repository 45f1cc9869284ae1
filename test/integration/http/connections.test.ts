/** What a connection carries: bodies in pieces, requests before the last answer, and many connections at once. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { givenUrl } from '../../support/fresh-database.js';
import { brief, callStock, createProduct, deduction } from '../../support/stock-calls.js';
import { useApp } from '../../support/use-app.js';

const app = useApp();

const ofJson = (value: unknown) => JSON.stringify(value);

test('a body that arrives in pieces and the next request of the connection are answered', async () => {
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

test.each(['application/json', 'application/json; charset=utf-8'])(
  'deductions sent as %s before the last one was answered are answered in order',
  async (type) => {
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
  const one = await app.startAnother({ STOCK_LOCK: 'redis', REDIS_URL: givenUrl('REDIS_URL') });
  const numbers = Array.from({ length: count }, (_, i) => i);
  // Each time other products: the server keeps the locks of the last ones.
  const deductAll = (name: string) =>
    Promise.all(numbers.map((i) => callStock(one.graphqlUrl, deduction({ [`${name}-${i}`]: 1 }))));
  const roundTrips = async () => {
    const metrics = await (await fetch(`${one.origin}/metrics`)).text();
    return Number(/^stockade_lock_round_trips_total (\d+)$/m.exec(metrics)?.[1]);
  };
  await deductAll('first'); // Opens the connections.
  const before = await roundTrips();
  const answers = await deductAll('together');
  expect(answers.flatMap(brief)).toEqual(numbers.map(() => 'PRODUCT_NOT_FOUND'));
  const asked = (await roundTrips()) - before;
  expect(asked).toBeGreaterThan(0);
  // One by one it would be one for each.
  expect(asked).toBeLessThan(count);
  await one.stop();
});
