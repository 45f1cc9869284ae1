/** What a client with a key may send as GraphQL: documents that are long, deep, wide or made to be slow. */
import { bearer } from '../support/api-keys.js';
import { post } from '../support/graphql-client.js';
import { useArena } from '../support/hostile-arena.js';
import { NUMBERS, numberSteps } from '../support/number-rows.js';

const arena = useArena(() => ({ INTROSPECTION: 'true' }));
let key: string;

beforeAll(async () => {
  key = await arena.key('reader', ['read']);
});

async function codeOf(query: string, variables?: object): Promise<string> {
  const { errors } = await post(arena.graphqlUrl, JSON.stringify({ query, variables }), {
    headers: bearer(key),
  });
  const code = errors?.[0]?.extensions?.code;
  return typeof code === 'string' ? code : 'OK';
}

/** Sends all, a few at a time, and resolves with the codes that were seen. */
async function codesOf(queries: readonly string[], variables?: object): Promise<string[]> {
  const open = [...queries];
  const seen = new Set<string>();
  const client = async () => {
    for (let query = open.pop(); query !== undefined; query = open.pop()) {
      seen.add(await codeOf(query, variables));
    }
  };
  await Promise.all([client(), client(), client(), client()]);
  return [...seen].sort();
}

const times = (count: number, text: (i: number) => string) =>
  Array.from({ length: count }, (_, i) => text(i));

test('unique documents of 99 kB that are nearly all comments', async () => {
  const comments = '#\n'.repeat(33_000);
  const queries = times(200, (i) => `query H${i} { __typename }\n${comments}`);
  expect(await arena.withstands(() => codesOf(queries))).toEqual(['OK']);
});

test('unique documents with as many tokens and lines as are allowed', async () => {
  const line = '{productId: "no-such-product", quantity: 1}';
  const lines = `[${Array(100).fill(line).join(', ')}]`;
  const queries = times(
    100,
    (i) => `mutation M${i} { deductStock(input: {items: ${lines}}) { results { __typename } } }`,
  );
  expect(await arena.withstands(() => codesOf(queries))).toEqual(['FORBIDDEN']);
});

test('unique documents with more tokens than are allowed', async () => {
  const queries = times(60, (i) => `query T${i} { ${'__typename '.repeat(9_000)} }`);
  expect(await arena.withstands(() => codesOf(queries))).toEqual(['GRAPHQL_PARSE_FAILED']);
});

test.each<[what: string, query: string]>([
  [
    'fragments that double',
    `{ ...f23 } fragment f0 on Query { __schema { types { name } } } ` +
      times(23, (i) => `fragment f${i + 1} on Query { ...f${i} ... on Query { ...f${i} } }`).join(
        ' ',
      ),
  ],
  [
    'introspection inside introspection',
    `{ __schema { types { fields { type { ${'fields { type { '.repeat(8)} name ${'} }'.repeat(8)} } } } } }`,
  ],
  ['fragments in a circle', '{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }'],
  [
    'fields that overlap in many ways',
    `{ ${times(400, (i) => `... { product(id: "p${i % 2}") { id } }`).join(' ')} }`,
  ],
  [
    'aliases of levels of a hundred products',
    `{ ${times(14, (i) => `a${i}: products(first: 100) { nodes { levels { onHand } } }`).join(' ')} }`,
  ],
  ['thousands of directives', `{ __typename ${'@skip(if: false) '.repeat(900)} }`],
  [
    'a value of a thousand brackets',
    `{ products(filter: {ids: ${'['.repeat(900)}${']'.repeat(900)}}) { nodes { id } } }`,
  ],
])('%s are refused, and quickly', async (_, query) => {
  const codes = await arena.withstands(() => codesOf(times(20, () => query)));
  expect(codes).not.toContain('OK');
  expect(codes).not.toContain('INTERNAL_SERVER_ERROR');
});

test('low stock asked for 140 times at once in a shop where nothing is low', async () => {
  await fillShop(100_000);
  const page = 'products(first: 1, filter: {lowStock: true}) { nodes { id } }';
  const query = `{ ${times(14, (i) => `a${i}: ${page}`).join(' ')} }`;
  const codes = await arena.withstands(() =>
    Promise.all(times(10, () => query).map((text) => codeOf(text))),
  );
  expect(new Set(codes)).toEqual(new Set(['OK']));
});

