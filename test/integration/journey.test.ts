/** Why a number is so: the journey of an id of each kind, asked over HTTP of what requests have left. */
import {
  JourneyDocument,
  type JourneyQuery,
  type JourneyQueryVariables,
} from '../generated/operations.js';
import type { Scope } from '../../src/auth/principal.js';
import { bearer, newApiKey } from '../support/api-keys.js';
import { post, send, type GraphqlResponse } from '../support/graphql-client.js';
import { useApp } from '../support/use-app.js';

const app = useApp({ AUTH: 'keys' });
const SCOPES: readonly Scope[] = ['read', 'deduct', 'manage'];

let headers: Record<string, string>;
let sequence = 0;

beforeAll(async () => {
  headers = bearer(await newApiKey(app.database, 'staff', SCOPES));
});

function newId(of: string): string {
  sequence += 1;
  return `${of}-${sequence}`;
}

type Journey = JourneyQuery['journey'];

function ask(variables: JourneyQueryVariables): Promise<GraphqlResponse<JourneyQuery>> {
  return send(app.graphqlUrl, JourneyDocument, variables, { headers });
}

async function journeyOf(id: string, more: Partial<JourneyQueryVariables> = {}): Promise<Journey> {
  const { data, errors } = await ask({ id, ...more });
  expect(errors).toBeUndefined();
  if (!data) throw new Error('No journey.');
  return data.journey;
}

async function mutate(text: string): Promise<Record<string, Record<string, never>>> {
  const body = JSON.stringify({ query: `mutation { ${text} }` });
  const { data, errors } = await post<Record<string, Record<string, never>>>(app.graphqlUrl, body, {
    headers,
  });
  expect(errors).toBeUndefined();
  return data ?? {};
}

function deduct(productId: string, more = ''): Promise<unknown> {
  const items = `items: [{ productId: "${productId}", quantity: 1 }]`;
  return mutate(`deductStock(input: { ${items} ${more} }) { successfulItems { index } }`);
}

async function newProduct(quantity: number): Promise<string> {
  const id = newId('journey');
  const input = `{ id: "${id}", name: "Journey", quantity: ${quantity} }`;
  await mutate(`createProduct(input: ${input}) { __typename }`);
  return id;
}

const movementsOf = ({ lines }: Journey) => lines.edges.map(({ node }) => node.movement);

test('a product has its lines, newest first and page by page, with their requests and batches', async () => {
  const id = await newProduct(10);
  for (let i = 0; i < 3; i += 1) await deduct(id, `reference: "${newId('order')}"`);
  const journey = await journeyOf(id);
  expect(journey.kinds).toEqual(['PRODUCT']);
  expect(journey.events.map(({ kind }) => kind)).toEqual(['PRODUCT_CREATED']);
  expect(movementsOf(journey).map((line) => [line.sequence, line.principal])).toEqual([
    [4, 'staff'],
    [3, 'staff'],
    [2, 'staff'],
    [1, null],
  ]);
  const requests = new Set(journey.lines.edges.map(({ node }) => node.operationId));
  expect(requests.size).toBe(4);
  const first = await journeyOf(id, { first: 3 });
  expect(first.lines.pageInfo.hasNextPage).toBe(true);
  const rest = await journeyOf(id, { first: 3, after: first.lines.pageInfo.endCursor });
  expect([...movementsOf(first), ...movementsOf(rest)]).toEqual(movementsOf(journey));
});

test('lines of requests that waited together have one batch, with its number of lines', async () => {
  const id = await newProduct(100);
  await Promise.all(Array.from({ length: 60 }, () => deduct(id)));
  const { lines } = await journeyOf(id, { first: 60 });
  const batches = new Map<string, { told: number; counted: number }>();
  for (const { node } of lines.edges) {
    const counted = (batches.get(node.batch.id)?.counted ?? 0) + 1;
    batches.set(node.batch.id, { told: node.batch.lines, counted });
  }
  expect(batches.size).toBeLessThan(60);
  for (const { told, counted } of batches.values()) expect(told).toBe(counted);
});

