/**
 * Bad input is refused before anything is done: a wrong form by an error of the whole request, a wrong quantity by the
 * line's own error, a wrong type by GraphQL. Nothing is stored, overflows, wraps, or is taken for another value.
 */
import {
  CreateProductDocument,
  DeductStockDocument,
  IncreaseStockDocument,
  ProductDocument,
  ReserveStockDocument,
} from '../../generated/operations.js';
import { buildStockadeSchema } from '../../../src/graphql/schema/schema.js';
import { post } from '../../support/graphql-client.js';
import { operationsWithNull } from '../../support/null-operations.js';
import { faultOf, type Outcome } from '../../support/running-app.js';
import { useApp } from '../../support/use-app.js';

const STOCK = 1_000_000_000;

const app = useApp();

beforeAll(async () => {
  for (const id of ['a', 'A']) {
    await app.dataOf(CreateProductDocument, { input: { id, name: id, quantity: STOCK } });
  }
});

/** Nothing that a test sent was done. */
afterEach(async () => {
  const [rows] = await app.database.sequelize.query(
    `SELECT (SELECT COUNT(*) FROM stock_movements) AS movements,
            (SELECT SUM(on_hand) FROM stock_levels) AS onHand,
            (SELECT COUNT(*) FROM products) AS products`,
  );
  expect(rows).toEqual([{ movements: 2, onHand: String(2 * STOCK), products: 2 }]);
  expect(app.logged.filter((line) => line.level >= 50)).toEqual([]);
});

interface Reply {
  readonly deductStock: {
    readonly results: readonly { readonly error?: { readonly code: string } }[];
  };
}

const DEDUCT = `mutation Deduct($input: DeductStockInput!) {
  deductStock(input: $input) { results { ... on FailedItem { error { code } } } }
}`;

/** Takes JSON as text, so that numbers and keys are sent as they are written. */
function deductAsWritten(items: string) {
  return post<Reply>(
    app.graphqlUrl,
    `{"query": ${JSON.stringify(DEDUCT)}, "variables": {"input": {"items": ${items}}}}`,
  );
}

test.each([0, -1, -2_147_483_648])(
  'a bound of %d ms for the wait is BAD_USER_INPUT',
  async (maxWaitMs) => {
    const input = { items: [{ productId: 'a', quantity: 1 }], maxWaitMs };
    const replies = [
      await app.ask.http(DeductStockDocument, { input }),
      await app.ask.http(IncreaseStockDocument, { input }),
      await app.ask.http(ReserveStockDocument, { input }),
    ];
    for (const reply of replies) {
      expect(faultOf(reply)).toBe('BAD_USER_INPUT');
      expect(reply.errors?.[0]?.message).toBe(`maxWaitMs must be 1 or more; got ${maxWaitMs}.`);
    }
  },
);

describe('a quantity', () => {
  test.each(['0', '-1', '-0', '1000000001', '2147483647', '-2147483648', '0e5'])(
    'of %s is out of range: the line fails with INVALID_QUANTITY',
    async (quantity) => {
      const { data } = await deductAsWritten(`[{"productId": "a", "quantity": ${quantity}}]`);
      expect(data?.deductStock.results).toEqual([{ error: { code: 'INVALID_QUANTITY' } }]);
      const input = { items: [{ productId: 'a', quantity: Number(quantity) }] };
      const increased = await app.ask.http(IncreaseStockDocument, { input });
      expect(increased.data?.increaseStock.results).toMatchObject([
        { error: { code: 'INVALID_QUANTITY' } },
      ]);
    },
  );

  test.each([
    '1.5',
    '0.0000001',
    '"5"',
    '""',
    '2147483648',
    '-2147483649',
    '4294967297',
    '9007199254740993',
    '18446744073709551617',
    '1e308',
    '1e999',
    'null',
    'true',
    '[]',
    '[1]',
    '{}',
  ])('of %s is not an Int: BAD_USER_INPUT', async (quantity) => {
    const reply = await deductAsWritten(`[{"productId": "a", "quantity": ${quantity}}]`);
    expect(reply.status).toBe(400);
    expect(faultOf(reply)).toBe('BAD_USER_INPUT');
  });

  test.each(['NaN', 'Infinity', '0x10', '01', '1_000', '+1', 'undefined'])(
    'of %s is not JSON: BAD_REQUEST',
    async (quantity) => {
      const reply = await deductAsWritten(`[{"productId": "a", "quantity": ${quantity}}]`);
      expect(reply.status).toBe(400);
      expect(faultOf(reply)).toBe('BAD_REQUEST');
    },
  );

  test('that is left out is BAD_USER_INPUT', async () => {
    const reply = await deductAsWritten('[{"productId": "a"}]');
    expect(reply.status).toBe(400);
    expect(faultOf(reply)).toBe('BAD_USER_INPUT');
  });

  test('adds up with others beyond the range of an Int without an overflow', async () => {
    const line = '{"productId": "a", "quantity": 1000000000}';
    const reply = await deductAsWritten(`[${[line, ...Array<string>(4).fill(line)].join(',')}]`);
    const [first, ...rest] = reply.data?.deductStock.results ?? [];
    expect(first).toEqual({});
    expect(rest).toEqual(Array(4).fill({ error: { code: 'INSUFFICIENT_STOCK' } }));
    // Undoes what the first line deducted, so that the levels are as before.
    await app.database.sequelize.query(
      `UPDATE stock_levels SET on_hand = ${STOCK}, last_sequence = 1 WHERE product_id = 'a'`,
    );
    await app.database.sequelize.query(`DELETE FROM stock_movements WHERE sequence > 1`);
  });
});

