/**
 * An audit of GraphQL over HTTP, edition of September 2026: a line for each clause that binds a server by MUST or
 * SHOULD and can be seen from outside. Deviations are rows as well, with what is answered instead;
 * docs/decisions has their reasons.
 */
import { bearer, newApiKey } from '../../support/api-keys.js';
import { useApp } from '../../support/use-app.js';

const NEW = 'application/graphql-response+json';
const OLD = 'application/json';
const NEW_TYPE = `${NEW}; charset=utf-8`;
const OLD_TYPE = `${OLD}; charset=utf-8`;

const app = useApp();
let productId: string;

beforeAll(async () => {
  productId = await app.newProduct(5);
});

interface Exchange {
  readonly method?: string;
  readonly accept?: string | null;
  readonly contentType?: string | null;
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  readonly search?: string;
}

interface Expected {
  readonly status: number;
  readonly type?: string;
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
}

async function exchange(asked: Exchange, url = app.graphqlUrl) {
  const { method = 'POST', accept = NEW, contentType = OLD, headers = {}, search = '' } = asked;
  const body = typeof asked.body === 'string' ? asked.body : JSON.stringify(asked.body);
  const response = await fetch(url + search, {
    method,
    headers: {
      ...headers,
      ...(accept !== null && { accept }),
      ...(contentType !== null && body && { 'content-type': contentType }),
      'apollo-require-preflight': 'true',
    },
    // A buffer has no type of its own.
    ...(body && { body: Buffer.from(body) }),
  });
  return { response, text: await response.text() };
}

async function expectAnswer(asked: Exchange, expected: Expected): Promise<void> {
  const { response, text } = await exchange(asked);
  expect([response.status, text]).toEqual([expected.status, text]);
  if (expected.type !== undefined) expect(response.headers.get('content-type')).toBe(expected.type);
  if (expected.body) expect(JSON.parse(text)).toMatchObject(expected.body);
  for (const [name, value] of Object.entries(expected.headers ?? {})) {
    expect(response.headers.get(name)).toBe(value);
  }
}

const query = '{ locations { id } }';
const DATA = { data: { locations: [{ id: 'default' }] } };
const mutation = 'mutation { createLocation(input: { id: "a b", name: "x" }) { __typename } }';
const TWO = 'query A { locations { id } } query B { locations { name } }';
const NEEDS_ID = 'query ($id: ID!) { product(id: $id) { id } }';
const byGet = (parameters: Record<string, string>) => ({
  method: 'GET',
  search: `?${new URLSearchParams(parameters).toString()}`,
});

type Row = readonly [clause: string, asked: Exchange, expected: Expected];

const URL_AND_FORMAT: readonly Row[] = [
  ['URL: one URL MUST serve queries …', { body: { query } }, { status: 200, body: DATA }],
  ['URL: … and mutations', { body: { query: mutation } }, { status: 200, type: NEW_TYPE }],
  ['Serialization Format: JSON MUST be supported', { body: { query } }, { status: 200 }],
  [
    'Media Types: utf-8 MUST be assumed in Accept',
    { accept: `${NEW};q=1`, body: { query } },
    { status: 200, type: NEW_TYPE },
  ],
  [
    'POST: utf-8 MUST be assumed where Content-Type names no encoding',
    { body: { query: '{ product(id: "ü") { id } }' } },
    { status: 200, body: { data: { product: null } } },
  ],
  [
    'POST: application/json in UTF-8 MUST be supported',
    { contentType: 'application/json; charset=utf-8', body: { query } },
    { status: 200, body: DATA },
  ],
  [
    'POST: one without a Content-Type SHOULD be rejected by a 4xx',
    { contentType: null, body: { query } },
    { status: 415 },
  ],
];

