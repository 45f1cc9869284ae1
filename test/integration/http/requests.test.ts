/**
 * Requests and their answers: each row of `tables/` is sent, and status, headers and body of the answer are compared
 * with it. What a row expects is what users get; a change of a row is a change for them.
 */
import { post } from '../../support/graphql-client.js';
import { answerTo, closeExchange, type RequestTable } from '../../support/http-exchange.js';
import type { RunningApp } from '../../support/running-app.js';
import { BODIES } from './tables/bodies.js';
import { OPERATIONS } from './tables/operations.js';
import { OTHER_ORIGINS, ROUTES, SHOP } from './tables/routes.js';
import { useApp } from '../../support/use-app.js';

const app = useApp();
let shop: RunningApp;

beforeAll(async () => {
  shop = await app.startAnother({ CORS_ORIGINS: SHOP });
});

afterAll(closeExchange);

const sizeOf = (table: RequestTable) => Object.values(table).flat().length;
const size = [BODIES, OPERATIONS, ROUTES, OTHER_ORIGINS].map(sizeOf).reduce((a, b) => a + b);

test(`${size} requests are listed, each with its answer`, () => {
  expect(size).toBeGreaterThanOrEqual(240);
});

describe.each(Object.entries({ ...BODIES, ...OPERATIONS, ...ROUTES }))('%s', (_, rows) => {
  test.each(rows.map((row) => [row[0], row] as const))('%s', async (__, row) => {
    const { is, expected } = await answerTo(app.origin, row);
    expect(is).toEqual(expected);
  });
});

describe.each(Object.entries(OTHER_ORIGINS))('%s', (_, rows) => {
  test.each(rows.map((row) => [row[0], row] as const))('%s', async (__, row) => {
    const { is, expected } = await answerTo(shop.origin, row);
    expect(is).toEqual(expected);
  });
});

test.each([
  ['of the client', 'mine-1', /^mine-1$/],
  ['of 128 letters', 'x'.repeat(128), /^x{128}$/],
  ['of 129 letters, which is replaced', 'x'.repeat(129), /^[0-9a-f-]{36}$/],
  ['with a space, which is replaced', 'a b', /^[0-9a-f-]{36}$/],
  ['with a comma, which is replaced', 'a, b', /^[0-9a-f-]{36}$/],
])('an answer has the request id %s', async (_, id, expected) => {
  const body = JSON.stringify({ query: '{ __typename }' });
  const answer = await post(app.graphqlUrl, body, { headers: { 'x-request-id': id } });
  expect(answer.headers['x-request-id']).toMatch(expected);
});