describe('the list of lines', () => {
  test('must have at least one line', async () => {
    const reply = await deductAsWritten('[]');
    expect(faultOf(reply)).toBe('BAD_USER_INPUT');
    expect(reply.errors?.[0]?.extensions).toMatchObject({ field: 'items' });
  });

  test('must have at most 100 lines', async () => {
    const lines = (count: number) =>
      `[${Array<string>(count).fill('{"productId": "no-such-product", "quantity": 1}').join(',')}]`;
    expect((await deductAsWritten(lines(100))).data?.deductStock.results).toHaveLength(100);
    expect(faultOf(await deductAsWritten(lines(101)))).toBe('BAD_USER_INPUT');
  });

  test.each([
    'null',
    '"a"',
    '[null]',
    '[[]]',
    '5',
    '[{"productId": "a", "quantity": 1, "price": 1}]',
  ])('must not be %s', async (items) => {
    const reply = await deductAsWritten(items);
    expect(reply.status).toBe(400);
    expect(faultOf(reply)).toBe('BAD_USER_INPUT');
  });
});

describe('an id', () => {
  const OUT_OF_FORM = [
    '',
    ' a',
    'a ',
    'a\n',
    'a\u0000',
    "a' OR '1'='1",
    'a"; DROP TABLE products; --',
    'a\r\nDEL lock:stock:{a}\r\n',
    'a}',
    'a/default',
    'ä',
    'а', // Cyrillic
    'ａ', // full width
    'ß',
    'a\u200b',
    '🦊',
    'x'.repeat(65),
    'x'.repeat(10_000),
  ];

  test.each(OUT_OF_FORM)('%j is refused in a line, for product and location', async (id) => {
    for (const line of [{ productId: id }, { productId: 'a', locationId: id }]) {
      const items = [{ quantity: 1, ...line }];
      const outcome = await app.ask.http(DeductStockDocument, { input: { items } });
      expect(faultOf(outcome)).toBe('BAD_USER_INPUT');
      expect(outcome.errors?.[0]?.extensions).toMatchObject({
        field: 'locationId' in line ? 'items[0].locationId' : 'items[0].productId',
      });
    }
    expect(await app.dataOf(ProductDocument, { id })).toEqual({ product: null });
  });

  test('of one line refuses the whole request before any line is applied', async () => {
    const items = ['a', 'two words'].map((productId) => ({ productId, quantity: 1 }));
    const outcome = await app.ask.http(DeductStockDocument, { input: { items } });
    expect(faultOf(outcome)).toBe('BAD_USER_INPUT');
  });

  test('may be written as a number and is then read as text', async () => {
    const reply = await deductAsWritten('[{"productId": 17, "quantity": 1}]');
    expect(reply.data?.deductStock.results).toEqual([{ error: { code: 'PRODUCT_NOT_FOUND' } }]);
  });

  const UNSAFE = ['9007199254740993', '9007199254740992', '-9007199254740993', '1e16', '1e300'];

  test.each([
    ...UNSAFE.map((id) => [id, '$id: ID!', 'product(id: $id) { id }']),
    ...UNSAFE.map((id) => [
      `[1, ${id}]`,
      '$id: [ID!]',
      'products(filter: {ids: $id}) { nodes { id } }',
    ]),
    ...UNSAFE.map((id) => [
      `{"ids": [${id}]}`,
      '$id: ProductFilter',
      'products(filter: $id) { nodes { id } }',
    ]),
    ...UNSAFE.map((id) => [id, '$id: ID', 'stockMovements(productId: $id) { nodes { id } }']),
  ])('that JSON has rounded is refused: %s as %s in %s', async (id, declared, field) => {
    const query = `query Q(${declared}) { ${field} }`;
    const variables = `{"id": ${id}}`;
    const posted = `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`;
    const search = new URLSearchParams({ query, variables });
    const headers = { 'apollo-require-preflight': 'true' };
    const got = await fetch(`${app.graphqlUrl}?${search.toString()}`, { headers });
    for (const reply of [
      await post<unknown>(app.graphqlUrl, posted),
      { ...((await got.json()) as Outcome<unknown>), status: got.status },
    ]) {
      expect(reply.status).toBe(400);
      expect(faultOf(reply)).toBe('BAD_USER_INPUT');
      expect(JSON.stringify(reply)).toMatch(/a string or a safe integer; .* Send a string/);
    }
  });

  test('of a line that JSON has rounded deducts from no other product', async () => {
    const reply = await deductAsWritten('[{"productId": 9007199254740993, "quantity": 1}]');
    expect(faultOf(reply)).toBe('BAD_USER_INPUT');
    expect(reply.errors?.[0]?.message).toMatch(/at "input.items\[0\].productId"/);
  });

  test('of any length in the text of an operation is kept digit by digit', async () => {
    const query = `mutation { deductStock(input: {items: [{productId: 9007199254740993, quantity: 1}]}) {
      results { ... on FailedItem { productId error { code } } } } }`;
    const reply = await post<Reply>(app.graphqlUrl, JSON.stringify({ query }));
    expect(reply.data?.deductStock.results).toEqual([
      { productId: '9007199254740993', error: { code: 'PRODUCT_NOT_FOUND' } },
    ]);
  });
});