const PARAMETERS: readonly Row[] = [
  ['GET: parameters stand in the URL', byGet({ query }), { status: 200, body: DATA }],
  [
    'GET: variables MUST be JSON, and an empty string is as none',
    byGet({ query: NEEDS_ID, variables: '{"id":"none"}', extensions: '' }),
    { status: 200, body: { data: { product: null } } },
  ],
  [
    'GET: an empty operationName is as none',
    byGet({ query, operationName: '', variables: '' }),
    { status: 200, body: DATA },
  ],
  [
    'GET: a mutation MUST get a 4xx and not run; 405 is RECOMMENDED, with Allow',
    byGet({ query: mutation }),
    { status: 405, headers: { allow: 'POST' } },
  ],
  [
    'JSON Encoding: properties that are not understood MUST be ignored',
    { body: { query, documentId: 'x', other: 1 } },
    { status: 200, body: DATA },
  ],
  [
    'JSON Encoding: null for an optional parameter is as none',
    { body: { query, variables: null, operationName: null, extensions: null } },
    { status: 200, body: DATA },
  ],
];

const BODY: readonly Row[] = [
  [
    'Body: the media type MUST be indicated, the encoding SHOULD be; the new type MUST be supported',
    { body: { query } },
    { status: 200, type: NEW_TYPE, body: DATA },
  ],
  [
    'Body: the highest priority of Accept MUST be respected: the new type',
    { accept: `${NEW}, ${OLD};q=0.9`, body: { query } },
    { status: 200, type: NEW_TYPE },
  ],
  [
    'Body: the highest priority of Accept MUST be respected: the old type',
    { accept: `${NEW};q=0.5, ${OLD}`, body: { query } },
    { status: 200, type: OLD_TYPE },
  ],
  [
    'Body: with no acceptable type 406 SHOULD be answered',
    { accept: 'image/png', body: { query } },
    { status: 406 },
  ],
  [
    'Body: a legacy client gets a 2xx in application/json',
    { accept: OLD, body: { query } },
    { status: 200, type: OLD_TYPE, body: DATA },
  ],
  [
    'Body, deviation: a legacy client gets 400 in application/json, where the new type has 422',
    { accept: OLD, body: { query: '{ nothing }' } },
    { status: 400, type: OLD_TYPE },
  ],
  ['Body: without Accept the server chooses', { accept: null, body: { query } }, { status: 200 }],
];

const STATUS_CODES: readonly Row[] = [
  ['Status Codes: data without errors SHOULD be 200', { body: { query } }, { status: 200 }],
  [
    'Status Codes: data of null with errors SHOULD be 294',
    { body: { query: '{ products(first: 0) { nodes { id } } }' } },
    { status: 294, type: NEW_TYPE, body: { data: null, errors: [{}] } },
  ],
  [
    'a method that is not supported SHOULD be 405',
    { method: 'PUT', body: { query } },
    { status: 405 },
  ],
  [
    'a Content-Type that is not supported SHOULD be 415',
    { contentType: 'text/plain', body: query },
    { status: 415 },
  ],
  [
    'a body that is too large SHOULD be 413',
    { body: { query: `{ a } # ${'x'.repeat(2_000_000)}` } },
    { status: 413 },
  ],
  [
    'headers that are too large SHOULD be 431',
    { headers: { 'x-large': 'x'.repeat(20_000) }, body: { query } },
    { status: 431 },
  ],
  [
    'a URI that is too large SHOULD be 414; deviation: Node counts it with the headers, 431',
    byGet({ query: `{ a } # ${'x'.repeat(20_000)}` }),
    { status: 431 },
  ],
  ['JSON that cannot be parsed SHOULD be 400', { body: '{"query":' }, { status: 400 }],
  ['JSON parsing failure: NONSENSE', { body: 'NONSENSE' }, { status: 400 }],
  [
    'a request that is not well-formed SHOULD be 422: a typo',
    { body: { qeury: '{ __typename }' } },
    { status: 422 },
  ],
  [
    'a request that is not well-formed SHOULD be 422: variables in a list',
    { body: { query: NEEDS_ID, variables: [7] } },
    { status: 422 },
  ],
  [
    'a request that is not well-formed SHOULD be 422: a list',
    { body: [{ query }] },
    { status: 422 },
  ],
  [
    'a request that is not well-formed SHOULD be 422: a name that is a number',
    { body: { query, operationName: 1 } },
    { status: 422 },
  ],
  [
    'a document that cannot be parsed SHOULD be 400',
    { body: { query: '{' } },
    { status: 400, type: NEW_TYPE, body: { errors: [{}] } },
  ],
  [
    'a document that is not valid SHOULD be 422',
    { body: { query: '{ nothing }' } },
    { status: 422, type: NEW_TYPE, body: { errors: [{}] } },
  ],
  ['an operation that is ambiguous SHOULD be 422', { body: { query: TWO } }, { status: 422 }],
  [
    'an operation that is not there SHOULD be 422',
    { body: { query: TWO, operationName: 'C' } },
    { status: 422 },
  ],
  ['variables that do not fit SHOULD be 422', { body: { query: NEEDS_ID } }, { status: 422 }],
  [
    'variables beyond a limit: as those that do not fit',
    {
      body: {
        query:
          'query ($n: Int!) { products(first: $n) { nodes { movements(first: 100) { nodes { id } } } } }',
        variables: { n: 100 },
      },
    },
    { status: 422 },
  ],
  [
    'without data the status MUST be 4xx or 5xx: a persisted query that is not known',
    { body: { extensions: { persistedQuery: { version: 1, sha256Hash: 'none' } } } },
    { status: 422, body: { errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] } },
  ],
];

