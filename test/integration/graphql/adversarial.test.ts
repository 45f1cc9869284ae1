/**
 * What would break if this happened before that? Orders of events around the engine: what is cached meets another
 * caller, an answer is asked for before its cause, and the same request comes again while the first is under way.
 */
import {
  CreateLocationDocument,
  CreateProductDocument,
  DeductStockDocument,
  IncreaseStockDocument,
  ProductDocument,
} from '../../generated/operations.js';
import { apiKeysOf, bearer, newApiKey, prefixOf } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { dataOf, post, send } from '../../support/graphql-client.js';
import { whileRowsAreHeld } from '../../support/held-rows.js';
import { untilRowsAreWaitedFor } from '../../support/innodb.js';
import { faultOf, type RunningApp } from '../../support/running-app.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';

const REDIS = { STOCK_LOCK: 'redis', REDIS_URL: givenUrl('REDIS_URL') };

/** Without authentication. */
const app = useApp(REDIS);
/** With API keys. */
let guarded: RunningApp;

beforeAll(async () => {
  guarded = await app.startAnother({ ...REDIS, NODE_ENV: 'production', AUTH: 'keys' });
});

interface Answer {
  readonly deductStock?: { readonly replayed: boolean };
  readonly product?: { readonly id: string } | null;
}

function ask(
  headers: Record<string, string>,
  query: string,
  more: { readonly operationName?: string; readonly variables?: object } = {},
) {
  return post<Answer>(guarded.graphqlUrl, JSON.stringify({ query, ...more }), { headers });
}

describe('an operation that is cached', () => {
  test('by a permitted principal is refused to the next one without its scope, and served again after', async () => {
    const product = await app.shop.newProduct(5);
    const may = bearer(await newApiKey(app.database, 'buyer', ['deduct']));
    const mayNot = bearer(await newApiKey(app.database, 'reader', ['read']));
    const query = `mutation { deductStock(input: { items: [{ productId: "${product}", quantity: 1 }] }) { replayed } }`;
    const codes = [];
    for (const headers of [may, mayNot, {}, may, mayNot]) {
      const response = await ask(headers, query);
      codes.push(response.errors?.[0]?.extensions?.code ?? response.data?.deductStock?.replayed);
    }
    expect(codes).toEqual([false, 'FORBIDDEN', 'UNAUTHENTICATED', false, 'FORBIDDEN']);
    expect(await app.shop.onHand(product)).toBe(3);
  });

  test('with another one in its document needs the scopes of the named one alone', async () => {
    const product = await app.shop.newProduct(5);
    const reader = bearer(await newApiKey(app.database, 'reader', ['read']));
    const query = `query Read { product(id: "${product}") { ...P } }
      mutation Take { deductStock(input: { items: [{ productId: "${product}", quantity: 1 }] }) {
        results { ... on DeductedItem { product { ...P } } } } }
      fragment P on Product { id available }`;
    for (let round = 0; round < 2; round += 1) {
      expect((await ask(reader, query, { operationName: 'Read' })).data?.product?.id).toBe(product);
      expect(faultOf(await ask(reader, query, { operationName: 'Take' }))).toBe('FORBIDDEN');
    }
    expect(await app.shop.onHand(product)).toBe(5);
  });

  test('with small pages is refused for large ones at the same time, and the other way round', async () => {
    const query = `query Q($n: Int!) { products(first: $n) { nodes { movements(first: $n) { nodes { id } } } } }`;
    const read = (n: number) =>
      post(app.graphqlUrl, JSON.stringify({ query, variables: { n } })).then(
        ({ status }) => status,
      );
    const sizes = [5, 100, 5, 100, 30, 31];
    expect(await Promise.all(sizes.map(read))).toEqual([200, 400, 200, 400, 200, 200]);
    expect(await Promise.all([...sizes].reverse().map(read))).toEqual([
      200, 200, 400, 200, 400, 200,
    ]);
  });

  test('is refused before the first valid one, too: a refusal leaves nothing behind', async () => {
    const product = await app.shop.newProduct(1);
    const reader = bearer(await newApiKey(app.database, 'reader', ['read']));
    const query = 'query Late($id: ID!) { product(id: $id) { id } }';
    expect(faultOf(await ask(reader, query))).toBe('BAD_USER_INPUT');
    expect(faultOf(await ask({}, query, { variables: { id: product } }))).toBe('UNAUTHENTICATED');
    const answer = await ask(reader, query, { variables: { id: product } });
    expect(answer.data?.product?.id).toBe(product);
  });
});

