/** Ids in place of texts, trusted and automatic, over every way that serves an operation. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { print } from 'graphql';
import { createStockadeClient } from '../../../client/stockade-client.js';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { post, type GraphqlResponse } from '../../support/graphql-client.js';
import type { RunningApp } from '../../support/running-app.js';
import type { ServerProcess } from '../../support/server-process.js';
import { Shop } from '../../support/shop.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { startWatching, stopWatchers, watch } from '../../support/watcher.js';
import { LocationsDocument } from '../../generated/operations.js';

interface Manifest {
  readonly operations: readonly {
    readonly id: string;
    readonly name: string;
    readonly body: string;
  }[];
}

const MANIFEST = 'schema/trusted-documents.json';
const { operations } = JSON.parse(readFileSync(MANIFEST, 'utf8')) as Manifest;
const LOCATIONS = operations.find(({ name }) => name === 'Locations') ?? { id: '', body: '' };
const UNKNOWN = '{ locations { isDefault } }';
const REFUSED = [{ extensions: { code: 'QUERY_NOT_IN_SAFELIST' } }];
const NOT_FOUND = [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }];

const app = useApp();
let folder: string;
let trusting: RunningApp;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'stockade-manifest-'));
  trusting = await app.startAnother({ TRUSTED_DOCUMENTS: MANIFEST });
});

afterEach(stopWatchers);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  readonly locations?: readonly unknown[];
}

function send(url: string, body: object, headers: Record<string, string> = {}) {
  return post<Answer>(url, JSON.stringify(body), { headers });
}

async function get(url: string, search: Record<string, string>) {
  const asked = await fetch(`${url}?${new URLSearchParams(search).toString()}`, {
    headers: { 'apollo-require-preflight': 'true' },
  });
  return (await asked.json()) as GraphqlResponse<Answer>;
}

function persisted(sha256Hash: string): object {
  return { persistedQuery: { version: 1, sha256Hash } };
}

/** The second media type is not of the short way. */
const ACCEPTS = ['application/json', 'application/graphql-response+json'];

test.each(ACCEPTS)(
  'an operation of the manifest is served by id and by text; accept: %s',
  async (accept) => {
    const { id, body } = LOCATIONS;
    const forms = [
      { extensions: persisted(id) },
      { query: body },
      { query: `# As another client prints it.\n${body.replaceAll(/\s+/g, '  ')}` },
    ];
    for (const form of [...forms, ...forms]) {
      const { status, data } = await send(trusting.graphqlUrl, form, { accept });
      expect({ status, data }).toMatchObject({ status: 200, data: { locations: [{}] } });
    }
  },
);

test.each(ACCEPTS)('no other text and no other id is served; accept: %s', async (accept) => {
  const texts = [UNKNOWN, '{ __schema { queryType { name } } }', '{ locations', LOCATIONS.id];
  for (const query of [...texts, ...texts]) {
    const { status, errors, data } = await send(trusting.graphqlUrl, { query }, { accept });
    const refused = accept === 'application/json' ? 400 : 422;
    expect({ status, errors, data }).toMatchObject({ status: refused, errors: REFUSED });
    expect(data).toBeUndefined();
  }
  for (const form of [{ extensions: persisted('none') }]) {
    expect((await send(trusting.graphqlUrl, form, { accept })).errors).toMatchObject(NOT_FOUND);
  }
});

test('a text that is sent with its hash is not remembered where documents are trusted', async () => {
  const hash = createHash('sha256').update(UNKNOWN).digest('hex');
  const both = { query: UNKNOWN, extensions: persisted(hash) };
  expect((await send(trusting.graphqlUrl, both)).errors).toMatchObject(REFUSED);
  const alone = { extensions: persisted(hash) };
  expect((await send(trusting.graphqlUrl, alone)).errors).toMatchObject(NOT_FOUND);
});

test('a GET is held to the manifest, too', async () => {
  const { id, body: query } = LOCATIONS;
  const { graphqlUrl } = trusting;
  expect((await get(graphqlUrl, { query })).data).toMatchObject({ locations: [{}] });
  const extensions = JSON.stringify(persisted(id));
  expect((await get(graphqlUrl, { extensions })).data).toMatchObject({ locations: [{}] });
});

test('what is wrong with a foreign text is told by no way, so that the schema cannot be probed', async () => {
  const { graphqlUrl } = trusting;
  for (const query of [
    UNKNOWN,
    '{ locations { nam } }',
    '{ locations',
    '{ products(first: "x") }',
  ]) {
    const posted = await send(graphqlUrl, { query });
    expect(posted.errors).toMatchObject(REFUSED);
    expect((await get(graphqlUrl, { query })).errors).toEqual(posted.errors);
  }
});

test('a WebSocket serves the subscriptions of the manifest alone', async () => {
  const productId = await app.newProduct(5);
  const watcher = await startWatching(trusting.graphqlUrl, {
    variables: { productIds: [productId] },
  });
  const client = createStockadeClient({ url: trusting.graphqlUrl });
  await client.deductStock({ items: [{ productId, quantity: 1 }] });
  await until('the change', () => watcher.changes().length === 1);
  const other = watch(trusting.graphqlUrl, {
    document: 'subscription { stockChanged { __typename } }',
  });
  await until('the refusal', () => other.ended);
  expect(other.faults).toMatchObject(REFUSED);
});

test('an operation that the process itself has run is refused to clients all the same', async () => {
  const { ask, graphqlUrl } = await app.startAnother({ TRUSTED_DOCUMENTS: emptyManifest() });
  for (let i = 0; i < 3; i += 1) {
    expect((await ask.resolvers(LocationsDocument, {})).data).toMatchObject({ locations: [{}] });
    const { errors } = await send(graphqlUrl, { query: print(LocationsDocument) });
    expect(errors).toMatchObject(REFUSED);
  }
});

