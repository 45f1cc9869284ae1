/**
 * Clients that share an address with clients whose credentials are refused: a valid credential is served, guesses are
 * few, and one client has one address however its proxies write it.
 */
import { apiKeysOf, bearer, newApiKey, prefixOf } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { post } from '../../support/graphql-client.js';
import { heldOnce } from '../../support/held-once.js';
import { BODY } from '../../support/http-exchange.js';
import { AUDIENCE, ISSUER, KeyServer, newSigningKey, sign } from '../../support/key-server.js';
import { faultOf } from '../../support/running-app.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { metric, refusals, startWatching, stopWatchers } from '../../support/watcher.js';
import { FAILURES_MAX } from '../../support/answering-authenticator.js';

const PROXY = '127.0.0.1';
/** Two checks of a socket in series, as documented. */
const REVOKED_WITHIN_MS = 5_000;

const app = useApp(null);
const issuerKey = await newSigningKey('ES256', 'es-1');
let keyServer: KeyServer;
let guesses = 0;

beforeAll(async () => {
  keyServer = await KeyServer.start([issuerKey]);
});

beforeEach(() =>
  app.restart({
    NODE_ENV: 'production',
    AUTH: 'keys,jwt',
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URL: keyServer.url,
    TRUSTED_PROXIES: PROXY,
    REDIS_URL: givenUrl('REDIS_URL'),
  }),
);

afterEach(stopWatchers);

afterAll(() => keyServer.stop());

async function ask(credential: string, headers: Record<string, string> = {}): Promise<unknown> {
  const answer = await post(app.graphqlUrl, BODY, {
    headers: { ...bearer(credential), ...headers },
  });
  return answer.status === 200 ? 'served' : faultOf(answer);
}

function badKey(): string {
  guesses += 1;
  return `stockade_${guesses.toString(16).padStart(12, '0')}.${'B'.repeat(43)}`;
}

async function failTooOften(headers: Record<string, string> = {}): Promise<void> {
  await Promise.all(Array.from({ length: FAILURES_MAX }, () => ask(badKey(), headers)));
  expect(await ask(badKey(), headers)).toBe('RATE_LIMITED');
}

test('valid keys and tokens are served beside too many bad ones, also those that this server sees first', async () => {
  const known = await newApiKey(app.database, 'known', ['read']);
  const fresh = await newApiKey(app.database, 'fresh', ['read']);
  const revoked = await newApiKey(app.database, 'revoked', ['read']);
  await apiKeysOf(app.database).revoke(prefixOf(revoked));
  expect(await ask(known)).toBe('served');
  await failTooOften();
  const token = await sign(issuerKey, { sub: 'shop' });
  const [listed, refused] = await Promise.all([ask(fresh), ask(revoked)]);
  expect([listed, refused]).toEqual(['served', 'RATE_LIMITED']);
  expect(await ask(token)).toBe('served');
  expect(await ask(known)).toBe('served');
  expect(await ask(badKey())).toBe('RATE_LIMITED');
});

test('of sixty bad keys at once twenty are looked up', async () => {
  app.statements.length = 0;
  const codes = await Promise.all(Array.from({ length: 60 }, () => ask(badKey())));
  expect(codes.filter((code) => code === 'UNAUTHENTICATED')).toHaveLength(FAILURES_MAX);
  expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(60 - FAILURES_MAX);
  const lookups = app.statements.filter((sql) => sql.includes('api_keys'));
  expect(lookups.flatMap((sql) => sql.match(/stockade_[0-9a-f]{12}/g) ?? [])).toHaveLength(
    FAILURES_MAX,
  );
});

test('a WebSocket of a valid key stays open beside bad neighbours, and may be opened', async () => {
  const key = await newApiKey(app.database, 'screen', ['read']);
  const { authorization } = bearer(key);
  const watcher = await startWatching(app.graphqlUrl, { authorization });
  await failTooOften();
  // Longer than an outcome is cached and than a socket is left unchecked.
  await new Promise((resolve) => setTimeout(resolve, 4_500));
  const late = await startWatching(app.graphqlUrl, { authorization });
  expect([watcher.closed, late.closed]).toEqual([[], []]);
});