describe('an idempotency key', () => {
  const items = [{ productId: 'no-such-product', quantity: 1 }];
  const withKey = (idempotencyKey: string) =>
    app.ask.http(DeductStockDocument, { input: { items, idempotencyKey } });

  test.each([
    ['nothing', ''],
    ['256 characters', 'x'.repeat(256)],
    ['256 characters of more than one unit', '🦊'.repeat(256)],
    ['half of a character', 'key \ud83e'],
  ])('of %s is refused', async (_, key) => {
    const outcome = await withKey(key);
    expect(faultOf(outcome)).toBe('BAD_USER_INPUT');
    expect(outcome.errors?.[0]?.extensions).toMatchObject({ field: 'idempotencyKey' });
  });

  test('differs from every other one by its bytes', async () => {
    const keys = [
      'key',
      'KEY',
      'Key',
      'key ',
      ' key',
      'key\u0000',
      'key\n',
      'kéy',
      'ke\u0301y',
      'ke\u00a0y',
      'straße',
      'strasse',
      'ｋｅｙ',
      '🦊',
      '🦊🦊',
      "'; --",
      '\\',
      'x'.repeat(255),
      '🦊'.repeat(255),
    ];
    for (const key of keys) {
      const { data } = await withKey(key);
      expect({ key, replayed: data?.deductStock.replayed }).toEqual({ key, replayed: false });
    }
    for (const key of keys) {
      const { data } = await withKey(key);
      expect({ key, replayed: data?.deductStock.replayed }).toEqual({ key, replayed: true });
    }
  });
});

describe('reason and reference', () => {
  const items = [{ productId: 'no-such-product', quantity: 1 }];

  test.each(['reason', 'reference'])(
    '%s must have at most 255 characters, and no half of a surrogate pair',
    async (field) => {
      for (const [value, code] of [
        ['🦊'.repeat(255), undefined],
        ['🦊'.repeat(256), 'BAD_USER_INPUT'],
        ['\ud800', 'BAD_USER_INPUT'],
      ]) {
        const outcome = await app.ask.http(DeductStockDocument, {
          input: { items, [field]: value },
        });
        expect(outcome.errors?.[0]?.extensions?.code).toBe(code);
      }
    },
  );
});