test('a line tells when it was asked for and how long it waited', async () => {
  const id = await newProduct(100);
  const beganMs = Date.now();
  await Promise.all(Array.from({ length: 60 }, () => deduct(id)));
  const endedMs = Date.now();
  const { lines } = await journeyOf(id, { first: 61 });
  const nodes = lines.edges.map(({ node }) => node);
  const created = nodes.pop();
  expect(created).toMatchObject({ askedAt: null, waitedMs: null });
  expect(nodes).toHaveLength(60);
  for (const { askedAt, waitedMs, movement } of nodes) {
    const askedMs = Date.parse(askedAt ?? '');
    expect(Date.parse(movement.createdAt) - askedMs).toBe(waitedMs);
    // The clocks of the database and of this process are the machine's.
    expect(askedMs).toBeGreaterThanOrEqual(beganMs - 1);
    expect(askedMs).toBeLessThanOrEqual(endedMs);
  }
  // Those of the second transaction waited for the first one.
  expect(Math.max(...nodes.map(({ waitedMs }) => waitedMs ?? 0))).toBeGreaterThan(0);
});

test('a movement, a reference and an idempotency key lead to the request', async () => {
  const id = await newProduct(10);
  const [key, reference] = [newId('key'), newId('order')];
  await deduct(id, `idempotencyKey: "${key}", reference: "${reference}"`);
  const own = await journeyOf(`${id}/default/2`);
  expect(own.kinds).toEqual(['MOVEMENT']);
  expect(movementsOf(own)).toMatchObject([{ idempotencyKey: key, reference, principal: 'staff' }]);
  const byReference = await journeyOf(reference);
  expect(byReference.kinds).toEqual(['REFERENCE']);
  expect(byReference.lines).toEqual(own.lines);
  const byKey = await journeyOf(key);
  expect(byKey.kinds).toEqual(['IDEMPOTENCY_KEY']);
  expect(byKey.lines).toEqual(own.lines);
  expect(byKey.events).toMatchObject([{ kind: 'ANSWERED', principal: 'staff' }]);
  expect(byKey.events[0]?.text).toContain('1 × applied');
});

test('a refusal under an idempotency key has no line, and is told all the same', async () => {
  const id = await newProduct(0);
  const key = newId('key');
  await deduct(id, `idempotencyKey: "${key}"`);
  const journey = await journeyOf(key);
  expect(journey.lines.edges).toEqual([]);
  expect(journey.events[0]?.text).toContain('1 × INSUFFICIENT_STOCK');
});

test('a count that expected less than nothing is told as any other', async () => {
  const id = await newProduct(5);
  const key = newId('key');
  const input = `{ productId: "${id}", quantity: 1, changeFromQuantity: -1, idempotencyKey: "${key}" }`;
  await mutate(`setStock(input: ${input}) { __typename }`);
  expect((await journeyOf(key)).events[0]?.text).toContain('1 × STALE_QUANTITY');
});

test('the key of a principal with a JWT is found with the name of that principal', async () => {
  const id = await newProduct(5);
  const key = newId('key');
  await app.restart({});
  await deduct(id, `idempotencyKey: "${key}"`);
  expect((await journeyOf(key)).kinds).toEqual(['IDEMPOTENCY_KEY']);
  expect((await journeyOf(key, { principal: 'jwt:someone' })).kinds).toEqual(['IDEMPOTENCY_KEY']);
  await app.restart({ AUTH: 'keys' });
  expect((await journeyOf(key)).events).toMatchObject([{ kind: 'ANSWERED', principal: null }]);
});

