/**
 * An operation that is too large, too deep or repeats too much is refused before it is executed, with a short answer.
 * What Sandbox and ordinary clients send passes.
 */
import { getIntrospectionQuery } from 'graphql';
import { CreateProductDocument, ProductsWithStockDocument } from '../../generated/operations.js';
import { post, type GraphqlResponse } from '../../support/graphql-client.js';
import { useApp } from '../../support/use-app.js';

const app = useApp({ INTROSPECTION: 'true' });

beforeAll(async () => {
  await app.dataOf(CreateProductDocument, { input: { id: 'a', name: 'A', quantity: 5 } });
});

function ask(query: string, variables: object = {}): Promise<GraphqlResponse<unknown>> {
  app.statements.length = 0;
  return post(app.graphqlUrl, JSON.stringify({ query, variables }));
}

/** Refused as a whole, with a short answer and without a statement to the database. */
function expectRefused(response: GraphqlResponse<unknown>, code: string, message?: RegExp): void {
  expect(response.status).toBe(400);
  expect(response.data ?? null).toBeNull();
  const errors = response.errors ?? [];
  expect(errors.length).toBeGreaterThan(0);
  // GraphQL adds one that says that it stopped.
  expect(errors.length).toBeLessThanOrEqual(11);
  for (const error of errors) expect(error.extensions).toEqual({ code });
  if (message)
    expect(errors.map((error) => error.message)).toContainEqual(expect.stringMatching(message));
  expect(JSON.stringify(response).length).toBeLessThan(4_000);
  expect(app.statements).toEqual([]);
}

const ONE_LINE = '{items: [{productId: "a", quantity: 1}]}';
const times = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i)).join(' ');

const deep = (levels: number) => `{ product(id: "a") { ${nest(levels - 1)} } }`;

/** The chain of fields counts, whether or not the schema has them. */
function nest(levels: number): string {
  return levels === 1 ? 'id' : `f { ${nest(levels - 1)} }`;
}

describe('an operation is refused for', () => {
  test.each<[what: string, query: string, message: RegExp]>([
    ['101 aliases', `{ ${times(101, (i) => `a${i}: __typename`)} }`, /15 aliases/],
    ['16 aliases', `{ ${times(16, (i) => `a${i}: product(id: "a") { id }`)} }`, /15 aliases/],
    ['16 aliases of __typename', `{ ${times(16, (i) => `a${i}: __typename`)} }`, /15 aliases/],
    [
      'a field repeated 100 times',
      `{ product(id: "a") { ${times(100, () => 'id')} } }`,
      /15 aliases/,
    ],
    [
      'aliases in fragments that are spread repeatedly',
      `{ product(id: "a") { ...F ...G } }
       fragment F on Product { a: id b: id c: id d: id e: id ...G ...G }
       fragment G on Product { f: name g: name h: name i: name }`,
      /15 aliases/,
    ],
    [
      'fragments that double with every step',
      `{ product(id: "a") { ...F0 } }
       ${times(30, (i) => `fragment F${i} on Product { ... { ...F${i + 1} } ... { ...F${i + 1} } }`)}
       fragment F30 on Product { id }`,
      /1000 fields/,
    ],
    ['depth 20', deep(20), /12 levels/],
    ['depth 13', deep(13), /12 levels/],
    [
      'depth in fragments',
      `{ product(id: "a") { movements { edges { ...E } } } }
       fragment E on StockMovementEdge { node { x { x { x { x { ...X } } } } } }
       fragment X on StockMovement { x { x { x { x { x } } } } }`,
      /12 levels/,
    ],
    [
      '10 directives at one place',
      `{ product(id: "a") { id ${'@include(if: true) '.repeat(10)} } }`,
      /5 directives/,
    ],
    [
      '10 unknown directives',
      `{ product(id: "a") { id ${times(10, (i) => `@d${i}`)} } }`,
      /5 directives/,
    ],
    ['1000 unknown fields', `{ ${times(900, (i) => `f${i}`)} }`, /Cannot query field/],
    [
      'fragments in a circle',
      `{ product(id: "a") { ...A } } fragment A on Product { ...B } fragment B on Product { ...A }`,
      /Cannot spread fragment/,
    ],
    [
      'two mutations',
      `mutation { a: createProduct(input: {id: "x", name: "X"}) { __typename }
                  b: createProduct(input: {id: "y", name: "Y"}) { __typename } }`,
      /request of its own/,
    ],
    [
      '14 mutations by aliases',
      `mutation { ${times(14, (i) => `m${i}: deductStock(input: ${ONE_LINE}) { replayed }`)} }`,
      /request of its own/,
    ],
    [
      'two mutations, one in a fragment',
      `mutation { createProduct(input: {id: "x", name: "X"}) { __typename } ...M }
       fragment M on Mutation { ... { n: createProduct(input: {id: "y", name: "Y"}) { __typename } } }`,
      /request of its own/,
    ],
  ])('%s', async (_, query, message) => {
    expectRefused(await ask(query), 'GRAPHQL_VALIDATION_FAILED', message);
  });

  test('4000 tokens, even where they are comments in part', async () => {
    const query = `{ product(id: "a") { id } ${times(4_000, () => '#\n __typename')} }`;
    expectRefused(await ask(query), 'GRAPHQL_PARSE_FAILED', /token/);
  });

  test('2000 tokens outside of lists and input objects', async () => {
    const query = `{ product(id: "a") { id } ${times(2_000, () => '#\n __typename')} }`;
    expectRefused(await ask(query), 'GRAPHQL_VALIDATION_FAILED', /1000 tokens besides/);
  });

  test('introspection with aliases, which would multiply its lists', async () => {
    const types = 'types { a: fields { name } b: fields { name } }';
    expectRefused(
      await ask(`{ __schema { ${types} } }`),
      'GRAPHQL_VALIDATION_FAILED',
      /no aliases/,
    );
    const schemas = times(14, (i) => `s${i}: __schema { types { fields { name } } }`);
    expectRefused(await ask(`{ ${schemas} }`), 'GRAPHQL_VALIDATION_FAILED', /one __schema/);
  });

  test('an introspection without a bound', async () => {
    const query = `{ __schema { types { ${'fields { type { '.repeat(9)} name ${'} } '.repeat(9)} } } }`;
    expectRefused(await ask(query), 'GRAPHQL_VALIDATION_FAILED', /introspection depth/i);
  });

  test('a syntax error, two operations of one name, no operation name', async () => {
    expectRefused(await ask('{ product(id: "a") { id '), 'GRAPHQL_PARSE_FAILED');
    expectRefused(
      await ask('query A { product(id: "a") { id } } query A { __typename }'),
      'GRAPHQL_VALIDATION_FAILED',
    );
    const two = 'query A { __typename } query B { __typename }';
    expect((await ask(two)).errors).toMatchObject([
      { extensions: { code: 'OPERATION_RESOLUTION_FAILURE' } },
    ]);
  });
});