/** Products with a threshold and more stock than that, with their ledger, written by SQL. */
async function fillShop(count: number): Promise<void> {
  const { sequelize } = arena.shop.database;
  const id = `CONCAT('bulk-', n)`;
  for (const step of numberSteps(count)) {
    await sequelize.query(
      `INSERT INTO products (id, name, low_stock_threshold)
       SELECT ${id}, CONCAT('Bulk ', n), 3 FROM ${NUMBERS} WHERE ${step}`,
    );
    await sequelize.query(
      `INSERT INTO stock_levels (product_id, location_id, on_hand, last_sequence, version)
       SELECT ${id}, 'default', 5, 1, 1 FROM ${NUMBERS} WHERE ${step}`,
    );
    await sequelize.query(
      `INSERT INTO stock_movements (product_id, location_id, sequence, kind, delta, quantity_before,
         quantity_after, available_after, operation_id, line_index)
       SELECT ${id}, 'default', 1, 'INCREASE', 5, 0, 5, 5, UNHEX(SHA2(${id}, 256)), 0
       FROM ${NUMBERS} WHERE ${step}`,
    );
  }
}

test('bodies that are deep, huge or broken', async () => {
  const bodies = [
    '['.repeat(100_000),
    `{"query":"{__typename}","variables":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`,
    `{"query":"{__typename}","variables":{"a":${'9'.repeat(90_000)}}}`,
    `{"query":"{__typename}","__proto__":{"admin":true}}`,
    `[${Array(2_000).fill('{"query":"{__typename}"}').join(',')}]`,
    `{"query":"${'\\u0000'.repeat(15_000)}"}`,
    'x'.repeat(2_000_000),
  ];
  const answers = await arena.withstands(async () => {
    const statuses: number[] = [];
    for (let round = 0; round < 10; round += 1) {
      for (const body of bodies) {
        // The server may close under a body that it refuses early.
        const answer = await post(arena.graphqlUrl, body, { headers: bearer(key) }).catch(() => ({
          status: 0,
        }));
        statuses.push(answer.status);
      }
    }
    return statuses;
  });
  expect(answers.filter((status) => status >= 500)).toEqual([]);
  expect(answers.filter((status) => status === 200).length).toBeLessThanOrEqual(20);
});

test('SQL in every text that a client can send is a text', async () => {
  const strings = [
    `' OR '1'='1`,
    `"; DROP TABLE stock_levels; --`,
    `\\'; DELETE FROM products; #`,
    `%_\\`,
    `p' UNION SELECT key_hash FROM api_keys -- `,
  ];
  const manager = await arena.key('manager', ['read', 'deduct', 'manage']);
  const products = await arena.shop.newProducts(1, 5);
  await arena.withstands(async () => {
    for (const text of strings) {
      const said = JSON.stringify(text);
      const ask = (query: string) =>
        post<object>(arena.graphqlUrl, JSON.stringify({ query }), { headers: bearer(manager) });
      const asked = [
        `{ product(id: ${said}) { id } }`,
        `{ products(first: 5, filter: {nameStartsWith: ${said}}) { nodes { id } } }`,
        `{ products(first: 5, filter: {ids: [${said}]}) { nodes { id } } }`,
        `{ products(first: 5, after: ${said}) { nodes { id } } }`,
        `{ stockMovements(first: 5, productId: ${said}) { nodes { id } } }`,
        `{ reservation(id: ${said}) { id } }`,
        `mutation { deductStock(input: {
          items: [{productId: ${said}, quantity: 1, locationId: ${said}}]
          idempotencyKey: ${said} reference: ${said}
        }) { results { __typename } } }`,
        `mutation { createProduct(input: {id: "sql-${strings.indexOf(text)}", name: ${said}}) { __typename } }`,
      ];
      for (const query of asked) {
        const { status, errors } = await ask(query);
        expect(status).toBeLessThan(500);
        for (const { extensions } of errors ?? [])
          expect(extensions?.code).not.toBe('INTERNAL_SERVER_ERROR');
      }
    }
  });
  expect(await arena.shop.onHand(products[0] ?? '')).toBe(5);
});
