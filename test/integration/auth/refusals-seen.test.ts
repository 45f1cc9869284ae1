/**
 * What is refused is seen: a line in the log and a count by kind, without the credential. And a caller that may not
 * come in is refused before its body is looked at.
 */
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from 'ws';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { post } from '../../support/graphql-client.js';
import { BODY } from '../../support/http-exchange.js';
import { AUDIENCE, ISSUER, KeyServer, newSigningKey, sign } from '../../support/key-server.js';
import { faultOf, type LogLine } from '../../support/running-app.js';
import { startServer } from '../../support/server-process.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { webSocketUrl } from '../../support/watcher.js';
import { FAILURES_MAX } from '../../support/answering-authenticator.js';

const DEDUCT = JSON.stringify({
  query: 'mutation { deductStock(input: { items: [] }) { replayed } }',
});
const LIMITED = {
  REDIS_URL: givenUrl('REDIS_URL'),
  RATE_LIMIT_PER_SECOND: '5',
  RATE_LIMIT_BURST: '0',
};

const app = useApp({ NODE_ENV: 'production', AUTH: 'keys', ...LIMITED });

type Refused = LogLine & Readonly<Record<string, unknown>>;

function linesOf(kind: string): Refused[] {
  return (app.logged as Refused[]).filter((line) => line.kind === kind);
}

async function countOf(kind: string, origin = app.origin): Promise<number> {
  const page = await (await fetch(`${origin}/metrics`)).text();
  const line = page.split('\n').find((l) => l.startsWith(`stockade_refusals_total{kind="${kind}"`));
  return Number(line?.split(' ')[1]);
}

test('refused credentials, scopes, rates, origins and forms leave lines and counts, and no credential', async () => {
  const ask = (key: string, body = BODY) => post(app.graphqlUrl, body, { headers: bearer(key) });
  const reader = await newApiKey(app.database, 'reader', ['read']);
  const guess = `stockade_${'0'.repeat(12)}.${'B'.repeat(43)}`;
  for (let i = 0; i <= FAILURES_MAX; i += 1) await ask(guess);
  expect(faultOf(await ask(reader, DEDUCT))).toBe('FORBIDDEN');
  await Promise.all(Array.from({ length: 100 }, () => ask(reader)));
  await until('the end of the second', async () => (await ask(reader)).status === 200);
  expect((await ask(reader, '{"query": "{ nonsense"}')).status).toBe(400);
  const socket = new WebSocket(webSocketUrl(app.graphqlUrl), ['graphql-transport-ws'], {
    headers: { origin: 'https://evil.example' },
  });
  await new Promise((resolve) => socket.once('error', resolve));

  const address = '127.0.0.1';
  expect(linesOf('credential')[0]).toMatchObject({ level: 30, address });
  expect(linesOf('failure-limit')[0]).toMatchObject({ level: 30, address });
  expect(linesOf('scope')[0]).toMatchObject({ level: 30, address, principal: 'reader' });
  expect(linesOf('rate-limit')[0]).toMatchObject({ level: 30, address, principal: 'reader' });
  expect(linesOf('origin')[0]).toMatchObject({ level: 30, address });
  expect(linesOf('credential').length).toBeLessThan(FAILURES_MAX);
  expect(await countOf('credential')).toBe(FAILURES_MAX);
  for (const kind of ['failure-limit', 'scope', 'rate-limit', 'origin', 'form']) {
    expect([kind, await countOf(kind)]).toEqual([kind, expect.any(Number)]);
    expect(await countOf(kind)).toBeGreaterThan(0);
  }
  const log = JSON.stringify(app.logged);
  for (const credential of [guess, reader]) expect(log).not.toContain(credential.split('.')[1]);
});