test('a revoked key on an open WebSocket hears nothing more after five seconds', async () => {
  const staff = await newApiKey(app.database, 'staff', ['read', 'deduct', 'manage']);
  const productId = await newProduct(staff);
  const attempt = async () => {
    const key = await newApiKey(app.database, 'former', ['read']);
    const watcher = await startWatching(app.graphqlUrl, bearer(key));
    // The outcome that is cached is as young as it can be.
    expect(await ask(key)).toBe('served');
    await apiKeysOf(app.database).revoke(prefixOf(key));
    const revokedMs = performance.now();
    await until('the goodbye', () => watcher.closed.length > 0);
    const tookMs = performance.now() - revokedMs;
    expect(watcher.closed).toEqual([4403]);
    const heard = watcher.events.length;
    await increase(staff, productId);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(watcher.events).toHaveLength(heard);
    return tookMs < REVOKED_WITHIN_MS;
  };
  // A pause of the machine delays one of them.
  expect(await heldOnce(3, attempt)).toBe(true);
});

test('bad neighbours keep no WebSocket of a revoked key open, and a check of it is no request', async () => {
  const key = await newApiKey(app.database, 'neighbour', ['read']);
  const watcher = await startWatching(app.graphqlUrl, bearer(key));
  await failTooOften();
  const counted = async () => [
    await metric(app.origin, 'stockade_authentications_refused_total'),
    await refusals(app.origin, 'credential'),
    await refusals(app.origin, 'failure-limit'),
  ];
  const before = await counted();
  await apiKeysOf(app.database).revoke(prefixOf(key));
  await until('the goodbye', () => watcher.closed.length > 0);
  expect(watcher.closed).toEqual([4403]);
  expect(await counted()).toEqual(before);
});

test.each([
  ['with a port', (i: number) => `198.51.100.7:${40_000 + i}`],
  ['with brackets and a port', (i: number) => `[2001:db8::7]:${40_000 + i}`],
  ['with IPv4 mapped into IPv6', (i: number) => (i % 2 ? '::ffff:198.51.100.8' : '198.51.100.8')],
  ['in IPv6, each in the same 64 bits', (i: number) => `2001:db8:1:2::${i.toString(16)}`],
  ['with what the client wrote before', (i: number) => `203.0.113.${i}, 198.51.100.9`],
])('X-Forwarded-For %s is one address', async (_, forwardedFor) => {
  for (let i = 0; i < FAILURES_MAX; i += 1) {
    const headers = { 'x-forwarded-for': forwardedFor(i) };
    expect(await ask(badKey(), headers)).toBe('UNAUTHENTICATED');
  }
  const headers = { 'x-forwarded-for': forwardedFor(FAILURES_MAX) };
  expect(await ask(badKey(), headers)).toBe('RATE_LIMITED');
  expect(await ask(badKey(), { 'x-forwarded-for': '198.51.100.99' })).toBe('UNAUTHENTICATED');
});

async function mutate(credential: string, query: string): Promise<void> {
  const answer = await post(app.graphqlUrl, JSON.stringify({ query }), {
    headers: bearer(credential),
  });
  expect([answer.status, answer.errors]).toEqual([200, undefined]);
}

async function newProduct(credential: string): Promise<string> {
  await mutate(
    credential,
    'mutation { createProduct(input: { id: "watched", name: "Watched", quantity: 1 }) { __typename } }',
  );
  return 'watched';
}

function increase(credential: string, productId: string): Promise<void> {
  return mutate(
    credential,
    `mutation { increaseStock(input: { items: [{ productId: "${productId}", quantity: 1 }] }) { replayed } }`,
  );
}