describe('a credential', () => {
  test('that is revoked while its verification is cached is soon refused and never accepted again', async () => {
    const key = await newApiKey(app.database, 'leaver', ['read']);
    const read = async () =>
      (
        await ask(bearer(key), 'query Id($id: ID!) { product(id: $id) { id } }', {
          variables: { id: 'p' },
        })
      ).status;
    expect(await read()).toBe(200);
    await apiKeysOf(app.database).revoke(prefixOf(key));
    await until('the refusal', async () => (await read()) === 401, 30_000);
    expect(await Promise.all(Array.from({ length: 10 }, read))).toEqual(Array(10).fill(401));
  });

  test('that comes with others at the same time is verified for itself: one invalid one spoils none', async () => {
    const keys = await Promise.all(
      Array.from({ length: 8 }, (_, i) => newApiKey(app.database, `till-${i}`, ['read'])),
    );
    const wrong = keys.map((key) => `${prefixOf(key)}.${'A'.repeat(43)}`);
    const statuses = await Promise.all(
      keys.flatMap((key, i) =>
        [key, wrong[i] ?? ''].map(async (credential) => {
          const variables = { id: 'p' };
          const options = { headers: bearer(credential) };
          return (await send(guarded.graphqlUrl, ProductDocument, variables, options)).status;
        }),
      ),
    );
    const good = statuses.filter((_, i) => i % 2 === 0);
    const bad = statuses.filter((_, i) => i % 2 === 1);
    expect(good).toEqual(keys.map(() => 200));
    // The address has a number of failures, of which earlier tests may have used some.
    expect(bad.filter((status) => status !== 401 && status !== 429)).toEqual([]);
    expect(bad).toContain(401);
  });
});

describe('a key that was decided before its cause changed', () => {
  async function deduct(productId: string, idempotencyKey: string, locationId = 'default') {
    const input = { items: [{ productId, quantity: 1, locationId }], idempotencyKey };
    const { results, replayed } = (await app.dataOf(DeductStockDocument, { input })).deductStock;
    const [result] = results;
    return [result && 'error' in result ? result.error.code : result?.remaining, replayed];
  }

  test('stays PRODUCT_NOT_FOUND when the product is created after, and another key takes', async () => {
    expect(await deduct('comes-late', 'before')).toEqual(['PRODUCT_NOT_FOUND', false]);
    const input = { id: 'comes-late', name: 'Late', quantity: 5 };
    await app.dataOf(CreateProductDocument, { input });
    expect(await deduct('comes-late', 'before')).toEqual(['PRODUCT_NOT_FOUND', true]);
    expect(await deduct('comes-late', 'after')).toEqual([4, false]);
  });

  test('stays LOCATION_NOT_FOUND when the location is created after', async () => {
    const id = await app.shop.newProduct(5);
    expect(await deduct(id, 'no-place', 'attic')).toEqual(['LOCATION_NOT_FOUND', false]);
    await app.dataOf(CreateLocationDocument, { input: { id: 'attic', name: 'Attic' } });
    expect(await deduct(id, 'no-place', 'attic')).toEqual(['LOCATION_NOT_FOUND', true]);
    expect(await deduct(id, 'place', 'attic')).toEqual(['INSUFFICIENT_STOCK', false]);
    const items = [{ productId: id, quantity: 2, locationId: 'attic' }];
    await app.dataOf(IncreaseStockDocument, { input: { items } });
    expect(await deduct(id, 'place', 'attic')).toEqual(['INSUFFICIENT_STOCK', true]);
    expect(await deduct(id, 'filled', 'attic')).toEqual([1, false]);
  });
});

test('a client that hangs up and retries before the first call is decided gets its one effect', async () => {
  const id = await app.shop.newProduct(5);
  const input = { items: [{ productId: id, quantity: 1 }], idempotencyKey: `again ${id}` };
  const hangUp = new AbortController();
  let retries: Promise<boolean>[] = [];
  await whileRowsAreHeld(app.database.url, id, async () => {
    const first = send(app.graphqlUrl, DeductStockDocument, { input }, { signal: hangUp.signal });
    const broken = expect(first).rejects.toThrow();
    await untilRowsAreWaitedFor(app.database.sequelize);
    hangUp.abort();
    await broken;
    retries = Array.from({ length: 3 }, async () => {
      const response = await send(app.graphqlUrl, DeductStockDocument, { input });
      return dataOf(response).deductStock.results.every(
        (result) => result.__typename === 'DeductedItem',
      );
    });
  });
  expect(await Promise.all(retries)).toEqual([true, true, true]);
  expect(await app.shop.ledgerOf(id)).toHaveLength(2);
  expect(await app.shop.onHand(id)).toBe(4);
});

test('a read that begins after an answer sees what was answered, also in the same turn of the event loop', async () => {
  const id = await app.shop.newProduct(100);
  const input = { items: [{ productId: id, quantity: 1 }] };
  for (let left = 99; left >= 90; left -= 1) {
    await app.dataOf(DeductStockDocument, { input });
    const reads = Array.from({ length: 3 }, () => app.dataOf(ProductDocument, { id }));
    for (const { product } of await Promise.all(reads)) expect(product?.available).toBe(left);
  }
});

test('a subscription over HTTP starts nothing, before and after its document was seen', async () => {
  const query = 'subscription S { stockChanged { __typename } }';
  for (let round = 0; round < 2; round += 1) {
    const response = await post(app.graphqlUrl, JSON.stringify({ query }));
    expect([response.status, faultOf(response)]).toEqual([400, 'BAD_REQUEST']);
  }
});
