/** The client against a real server: what it sends, when it sends again, and what it says where it gives up. */
import { Redis } from 'ioredis';
import { WebSocket } from 'ws';
import {
  createStockadeClient,
  StockadeError,
  type ClientSettings,
  type DeductStockInput,
} from '../../../client/stockade-client.js';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { newProductId } from '../../support/product-ids.js';
import type { RunningApp } from '../../support/running-app.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { useProxy } from '../../support/use-proxy.js';

interface Request {
  readonly atMs: number;
  readonly operationName: string;
  readonly input: Partial<DeductStockInput>;
  answeredMs?: number;
  answer?: string;
}

const LOCKED = { STOCK_LOCK: 'redis', REDIS_URL: process.env.REDIS_URL ?? '' };
/** Where Redis is slow for a moment, no line passes a lock that a test holds: it fails, and may be sent again. */
const STRICT = { ...LOCKED, LOCK_FALLBACK: 'fail' };

const app = useApp(LOCKED);
const way = useProxy(() => app.graphqlUrl);
let strict: RunningApp;

beforeAll(async () => {
  strict = await app.startAnother(STRICT);
});

/** A client, and what it has sent, in its order. */
function connect(settings: Partial<ClientSettings> = {}) {
  const sent: Request[] = [];
  const client = createStockadeClient({
    url: app.graphqlUrl,
    webSocket: WebSocket,
    fetch: async (url, init) => {
      const { operationName, variables } = JSON.parse(init?.body as string) as {
        operationName: string;
        variables: { input?: Partial<DeductStockInput> };
      };
      const request: Request = {
        atMs: performance.now(),
        operationName,
        input: variables.input ?? {},
      };
      sent.push(request);
      const response = await fetch(url, init);
      request.answer = await response.clone().text();
      request.answeredMs = performance.now();
      return response;
    },
    ...settings,
  });
  return { client, sent };
}

async function failureOf(call: Promise<unknown>): Promise<StockadeError> {
  const error: unknown = await call.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (error instanceof StockadeError) return error;
  throw new Error(`Not a StockadeError: ${String(error)}`);
}

function line(productId: string, quantity = 1) {
  return { productId, quantity };
}

/** Cuts the connection in place of the next answer: the server has done its work then. */
function cutNextAnswer(): void {
  way.proxy.hook('toClient', () => {
    way.proxy.hook('toClient', null);
    return 'cut';
  });
}

test('every operation is a method', async () => {
  const { client } = connect();
  const productId = newProductId();
  const created = await client.createProduct({ id: productId, name: 'Lamp', quantity: 10 });
  expect(created).toMatchObject({ __typename: 'Product', id: productId });
  const place = await client.createLocation({ id: `at-${productId}`, name: 'Attic' });
  expect(place.__typename).toBe('Location');
  await client.deductStock({ items: [line(productId, 2)] });
  await client.increaseStock({ items: [line(productId)] });
  await client.setStock({ productId, quantity: 8, changeFromQuantity: 9 });
  const moved = await client.transferStock({
    productId,
    fromLocationId: 'default',
    toLocationId: `at-${productId}`,
    quantity: 1,
  });
  expect(moved.__typename).toBe('StockTransferred');
  const [held, kept] = [
    await client.reserveStock({ items: [line(productId, 3)] }),
    await client.reserveStock({ items: [line(productId, 1)] }),
  ];
  const [reservationId, otherId] = [held.reservation?.id ?? '', kept.reservation?.id ?? ''];
  expect((await client.commitReservation({ reservationId })).__typename).toBe(
    'ReservationCommitted',
  );
  expect((await client.releaseReservation({ reservationId: otherId })).__typename).toBe(
    'ReservationReleased',
  );
  expect(await client.product({ id: productId })).toMatchObject({ onHand: 5, available: 5 });
  expect(await client.reservation({ id: reservationId })).toMatchObject({ status: 'COMMITTED' });
  expect((await client.locations()).length).toBeGreaterThan(1);
  const page = await client.productsWithLevels({ filter: { ids: [productId] } });
  expect(page.nodes).toMatchObject([{ id: productId, levels: [{}, {}] }]);
});