test('a reservation is told from its hold to its end', async () => {
  const id = await newProduct(10);
  const reserve = async (reference: string): Promise<string> => {
    const input = `{ items: [{ productId: "${id}", quantity: 2 }], reference: "${reference}" }`;
    const answer = await mutate(`reserveStock(input: ${input}) { reservation { id } }`);
    return (answer.reserveStock?.reservation as unknown as { id: string }).id;
  };
  const cart = newId('cart');
  const committed = await reserve(cart);
  await mutate(`commitReservation(input: { reservationId: "${committed}" }) { __typename }`);
  const journey = await journeyOf(committed);
  expect(journey.kinds).toEqual(['RESERVATION']);
  const kinds = journey.events.map(({ kind }) => kind);
  expect(kinds.sort()).toEqual(['RESERVATION_COMMITTED', 'RESERVED']);
  expect(journey.events.every(({ at }) => at !== null)).toBe(true);
  expect(movementsOf(journey)).toMatchObject([{ kind: 'RESERVATION_COMMIT', delta: -2 }]);
  const released = await reserve(cart);
  await mutate(`releaseReservation(input: { reservationId: "${released}" }) { __typename }`);
  expect((await journeyOf(released)).events).toMatchObject([
    { kind: 'RESERVED', principal: 'staff' },
    { kind: 'RESERVATION_RELEASED', at: null },
  ]);
  const ofCart = await journeyOf(cart);
  expect(ofCart.kinds).toEqual(['REFERENCE']);
  expect(new Set(ofCart.events.map(({ reservationId }) => reservationId))).toEqual(
    new Set([committed, released]),
  );
});

test('a principal and a location have their newest lines', async () => {
  const id = await newProduct(10);
  await deduct(id);
  const staff = await journeyOf('staff');
  expect(staff.kinds).toEqual(['PRINCIPAL']);
  expect(movementsOf(staff)[0]).toMatchObject({ productId: id, principal: 'staff' });
  const place = await journeyOf('default');
  expect(place.kinds).toEqual(['LOCATION']);
  expect(movementsOf(place)[0]).toMatchObject({ productId: id, locationId: 'default' });
});

test('one text may name several things', async () => {
  const id = await newProduct(10);
  const other = await newProduct(10);
  await deduct(other, `reference: "${id}", idempotencyKey: "${id}"`);
  const journey = await journeyOf(id);
  expect(journey.kinds).toEqual(['PRODUCT', 'REFERENCE', 'IDEMPOTENCY_KEY']);
  expect(new Set(movementsOf(journey).map(({ productId }) => productId))).toEqual(
    new Set([id, other]),
  );
});

test.each([
  ['unknown', 'nothing-has-this-id'],
  ['with quotes', `' OR 1=1 -- "x" \`y\` \\`],
  ['in Unicode', '注文 😀 ñ'],
  ['like a movement of nothing', 'a/b/1'],
  ['with a NUL', 'a\u0000b'],
  ['of 255 characters', 'é'.repeat(255)],
  ['with placeholders', 'a ? :id ?? %s $1'],
])('an id %s is not known, and that is an answer', async (_what, id) => {
  const journey = await journeyOf(id);
  expect(journey).toMatchObject({ id, kinds: [], events: [], lines: { edges: [] } });
});

test.each([
  ['empty', { id: '' }],
  ['too long', { id: 'x'.repeat(256) }],
  ['half a surrogate pair', { id: 'a\ud800' }],
  ['with a cursor of something else', { id: 'default', after: 'nonsense' }],
  ['with a page that is too large', { id: 'default', first: 101 }],
  ['with the name of a principal that is too long', { id: 'a', principal: 'x'.repeat(256) }],
])('an id that is %s is refused as BAD_USER_INPUT', async (_what, variables) => {
  const { errors } = await ask(variables);
  expect(errors?.map(({ extensions }) => extensions?.code)).toEqual(['BAD_USER_INPUT']);
});

test('a key without the scope manage is refused', async () => {
  const reader = bearer(await newApiKey(app.database, 'reader', ['read', 'deduct']));
  const answer = await send(
    app.graphqlUrl,
    JourneyDocument,
    { id: 'default' },
    { headers: reader },
  );
  expect(answer.errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
});
