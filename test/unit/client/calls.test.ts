/** What a call does with answers and faults that a real server seldom gives, by a `fetch` of the test's own. */
import {
  createStockadeClient,
  StockadeError,
  type ClientSettings,
} from '../../../client/stockade-client.js';

const VIEWER = '{ viewer { name } }';
const URL = 'http://127.0.0.1:1/graphql';

/** A client whose requests get these answers, one after the other. */
function connect(answers: readonly Response[], settings: Partial<ClientSettings> = {}) {
  const sent: unknown[] = [];
  const fetch = (_: unknown, init?: RequestInit) => {
    const answer = answers[sent.length];
    sent.push(init?.body);
    return answer ? Promise.resolve(answer) : Promise.reject(new Error('No answer is left.'));
  };
  const retries = { firstMs: 1, maxMs: 1 };
  return { client: createStockadeClient({ url: URL, fetch, retries, ...settings }), sent };
}

function answered(): Response {
  return Response.json({ data: { viewer: { name: 'me' } } });
}

function refused(status: number, code: string): Response {
  return Response.json({ errors: [{ message: 'No.', extensions: { code } }] }, { status });
}

async function failureOf(call: Promise<unknown>): Promise<StockadeError> {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (error instanceof StockadeError) return error;
  throw new Error(`Not a StockadeError: ${String(error)}`);
}

test('a request that did not arrive in time is sent again, also a mutation without a key', async () => {
  const { client, sent } = connect([refused(408, 'BAD_REQUEST'), answered()]);
  expect(await client.run('mutation { viewer { name } }', {})).toEqual({ viewer: { name: 'me' } });
  expect(sent).toHaveLength(2);
});

test('another request that is not understood is sent once', async () => {
  const { client, sent } = connect([refused(400, 'BAD_REQUEST'), answered()]);
  expect(await failureOf(client.run(VIEWER, {}))).toMatchObject({ code: 'BAD_REQUEST' });
  expect(sent).toHaveLength(1);
});

test('a credential that cannot be had ends the call with its cause, and nothing is sent', async () => {
  const cause = new Error('The vault is closed.');
  const { client, sent } = connect([answered()], { credential: () => Promise.reject(cause) });
  expect(await failureOf(client.run(VIEWER, {}))).toMatchObject({
    code: 'NOT_SENT',
    retryable: false,
    mayHaveApplied: false,
    cause,
  });
  expect(sent).toEqual([]);
});

test('a credential that does not come holds a call neither beyond its deadline nor beyond its signal', async () => {
  const { client, sent } = connect([answered()], {
    credential: () => new Promise(() => undefined),
  });
  expect(await failureOf(client.run(VIEWER, {}, { deadlineMs: 50 }))).toMatchObject({
    code: 'TIMED_OUT',
    mayHaveApplied: false,
  });
  const caller = new AbortController();
  const call = failureOf(client.run(VIEWER, {}, { signal: caller.signal }));
  caller.abort();
  expect(await call).toMatchObject({ code: 'ABORTED', mayHaveApplied: false });
  expect(sent).toEqual([]);
});

test.each<[string, Partial<ClientSettings>, object]>([
  ['variables without a JSON form', {}, { id: 1n }],
  ['a URL that is none', { url: 'http://' }, {}],
  ['a header that cannot be sent', { headers: { 'x-name': 'two\nlines' } }, {}],
])('%s is refused at once', async (_, settings, variables) => {
  const { client } = connect([], { fetch: undefined, ...settings });
  expect(await failureOf(client.run(VIEWER, variables))).toMatchObject({
    code: 'NOT_SENT',
    retryable: false,
    mayHaveApplied: false,
  });
});

test('a call whose signal is aborted already sends nothing and has applied nothing', async () => {
  const { client, sent } = connect([answered()]);
  const input = { items: [{ productId: 'lamp', quantity: 1 }] };
  const call = client.deductStock(input, { signal: AbortSignal.abort() });
  expect(await failureOf(call)).toMatchObject({ code: 'ABORTED', mayHaveApplied: false });
  expect(sent).toEqual([]);
});