test('an answer that is cut off is asked for again under the same key, and its effect is one', async () => {
  const { client, sent } = connect({ url: way.proxy.via(app.graphqlUrl) });
  const productId = await app.newProduct(10);
  cutNextAnswer();
  const answer = await client.deductStock({ items: [line(productId, 3)] });
  expect(answer).toMatchObject({ replayed: true, results: [{ index: 0, remaining: 7 }] });
  expect(sent).toHaveLength(2);
  expect(sent[0]?.input.idempotencyKey).toMatch(/^[0-9a-f]{32}$/);
  expect(sent[1]?.input).toEqual(sent[0]?.input);
  expect(await app.shop.onHand(productId)).toBe(7);
});

/** Runs work while another owner has the product's lock, so that lines of the product wait in vain. */
async function whileLocked(
  productId: string,
  work: (release: () => Promise<void>) => Promise<void>,
) {
  const redis = new Redis(process.env.REDIS_URL ?? '');
  const key = `lock:stock:{${productId}}`;
  await redis.set(key, 'another', 'PX', 60_000);
  const release = async () => {
    await redis.del(key);
  };
  try {
    await work(release);
  } finally {
    await release();
    redis.disconnect();
  }
}

/** The answer to a call whose lines of the locked product wait in vain until a second request was sent. */
async function callUntilSecond(
  { client, sent }: ReturnType<typeof connect>,
  held: string,
  input: DeductStockInput,
) {
  let call: ReturnType<typeof client.deductStock> | undefined;
  await whileLocked(held, async (release) => {
    // Long enough for the other products' lines, however busy the machine is.
    call = client.deductStock({ maxWaitMs: 2_000, ...input });
    await until('a second request', () => sent.length > 1);
    await release();
  });
  return call;
}

test('lines that may pass are sent again alone, under a new key, and no earlier than the server says', async () => {
  const [held, free] = [await app.newProduct(10), await app.newProduct(10)];
  const connection = connect({ url: strict.graphqlUrl });
  const answer = await callUntilSecond(connection, held, {
    reference: 'order-1',
    items: [line(held), line(free), line(held, 2)],
  });
  expect(answer).toMatchObject({
    replayed: false,
    results: [
      { __typename: 'DeductedItem', index: 0, productId: held, quantity: 1 },
      { __typename: 'DeductedItem', index: 1, productId: free },
      { __typename: 'DeductedItem', index: 2, productId: held, quantity: 2 },
    ],
  });
  const [first, second] = connection.sent;
  expect(second?.input).toMatchObject({
    reference: 'order-1',
    items: [line(held), line(held, 2)],
  });
  expect(second?.input.idempotencyKey).not.toBe(first?.input.idempotencyKey);
  const told = [...(first?.answer ?? '').matchAll(/"retryAfterMs":(\d+)/g)].map(([, ms]) =>
    Number(ms),
  );
  expect(told).toHaveLength(2);
  // Node's timers count whole milliseconds.
  const waitedMs = (second?.atMs ?? 0) - (first?.answeredMs ?? 0) + 1;
  expect(waitedMs).toBeGreaterThanOrEqual(Math.max(...told));
  expect([await app.shop.onHand(held), await app.shop.onHand(free)]).toEqual([7, 9]);
});

test('under a key of the caller, and in ALL_OR_NOTHING, the whole request is sent again', async () => {
  const [held, other, free] = (await app.shop.newProducts(3, 10)) as [string, string, string];
  const inputs: DeductStockInput[] = [
    { items: [line(held), line(free)], idempotencyKey: `order-${held}` },
    { items: [line(other), line(other, 2)], mode: 'ALL_OR_NOTHING' },
  ];
  for (const input of inputs) {
    const connection = connect({ url: strict.graphqlUrl });
    const answer = await callUntilSecond(connection, input.items[0]?.productId as string, input);
    expect(answer?.results.map(({ __typename }) => __typename)).toEqual([
      'DeductedItem',
      'DeductedItem',
    ]);
    const [first, ...more] = connection.sent.map((request) => request.input);
    expect(more.length).toBeGreaterThan(0);
    for (const again of more) expect(again).toEqual(first);
  }
  const left = [held, other, free].map((id) => app.shop.onHand(id));
  expect(await Promise.all(left)).toEqual([9, 7, 9]);
});

