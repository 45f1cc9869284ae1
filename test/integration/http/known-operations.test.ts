/** A request that is answered without Apollo's pipeline gets the answer that Apollo would give. */
import { post } from '../../support/graphql-client.js';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { useApp } from '../../support/use-app.js';

const app = useApp();

interface Body {
  readonly query: string;
  readonly variables?: unknown;
  readonly operationName?: string | null;
}

const JSON_TYPE = 'application/json';
const GRAPHQL_TYPE = 'application/graphql-response+json';
/** By GraphQL over HTTP, for clients that do not know the server. */
const RECOMMENDED = `${GRAPHQL_TYPE}, ${JSON_TYPE};q=0.9`;
const UNLIKE = new Set(['date', 'x-request-id']);

/** Everything of an answer but what differs from one request to the next. */
async function answerTo(body: object, headers: Record<string, string> = {}): Promise<string> {
  const answer = await post(app.graphqlUrl, JSON.stringify(body), { headers });
  const alike = Object.entries(answer.headers).filter(([name]) => !UNLIKE.has(name));
  const text = JSON.stringify({ ...answer, headers: alike });
  return text.replace(/"correlationId":"[^"]*"/g, '');
}

const PRODUCTS =
  'query A($first: Int, $id: ID = "none") { products(first: $first) { nodes { id } } p: product(id: $id) { id } }';
const DEDUCT = `mutation ($input: DeductStockInput!) {
  deductStock(input: $input) {
    results { __typename ... on FailedItem { index error { code message } } }
    replayed
  }
}`;
const items = [{ productId: 'nothing', quantity: 1 }];

test.each<[name: string, body: Body]>([
  ['data', { query: PRODUCTS, variables: { first: 2 } }],
  ['no variables', { query: PRODUCTS }],
  ['null for the variables', { query: PRODUCTS, variables: null }],
  ['a name of the operation', { query: PRODUCTS, operationName: 'A' }],
  ['no name of the operation', { query: PRODUCTS, operationName: null }],
  ['an empty name', { query: PRODUCTS, operationName: '' }],
  ['another name', { query: PRODUCTS, operationName: 'B' }],
  [
    'two operations and a name',
    { query: `${PRODUCTS} query B { __typename }`, operationName: 'B' },
  ],
  ['two operations and no name', { query: `${PRODUCTS} query C { __typename }` }],
  ['an error of a resolver', { query: PRODUCTS, variables: { first: 0 } }],
  [
    'lists that are too long',
    {
      query: PRODUCTS.replace(
        '{ id }',
        '{ id levels { onHand } movements(first: 100) { nodes { id } } }',
      ),
      variables: { first: 100 },
    },
  ],
  ['a wrong variable', { query: PRODUCTS, variables: { first: 'many' } }],
  ['variables that are a list', { query: PRODUCTS, variables: [] }],
  ['a variable too few', { query: DEDUCT, variables: {} }],
  ['a refused line', { query: DEDUCT, variables: { input: { items } } }],
  ['no line', { query: DEDUCT, variables: { input: { items: [] } } }],
  [
    'null for a field with a default',
    {
      query: DEDUCT.replace(
        '$input: DeductStockInput!',
        '$items: [StockLineInput!]!, $mode: BatchMode',
      ).replace('input: $input', 'input: { items: $items, mode: $mode }'),
      variables: { items, mode: null },
    },
  ],
  ['a syntax error', { query: '{ products' }],
])('%s', async (_name, body) => {
  // The first is never known, and the extension makes each of the second kind Apollo's.
  for (const accept of [JSON_TYPE, JSON_TYPE, JSON_TYPE, GRAPHQL_TYPE, RECOMMENDED]) {
    const direct = await answerTo(body, { accept });
    expect(direct).toBe(await answerTo({ ...body, extensions: {} }, { accept }));
    expect(direct).toMatch(/"(data|errors)"/);
  }
});

test('credentials and scopes', async () => {
  await app.restart({ AUTH: 'keys' });
  const reader = bearer(await newApiKey(app.database, 'reader', ['read']));
  const read = { query: PRODUCTS };
  const write = { query: DEDUCT, variables: { input: { items } } };
  for (const body of [read, write, read, write, read, write]) {
    const direct = await answerTo(body, reader);
    expect(direct).toBe(await answerTo({ ...body, extensions: {} }, reader));
    expect(direct).toContain(body === read ? '"status":200' : '"status":403');
  }
  expect(await answerTo(read)).toBe(await answerTo({ ...read, extensions: {} }));
  expect(await answerTo(read)).toContain('"status":401');
});