describe('nested lists are refused beyond 1,000 nodes', () => {
  const lines = (count: number) => ({
    input: {
      items: Array.from({ length: count }, () => ({ productId: 'no-such-product', quantity: 1 })),
    },
  });
  const DEDUCT = `mutation D($input: DeductStockInput!, $n: Int) { deductStock(input: $input) { results {
    ... on DeductedItem { product { movements(first: $n) { nodes { id } } } } } } }`;

  test.each<[what: string, query: string, variables: object]>([
    [
      'written out',
      '{ products(first: 100) { nodes { movements(first: 10) { nodes { id } } } } }',
      {},
    ],
    [
      'by variables',
      'query Q($a: Int, $b: Int) { products(first: $a) { nodes { movements(last: $b) { nodes { id } } } } }',
      { a: 100, b: 10 },
    ],
    [
      'by the defaults of variables',
      `query Q($a: Int = 100, $b: Int = 10) {
        products(first: $a) { nodes { movements(first: $b) { nodes { id } } } }
      }`,
      {},
    ],
    ['by the default size', '{ products(first: 50) { nodes { movements { nodes { id } } } } }', {}],
    [
      'through edges and fragments',
      `{ products(first: 100) { edges { node { ...P } } } }
       fragment P on Product { ... { movements(first: 10) { ...M } } }
       fragment M on StockMovementConnection { edges { node { id } } }`,
      {},
    ],
    [
      'by many pages side by side',
      `{ ${times(11, (i) => `p${i}: products(first: 100) { nodes { id } }`)} }`,
      {},
    ],
    ['by the lines of a mutation', DEDUCT, { ...lines(100), n: 11 }],
  ])('%s', async (_, query, variables) => {
    expectRefused(await ask(query, variables), 'BAD_USER_INPUT', /more than 1000 nodes/);
  });

  test('and are counted for each request of a cached operation', async () => {
    const read = (first: number, movements: number) =>
      app.ask.http(ProductsWithStockDocument, { first, movements });
    expect((await read(99, 9)).errors).toBeUndefined();
    expect((await read(100, 10)).errors).toMatchObject([
      { extensions: { code: 'BAD_USER_INPUT' } },
    ]);
    expect((await read(90, 10)).errors).toBeUndefined();
    expect((await ask(DEDUCT, { ...lines(90), n: 10 })).errors).toBeUndefined();
  });

  test('also where a page size is out of range', async () => {
    for (const first of [-1_000, 0, 101, 2_147_483_647]) {
      const outcome = await app.ask.http(ProductsWithStockDocument, { first, movements: 100 });
      expect(outcome.errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
    }
  });

  test('by levels and locations, as many as there are', async () => {
    const rows = Array.from({ length: 199 }, (_, i) => `('l${String(i)}', 'L')`);
    await app.database.sequelize.query(`INSERT INTO locations (id, name) VALUES ${rows.join()}`);
    await ask('{ locations { id } }');
    const levels = (count: number) => times(count, (i) => `l${i}: levels { onHand }`);
    const query = (aliases: number) => `{ products(first: 100) { nodes { ${levels(aliases)} } } }`;
    expectRefused(await ask(query(14)), 'BAD_USER_INPUT', /more than 1000 nodes.* got 14100/);
    expectRefused(await ask(query(1)), 'BAD_USER_INPUT', /more than 1000 nodes.* got 1100/);
    expect(
      (await ask('{ products(first: 90) { nodes { levels { onHand } } } }')).errors,
    ).toBeUndefined();
    expect(
      (await ask(`{ ${times(15, (i) => `l${i}: locations { id }`)} }`)).errors,
    ).toBeUndefined();
  });
});

describe('what the contract allows may be written into the text', () => {
  const line = '{productId: "a", quantity: 0, locationId: "default"}';
  const lines = times(100, () => line);

  test.each([
    [
      'in the arguments',
      `mutation { deductStock(input: {items: [${lines}]}) { results { ... on FailedItem { index } } } }`,
    ],
    [
      'in the default of a variable',
      `mutation M($i: DeductStockInput! = {items: [${lines}]}) {
        deductStock(input: $i) { results { ... on FailedItem { index } } } }`,
    ],
  ])('100 lines of stock %s', async (_, query) => {
    const response = await ask(query);
    expect(response.errors).toBeUndefined();
    const { deductStock } = response.data as { deductStock: { results: unknown[] } };
    expect(deductStock.results).toHaveLength(100);
  });

  test('100 ids at each of 15 aliases', async () => {
    const ids = times(100, (i) => `"p${i}"`);
    const query = `{ ${times(15, (i) => `a${i}: products(first: 60, filter: {ids: [${ids}]}) { nodes { id } }`)} }`;
    expect((await ask(query)).errors).toBeUndefined();
  });
});

describe('an operation may have', () => {
  test.each<[what: string, query: string]>([
    ['15 aliases', `{ ${times(15, (i) => `a${i}: product(id: "a") { id }`)} }`],
    [
      'any number of inline fragments, which are no levels',
      `{ product(id: "a") { ${'... { '.repeat(14)} id ${'} '.repeat(14)} } }`,
    ],
    [
      'one mutation and __typename',
      'mutation { __typename deductStock(input: {items: [{productId: "no-such-product", quantity: 1}]}) { replayed } }',
    ],
    [
      'the introspection of tools',
      getIntrospectionQuery({
        specifiedByUrl: true,
        directiveIsRepeatable: true,
        schemaDescription: true,
        inputValueDeprecation: true,
      }),
    ],
    [
      'the same field in different fragments',
      '{ product(id: "a") { ...F ...G id } } fragment F on Product { id name } fragment G on Product { id name }',
    ],
  ])('%s', async (_, query) => {
    const response = await ask(query);
    expect(response.errors).toBeUndefined();
    expect(response.status).toBe(200);
  });
});

test('a list of operations is refused', async () => {
  const operations = Array.from({ length: 10 }, () => ({ query: '{ product(id: "a") { id } }' }));
  app.statements.length = 0;
  const response = await post(app.graphqlUrl, JSON.stringify(operations));
  expectRefused(response, 'BAD_REQUEST', /batching/);
});

test('an id of a persisted query that is not known is no operation', async () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: 'a'.repeat(64) } };
  const response = await post(app.graphqlUrl, JSON.stringify({ extensions }));
  expect(response.errors).toMatchObject([{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }]);
});