test('what finds the queue full is sent again until it is taken', async () => {
  const small = await app.startAnother({ ...STRICT, LANE_QUEUE_MAX: '1' });
  const productId = await app.newProduct(10);
  const { client, sent } = connect({ url: small.graphqlUrl });
  const calls: ReturnType<typeof client.deductStock>[] = [];
  await whileLocked(productId, async (release) => {
    for (let i = 0; i < 4; i += 1) calls.push(client.deductStock({ items: [line(productId)] }));
    const refused = () => sent.filter(({ answer }) => answer?.includes('OVERLOADED'));
    await until('all but one were refused more than once', () => refused().length > 6);
    await release();
    for (const { results } of await Promise.all(calls)) {
      expect(results).toMatchObject([{ __typename: 'DeductedItem', index: 0 }]);
    }
  });
  expect(await app.shop.onHand(productId)).toBe(6);
});

test('a line that still fails when the time is up is answered with its error', async () => {
  const [held, free] = [await app.newProduct(10), await app.newProduct(10)];
  const answers: string[] = [];
  const { client } = connect({
    url: strict.graphqlUrl,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      const text = await response.text();
      const isFreeDecided = answers.some((answer) => answer.includes('DeductedItem'));
      answers.push(text);
      // The time is up where the pause before the next try would outlast it; here that is no matter of speed.
      const told = isFreeDecided ? text.replace(/(?<="retryAfterMs":)\d+/g, '60000') : text;
      return new Response(told, response);
    },
  });
  await whileLocked(held, async () => {
    const input = { maxWaitMs: 100, items: [line(held), line(free)] };
    const answer = await client.deductStock(input, { deadlineMs: 30_000 });
    expect(answers.length).toBeGreaterThan(1);
    expect(answer.results).toMatchObject([
      { __typename: 'FailedItem', index: 0, error: { retryable: true } },
      { __typename: 'DeductedItem', index: 1 },
    ]);
  });
  expect([await app.shop.onHand(held), await app.shop.onHand(free)]).toEqual([10, 9]);
});

test('what is beyond the rate limit is sent again after the time that the server names', async () => {
  const limited = await app.startAnother({
    RATE_LIMIT_PER_SECOND: '5',
    RATE_LIMIT_BURST: '5',
    REDIS_URL: process.env.REDIS_URL ?? '',
    STOCK_LOCK: 'none',
  });
  const productId = await app.newProduct(30);
  const { client, sent } = connect({ url: limited.graphqlUrl });
  const calls = Array.from({ length: 15 }, () => client.deductStock({ items: [line(productId)] }));
  for (const { results } of await Promise.all(calls)) {
    expect(results).toMatchObject([{ __typename: 'DeductedItem' }]);
  }
  expect(sent.length).toBeGreaterThan(15);
  expect(await app.shop.onHand(productId)).toBe(15);
});

test('without an answer the call rejects at its deadline, and what it sent tells what became of it', async () => {
  const productId = await app.newProduct(10);
  const { client } = connect({ url: way.proxy.via(app.graphqlUrl), retries: { tryMs: 2_000 } });
  way.proxy.hook('toClient', () => 'drop');
  const call = client.deductStock({ items: [line(productId)] }, { deadlineMs: 6_000 });
  const { code, mayHaveApplied, variables } = await failureOf(call);
  expect({ code, mayHaveApplied }).toEqual({ code: 'TIMED_OUT', mayHaveApplied: true });
  const { input } = variables as { input: DeductStockInput };
  expect(await connect().client.deductStock(input)).toMatchObject({
    replayed: true,
    results: [{ remaining: 9 }],
  });
  expect(await app.shop.onHand(productId)).toBe(9);
});