describe('a variable that is null', () => {
  const ITEMS = 'items: [{productId: "no-such-product", quantity: 1}]';

  test.each([
    [
      'BatchMode',
      `mutation M($v: BatchMode) { deductStock(input: {${ITEMS}, mode: $v}) { replayed } }`,
      'mode',
    ],
    [
      'BatchMode = PARTIAL',
      `mutation M($v: BatchMode = PARTIAL) { increaseStock(input: {${ITEMS}, mode: $v}) { replayed } }`,
      'mode',
    ],
    [
      'Int',
      `mutation M($v: Int) { reserveStock(input: {${ITEMS}, ttlSeconds: $v}) { replayed } }`,
      'ttlSeconds',
    ],
    [
      'Int',
      'mutation M($v: Int) { createProduct(input: {id: "x", name: "X", quantity: $v}) { __typename } }',
      'quantity',
    ],
    [
      'Int = 1',
      `mutation M($v: Int = 1) {
        setStock(input: {productId: "a", quantity: $v, changeFromQuantity: 0}) { __typename }
      }`,
      'quantity',
    ],
    [
      'Int = 1',
      'mutation M($v: Int = 1) { deductStock(input: {items: [{productId: "a", quantity: $v}]}) { replayed } }',
      'items[0].quantity',
    ],
    ['ID = "a"', 'query Q($v: ID = "a") { product(id: $v) { id } }', 'id'],
    [
      'ID = "a"',
      'query Q($v: ID = "a") { products(filter: {ids: [$v]}) { nodes { id } } }',
      'filter.ids[0]',
    ],
    [
      'Boolean = true',
      'query Q($v: Boolean = true) { product(id: "a") { id @skip(if: $v) } }',
      'if',
    ],
    [
      'Boolean = true',
      'query Q($v: Boolean = true) { ...F @include(if: $v) } fragment F on Query { __typename }',
      'if',
    ],
  ])('as %s in %s is refused, and %s is named', async (_, query, field) => {
    const reply = await post(app.graphqlUrl, JSON.stringify({ query, variables: { v: null } }));
    expect(reply.status).toBe(400);
    expect(faultOf(reply)).toBe('BAD_USER_INPUT');
    expect(reply.errors?.[0]?.extensions).toMatchObject({ field });
    expect(reply.errors?.[0]?.message).toContain(`${field} must not be null`);
  });

  test.each([
    '{ items: [{ productId: "no-such-product", quantity: 1 }], mode: null }',
    '{ items: [{ productId: "no-such-product", quantity: null }] }',
    '{ items: [null] }',
    'null',
  ])('or has a null inside, as in %s, is refused', async (input) => {
    const variables = `{"v": ${input.replace(/(\w+):/g, '"$1":')}}`;
    const query = 'mutation M($v: DeductStockInput!) { deductStock(input: $v) { replayed } }';
    const body = `{"query": ${JSON.stringify(query)}, "variables": ${variables}}`;
    expect(faultOf(await post(app.graphqlUrl, body))).toBe('BAD_USER_INPUT');
  });

  test('is as good as none wherever the schema allows null, and that is so for every input', async () => {
    const refused: string[] = [];
    for (const { query, place } of operationsWithNull(buildStockadeSchema())) {
      const reply = await post(app.graphqlUrl, JSON.stringify({ query, variables: { v: null } }));
      const codes = (reply.errors ?? []).map(({ extensions }) => extensions?.code);
      if (codes.some((code) => code !== 'BAD_USER_INPUT')) refused.push(`${place}: ${query}`);
    }
    expect(refused).toEqual([]);
  });
});

describe('the body', () => {
  const variables = '{"input": {"items": [{"productId": "a", "quantity": 0}]}}';
  const query = JSON.stringify(DEDUCT);

  test.each([
    [
      'the same key twice: the last one counts',
      `{"query": "junk", "query": ${query}, "variables": ${variables}}`,
    ],
    ['white space around it', `\n  {"query": ${query}, "variables": ${variables}}  \n`],
    ['a byte order mark', `\ufeff{"query": ${query}, "variables": ${variables}}`],
    ['unknown fields', `{"query": ${query}, "variables": ${variables}, "admin": true}`],
  ])('may contain %s', async (_, body) => {
    const reply = await post<Reply>(app.graphqlUrl, body);
    expect(reply.data?.deductStock.results).toEqual([{ error: { code: 'INVALID_QUANTITY' } }]);
  });

  test.each([
    ['nothing', ''],
    ['incomplete JSON', `{"query": ${query}, "variables": {`],
    ['a list', '[]'],
    ['null', 'null'],
    ['a number', '5'],
    ['a string', '"text"'],
    ['no query', '{}'],
    ['a query that is not a string', '{"query": {"a": 1}}'],
    ['a query of null', '{"query": null}'],
    ['variables that are a list', `{"query": ${query}, "variables": []}`],
    ['variables that are a string', `{"query": ${query}, "variables": "{}"}`],
    ['a prototype', `{"query": ${query}, "variables": {"__proto__": {"input": 1}}}`],
    ['an escaped prototype', `{"query": ${query}, "variables": {"\\u005f_proto__": {}}}`],
    ['a constructor', `{"query": ${query}, "variables": {"constructor": {"prototype": {}}}}`],
    ['bytes that are not UTF-8', Buffer.from(`{"query": "\xff\xfe", "variables": {}}`, 'latin1')],
    ['half of a character', Buffer.from([...Buffer.from('{"query": "'), 0xe2, 0x82, 0x22, 0x7d])],
    ['UTF-16', Buffer.from(`{"query": ${query}}`, 'utf16le')],
  ])('is refused for %s', async (_, body) => {
    const reply = await post(app.graphqlUrl, body);
    expect(reply.status).toBe(400);
    expect(faultOf(reply)).toBe('BAD_REQUEST');
    expect(reply.headers['x-request-id']).toMatch(/./);
  });

  test('reaches no prototype through an undeclared variable', async () => {
    const body = `{"query": ${query}, "variables": {"input": {"items": [], "toString": 1}}}`;
    expect(faultOf(await post(app.graphqlUrl, body))).toBe('BAD_USER_INPUT');
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});