function emptyManifest(): string {
  const file = join(folder, 'empty.json');
  const manifest = { format: 'apollo-persisted-query-manifest', version: 1, operations: [] };
  writeFileSync(file, JSON.stringify(manifest));
  return file;
}

test('credentials and scopes are checked before and after the manifest', async () => {
  const guarded = await app.startAnother({ TRUSTED_DOCUMENTS: MANIFEST, AUTH: 'keys' });
  const reader = bearer(await newApiKey(app.database, 'reader', ['read']));
  expect((await send(guarded.graphqlUrl, { query: UNKNOWN })).status).toBe(401);
  expect((await send(guarded.graphqlUrl, { query: UNKNOWN }, reader)).status).toBe(400);
  const deduct = operations.find(({ name }) => name === 'DeductStock') ?? { id: '' };
  const variables = { input: { items: [{ productId: 'none', quantity: 1 }] } };
  for (let i = 0; i < 3; i += 1) {
    const body = { extensions: persisted(deduct.id), variables };
    expect((await send(guarded.graphqlUrl, body, reader)).status).toBe(403);
    expect(
      (await send(guarded.graphqlUrl, { extensions: persisted(LOCATIONS.id) }, reader)).status,
    ).toBe(200);
  }
});

test("the manifest that is emitted serves every operation of Stockade's client", async () => {
  const { id } = { id: await app.newProduct(5) };
  const client = createStockadeClient({ url: trusting.graphqlUrl });
  const items = [{ productId: id, quantity: 1 }];
  await client.increaseStock({ items });
  await client.setStock({ productId: id, quantity: 9, changeFromQuantity: 6 });
  const { reservation } = await client.reserveStock({ items });
  await client.commitReservation({ reservationId: reservation?.id ?? '' });
  await client.reservations({ first: 1 });
  await client.stockMovements({ first: 1 });
  await client.products({ first: 1 });
  expect(await client.product({ id })).toMatchObject({ onHand: 8 });
});

test.each([
  ['no JSON', 'must be JSON', 'operations'],
  ['another format', 'must have the format', '{"format":"other","version":1,"operations":[]}'],
  [
    'an operation that does not parse',
    'number 0',
    '{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","body":"\\""}]}',
  ],
])('a server does not start on a manifest with %s', async (_, message, text) => {
  const file = join(folder, 'wrong.json');
  writeFileSync(file, text);
  await expect(app.startAnother({ TRUSTED_DOCUMENTS: file })).rejects.toThrow(message);
});

test('without a manifest a text is remembered by its hash, and served by the hash alone', async () => {
  const query = '{ locations { id name } }';
  const hash = createHash('sha256').update(query).digest('hex');
  const alone = { extensions: persisted(hash) };
  expect((await send(app.graphqlUrl, alone)).errors).toMatchObject(NOT_FOUND);
  const first = await send(app.graphqlUrl, { ...alone, query });
  expect(first.data).toMatchObject({ locations: [{}] });
  for (const form of [alone, alone, alone]) {
    expect((await send(app.graphqlUrl, form)).data).toEqual(first.data);
  }
  const extensions = JSON.stringify(persisted(hash));
  expect((await get(app.graphqlUrl, { extensions })).data).toEqual(first.data);
  const wrong = await send(app.graphqlUrl, { query: UNKNOWN, extensions: persisted(hash) });
  expect(wrong.errors).toMatchObject([{ message: 'provided sha does not match query' }]);
});

describe('where the console is served', () => {
  const { operations: ofConsole } = JSON.parse(
    readFileSync('dist/console/documents.json', 'utf8'),
  ) as Manifest;
  const fleets = ofConsole.filter(({ name }) => name === 'ConsoleFleet');
  let shop: Shop;
  let serving: ServerProcess;
  let bare: ServerProcess;

  beforeAll(async () => {
    shop = await Shop.open();
    [serving, bare] = (await Promise.all(
      ['true', 'false'].map((CONSOLE) =>
        shop.startServer('redis', { TRUSTED_DOCUMENTS: MANIFEST, CONSOLE }),
      ),
    )) as [ServerProcess, ServerProcess];
  });

  afterAll(async () => {
    await Promise.all([serving.stop(), bare.stop()]);
    await shop.close();
  });

  test('the console may ask what it asks, by text and by id, and no other text is served', async () => {
    // The text as it is, and with the names of types that the console's cache adds.
    expect(fleets).toHaveLength(2);
    for (const { id, body } of fleets) {
      for (const form of [{ query: body }, { extensions: persisted(id) }]) {
        const { data, errors } = await send(serving.graphqlUrl, form);
        expect({ data, errors }).toMatchObject({ data: { fleet: {} }, errors: undefined });
      }
    }
    const own = await send(serving.graphqlUrl, { query: LOCATIONS.body });
    expect(own.data).toMatchObject({ locations: [{}] });
    for (const query of [UNKNOWN, '{ fleet { at } }', '{ __schema { queryType { name } } }']) {
      expect(await send(serving.graphqlUrl, { query })).toMatchObject({ errors: REFUSED });
    }
  });

  test('a server without the console refuses the operations of the console', async () => {
    for (const query of [UNKNOWN, ...fleets.map(({ body }) => body)]) {
      expect(await send(bare.graphqlUrl, { query })).toMatchObject({ errors: REFUSED });
    }
    for (const { id } of fleets) {
      const answer = await send(bare.graphqlUrl, { extensions: persisted(id) });
      expect(answer).toMatchObject({ errors: NOT_FOUND });
    }
  });
});