test("the caller's signal ends a call at once, also in a pause", async () => {
  const productId = await app.newProduct(10);
  const { client, sent } = connect({ url: strict.graphqlUrl });
  await whileLocked(productId, async () => {
    const caller = new AbortController();
    const input = { maxWaitMs: 50, mode: 'ALL_OR_NOTHING' as const, items: [line(productId)] };
    const call = client.deductStock(input, { signal: caller.signal, deadlineMs: 60_000 });
    await until('a second request', () => sent.length > 1);
    caller.abort();
    // In a pause the last answer is known.
    const outcome = await call.catch((error: unknown) => error);
    if (outcome instanceof StockadeError) expect(outcome.code).toBe('ABORTED');
    else expect(outcome).toMatchObject({ results: [{ error: { retryable: true } }] });
  });
  const gone = AbortSignal.abort();
  const failure = await failureOf(client.locations({}, { signal: gone }));
  expect(failure).toMatchObject({ code: 'ABORTED' });
});

/** The code of a line that waits in vain; the second one where Redis is slow at that moment. */
const FAILED_LOCK = expect.stringMatching(/^(LOCK_TIMEOUT|UNAVAILABLE)$/) as string;

const OWN_DEDUCTION = `mutation ($input: DeductStockInput!) {
  deductStock(input: $input) {
    mine: replayed
    results { ... on DeductedItem { remaining } ... on FailedItem { error { code retryable } } }
  }
}`;

test("a mutation of the caller's own is sent again only under a key of the caller", async () => {
  const { client, sent } = connect({ url: way.proxy.via(app.graphqlUrl) });
  const productId = await app.newProduct(10);
  const input = { items: [line(productId, 3)] };
  cutNextAnswer();
  expect(await failureOf(client.run(OWN_DEDUCTION, { input }))).toMatchObject({
    code: 'NETWORK',
    mayHaveApplied: true,
    variables: { input },
  });
  expect(sent).toHaveLength(1);
  expect(await app.shop.onHand(productId)).toBe(7);

  cutNextAnswer();
  const keyed = { ...input, idempotencyKey: `own-${productId}` };
  expect(await client.run(OWN_DEDUCTION, { input: keyed })).toEqual({
    deductStock: { mine: true, results: [{ remaining: 4 }] },
  });
  cutNextAnswer();
  expect(await client.run('{ locations { id } }', {})).toMatchObject({ locations: [{}, {}] });
  expect(sent).toHaveLength(5);
});

test("an operation of the caller's own resolves with its answer as it came, failed lines included", async () => {
  const [held, free] = [await app.newProduct(10), await app.newProduct(10)];
  const { client, sent } = connect({ url: strict.graphqlUrl });
  await whileLocked(held, async () => {
    const input = { maxWaitMs: 2_000, items: [line(free), line(held)] };
    expect(await client.run(OWN_DEDUCTION, { input })).toEqual({
      deductStock: {
        mine: false,
        results: [{ remaining: 9 }, { error: { code: FAILED_LOCK, retryable: true } }],
      },
    });
  });
  expect(sent).toHaveLength(1);
});

test('a refusal that does not pass is sent once', async () => {
  const guarded = await app.startAnother({ AUTH: 'keys' });
  const key = await newApiKey(app.database, 'reader', ['read']);
  const { client, sent } = connect({ url: guarded.graphqlUrl, credential: () => key });
  expect(await client.product({ id: 'none' })).toBeNull();
  const input = { items: [line(await app.newProduct(1))] };
  expect(await failureOf(client.deductStock(input))).toMatchObject({
    code: 'FORBIDDEN',
    status: 403,
    retryable: false,
    mayHaveApplied: false,
  });
  expect(sent).toHaveLength(2);
  const own = createStockadeClient({ url: guarded.graphqlUrl, headers: bearer(key) });
  expect(await own.run('{ locations { id } }', {})).toMatchObject({
    locations: [{ id: 'default' }, {}],
  });
});