test.each([
  ['no JSON', '['.repeat(100_000), {}],
  ['a body that is too large', 'x'.repeat(200_000), {}],
  ['another type', 'text', { 'content-type': 'text/plain' }],
])('without a credential %s is 401, and with one it is what it is', async (_, body, type) => {
  const other = await app.startAnother({
    NODE_ENV: 'production',
    AUTH: 'keys',
    REDIS_URL: LIMITED.REDIS_URL,
  });
  const refused = await post(other.graphqlUrl, body, { headers: type });
  expect([refused.status, faultOf(refused)]).toEqual([401, 'UNAUTHENTICATED']);
  expect(refused.headers['www-authenticate']).toBe('Bearer realm="stockade"');
  expect(refused.headers['x-request-id']).toMatch(/^[\w-]+$/);
  const headers = { ...bearer(await newApiKey(app.database, 'reader', ['read'])), ...type };
  const admitted = await post(other.graphqlUrl, body, { headers });
  expect(admitted.status).toBeGreaterThanOrEqual(400);
  expect(faultOf(admitted)).toBe('BAD_REQUEST');
  await other.stop();
});

test('a write that finds the queue of its product full is seen with its principal', async () => {
  const { REDIS_URL } = LIMITED;
  const env = { NODE_ENV: 'production', AUTH: 'keys', REDIS_URL, LANE_QUEUE_MAX: '1' };
  const small = await app.startAnother(env);
  const staff = await newApiKey(app.database, 'staff', ['read', 'deduct', 'manage']);
  const ask = (query: string) =>
    post(small.graphqlUrl, JSON.stringify({ query }), { headers: bearer(staff) });
  await ask(
    'mutation { createProduct(input: { id: "hot", name: "Hot", quantity: 99 }) { __typename } }',
  );
  const take = `mutation { deductStock(input: { items: [{ productId: "hot", quantity: 1 }] }) {
    results { ... on FailedItem { error { code } } } } }`;
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(take)));
  const overloaded = answers.filter((answer) => JSON.stringify(answer).includes('OVERLOADED'));
  expect(overloaded.length).toBeGreaterThan(0);
  expect(await countOf('overload', small.origin)).toBe(overloaded.length);
  const [line] = (small.logged as Refused[]).filter(({ kind }) => kind === 'overload');
  expect(line).toMatchObject({ level: 30, principal: 'staff' });
  await small.stop();
});

test('what is no HTTP is counted as a refused form', async () => {
  const before = await countOf('form');
  const socket = connect(Number(new URL(app.origin).port), '127.0.0.1');
  socket.end('nonsense\r\n\r\n');
  await once(socket.resume(), 'close');
  expect(await countOf('form')).toBe(before + 1);
});

test('the log says why a token was refused, which the client is not told, and has not the token', async () => {
  const issuerKey = await newSigningKey('ES256', 'es-1');
  const keyServer = await KeyServer.start([issuerKey]);
  const other = await app.startAnother({
    NODE_ENV: 'production',
    AUTH: 'jwt',
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URL: keyServer.url,
    REDIS_URL: LIMITED.REDIS_URL,
  });
  const token = await sign(issuerKey, { aud: 'warehouse' });
  const answer = await post(other.graphqlUrl, BODY, { headers: bearer(token) });
  expect([answer.status, JSON.stringify(answer.errors)]).toEqual([
    401,
    expect.not.stringContaining('aud'),
  ]);
  const [line] = (other.logged as Refused[]).filter(({ kind }) => kind === 'credential');
  expect(line).toMatchObject({ reason: expect.stringContaining('"aud"') as string });
  for (const part of token.split('.')) expect(JSON.stringify(other.logged)).not.toContain(part);
  await other.stop();
  await keyServer.stop();
});

test('a password of Redis is in no line of the log', async () => {
  const url = new URL(LIMITED.REDIS_URL);
  url.username = 'stranger';
  url.password = 's3cret-of-redis';
  const env = { ...LIMITED, MYSQL_URL: app.database.url, REDIS_URL: url.href, LOG_LEVEL: 'trace' };
  const serving = await startServer({ ...env, STOCK_LOCK: 'none' });
  await post(serving.graphqlUrl, BODY);
  await serving.stop();
  expect(serving.output()).toContain('Redis refuses the password');
  expect(serving.output()).not.toContain('s3cret');
  const failing = startServer({ ...env, STOCK_LOCK: 'redis' });
  await expect(failing).rejects.toThrow(/Redis refuses the password/);
  await expect(failing).rejects.not.toThrow(/s3cret/);
});