describe.each([
  ['URL and format', URL_AND_FORMAT],
  ['parameters', PARAMETERS],
  ['body', BODY],
  ['status codes', STATUS_CODES],
])('%s', (_, rows) => {
  test.each(rows)('%s', async (_clause, asked, expected) => {
    // The first is never known to the short way, the third always is where it can be.
    for (let i = 0; i < 3; i += 1) await expectAnswer(asked, expected);
  });
});

test.each([
  ['data with errors SHOULD be 294', NEW, 294, NEW_TYPE],
  ['data with errors is 200 in application/json, for 294 is of the new type', OLD, 200, OLD_TYPE],
])('Status Codes: %s, on both ways', async (_, accept, status, type) => {
  const partial = 'query ($id: ID!) { product(id: $id) { movements(first: 0) { nodes { id } } } }';
  const body = { query: partial, variables: { id: productId } };
  for (const more of [{}, { extensions: {} }, {}, { extensions: {} }]) {
    await expectAnswer(
      { accept, body: { ...body, ...more } },
      { status, type, body: { data: { product: null }, errors: [{}] } },
    );
  }
});

test('a client that is not permitted SHOULD get 401 or 403', async () => {
  const guarded = await app.startAnother({ AUTH: 'keys' });
  const reader = bearer(await newApiKey(app.database, 'reader', ['read']));
  const statusOf = async (asked: Exchange) =>
    (await exchange(asked, guarded.graphqlUrl)).response.status;
  for (let i = 0; i < 3; i += 1) {
    expect(await statusOf({ body: { query } })).toBe(401);
    expect(await statusOf({ body: { query: mutation }, headers: reader })).toBe(403);
    expect(await statusOf({ body: { query }, headers: reader })).toBe(200);
  }
});

test('a server that sheds load SHOULD answer 503, with Retry-After', async () => {
  const issuer = 'https://127.0.0.1:1';
  const guarded = await app.startAnother({
    AUTH: 'jwt',
    JWT_ISSUER: issuer,
    JWT_AUDIENCE: 'stockade',
    JWT_JWKS_URL: `${issuer}/keys`,
  });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const token = `${part({ alg: 'RS256', kid: 'a', typ: 'JWT' })}.${part({ iss: issuer })}.AAAA`;
  const headers = { authorization: `Bearer ${token}` };
  const { response } = await exchange({ body: { query }, headers }, guarded.graphqlUrl);
  expect(response.status).toBe(503);
  expect(response.headers.get('retry-after')).toBe('1');
});
