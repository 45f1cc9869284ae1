/**
 * A request without a valid credential or without the scope has no effect: each refusal has its code, writes nothing to
 * the ledger, sends no statement on stock and no command to the lock. Run as in production.
 */
import { createHmac, createSecretKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { FAILURE_WINDOW_MS } from '../../../src/auth/failure-limit.js';
import { DeductStockDocument, ProductDocument } from '../../generated/operations.js';
import { apiKeysOf, bearer, newApiKey, prefixOf } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { dataOf, post, send } from '../../support/graphql-client.js';
import {
  AUDIENCE,
  ISSUER,
  KeyServer,
  goodClaims,
  newSigningKey,
  nowSeconds,
  sign,
  type SigningKey,
} from '../../support/key-server.js';
import { RedisWatch } from '../../support/redis-watch.js';
import { faultOf, type RunningApp } from '../../support/running-app.js';
import { startTcpProxy } from '../../support/tcp-proxy.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { FAILURES_MAX } from '../../support/answering-authenticator.js';

const shared = useApp(null);
let keyServer: KeyServer;
let rsa: SigningKey;
let watch: RedisWatch;
let app: RunningApp;
let product: string;

function production(env: Record<string, string> = {}): Promise<RunningApp> {
  return shared.startAnother({
    NODE_ENV: 'production',
    STOCK_LOCK: 'redis',
    REDIS_URL: givenUrl('REDIS_URL'),
    AUTH: 'keys,jwt',
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URL: keyServer.url,
    ...env,
  });
}

beforeAll(async () => {
  rsa = await newSigningKey('RS256', 'rsa-1');
  keyServer = await KeyServer.start([rsa]);
  watch = await RedisWatch.open(givenUrl('REDIS_URL'));
});

beforeEach(async () => {
  // Each test has its own server, so that failures of one test are not counted in the next.
  app = await production();
  product = await shared.shop.newProduct(5);
});

afterEach(() => app.stop());

afterAll(async () => {
  watch.close();
  await keyServer.stop();
});

function deduct(headers: Record<string, string>, url = app.graphqlUrl, idempotencyKey?: string) {
  const input = { items: [{ productId: product, quantity: 1 }], idempotencyKey };
  return send(url, DeductStockDocument, { input }, { headers });
}

async function expectNothingDone(): Promise<void> {
  expect(await shared.shop.ledgerOf(product)).toHaveLength(1);
  expect(await shared.shop.onHand(product)).toBe(5);
  expect(app.statements.filter((sql) => sql.includes('stock_'))).toEqual([]);
  expect(await watch.seen(product)).toEqual([]);
}

async function expectRefused(
  response: Awaited<ReturnType<typeof deduct>>,
  code: 'UNAUTHENTICATED' | 'FORBIDDEN',
): Promise<void> {
  expect(faultOf(response)).toBe(code);
  expect(response.data).toBeUndefined();
  expect(response.status).toBe(code === 'FORBIDDEN' ? 403 : 401);
  expect(response.headers['www-authenticate']).toBe(
    code === 'FORBIDDEN' ? undefined : 'Bearer realm="stockade"',
  );
  await expectNothingDone();
}

test('a valid key and a valid token do what their scopes permit, with a lock and an entry in the ledger', async () => {
  const key = await newApiKey(shared.database, 'shop', ['deduct']);
  for (const credential of [key, await sign(rsa)]) {
    const { deductStock } = dataOf(await deduct(bearer(credential)));
    expect(deductStock.results).toMatchObject([{ __typename: 'DeductedItem' }]);
  }
  expect(await shared.shop.ledgerOf(product)).toHaveLength(3);
  expect((await watch.seen(product)).length).toBeGreaterThan(0);
});

describe('refused as UNAUTHENTICATED', () => {
  const secretOfRsa = () => createSecretKey(Buffer.from(rsa.publicPem));

  const cases: readonly [what: string, headers: () => Promise<Record<string, string>>][] = [
    ['no token', () => Promise.resolve({})],
    ['an empty token', () => Promise.resolve({ authorization: 'Bearer ' })],
    ['another scheme', () => Promise.resolve({ authorization: 'Basic c2hvcDpzZWNyZXQ=' })],
    ['nonsense', () => Promise.resolve(bearer('let-me-in'))],
    [
      'an expired token, beyond the leeway',
      async () => bearer(await sign(rsa, { exp: nowSeconds() - 31 })),
    ],
    [
      'a token of the future, beyond the leeway',
      async () => bearer(await sign(rsa, { nbf: nowSeconds() + 40 })),
    ],
    ['a token without an expiry', async () => bearer(await sign(rsa, { exp: undefined }))],
    ['a token without a subject', async () => bearer(await sign(rsa, { sub: undefined }))],
    ['a subject that is too long', async () => bearer(await sign(rsa, { sub: 'ä'.repeat(101) }))],
    ['alg: none', () => Promise.resolve(bearer(unsigned()))],
    [
      'HS256 signed with the public key of RS256',
      async () =>
        bearer(
          await new SignJWT(goodClaims())
            .setProtectedHeader({ alg: 'HS256', kid: rsa.kid })
            .sign(secretOfRsa()),
        ),
    ],
    [
      'HS256 signed with the public key, said to be RS256',
      () => Promise.resolve(bearer(signedByHand({ alg: 'RS256', kid: rsa.kid }))),
    ],
    ['another issuer', async () => bearer(await sign(rsa, { iss: 'https://evil.example' }))],
    ['another audience', async () => bearer(await sign(rsa, { aud: 'warehouse' }))],
    [
      'an unknown kid',
      async () => bearer(await sign(await newSigningKey('RS256', 'unknown'), {}, 'unknown')),
    ],
    [
      'a known kid, signed with another key',
      async () => bearer(await sign(await newSigningKey('RS256', 'other'), {}, rsa.kid)),
    ],
    ['a broken signature', async () => bearer(`${(await sign(rsa)).slice(0, -8)}AAAAAAAA`)],
    ['an oversized token', async () => bearer(await sign(rsa, { padding: 'x'.repeat(9_000) }))],
    [
      'an unknown API key',
      () => Promise.resolve(bearer(`stockade_${'0'.repeat(12)}.${'A'.repeat(43)}`)),
    ],
    [
      'the prefix of a key with another secret',
      async () => {
        const key = await newApiKey(shared.database, 'shop', ['deduct']);
        return bearer(`${prefixOf(key)}.${'A'.repeat(43)}`);
      },
    ],
    [
      'a revoked key',
      async () => {
        const key = await newApiKey(shared.database, 'shop', ['deduct']);
        await apiKeysOf(shared.database).revoke(prefixOf(key));
        return bearer(key);
      },
    ],
    [
      'an expired key',
      async () => {
        const key = await newApiKey(shared.database, 'shop', ['deduct']);
        await shared.database.sequelize.query(
          'UPDATE api_keys SET expires_at = NOW(3) - INTERVAL 1 SECOND WHERE prefix = ?',
          { replacements: [prefixOf(key)] },
        );
        return bearer(key);
      },
    ],
  ];

  test.each(cases)('%s', async (_, headers) => {
    await expectRefused(await deduct(await headers()), 'UNAUTHENTICATED');
  });

  test('a good token in the query string', async () => {
    const token = await sign(rsa);
    for (const name of ['token', 'access_token', 'authorization']) {
      const url = `${app.graphqlUrl}?${name}=${encodeURIComponent(token)}`;
      await expectRefused(await deduct({}, url), 'UNAUTHENTICATED');
    }
  });

  test('introspection and __typename without a credential', async () => {
    for (const query of ['{ __typename }', '{ __schema { queryType { name } } }', '{ nonsense']) {
      const response = await post(app.graphqlUrl, JSON.stringify({ query }));
      expect([response.status, faultOf(response)]).toEqual([401, 'UNAUTHENTICATED']);
    }
  });

  test('an operation that is executed without HTTP', async () => {
    const input = { items: [{ productId: product, quantity: 1 }] };
    expect(faultOf(await app.ask.resolvers(DeductStockDocument, { input }))).toBe(
      'UNAUTHENTICATED',
    );
    await expectNothingDone();
  });

  function unsigned(): string {
    return `${encode({ alg: 'none' })}.${encode(goodClaims())}.`;
  }

  function signedByHand(header: object): string {
    const text = `${encode(header)}.${encode(goodClaims())}`;
    const signature = createHmac('sha256', rsa.publicPem).update(text).digest('base64url');
    return `${text}.${signature}`;
  }

  function encode(value: object): string {
    return Buffer.from(JSON.stringify(value)).toString('base64url');
  }
});

describe('refused as FORBIDDEN', () => {
  test('the scope read, calling deductStock', async () => {
    const key = await newApiKey(shared.database, 'reader', ['read']);
    await expectRefused(await deduct(bearer(key)), 'FORBIDDEN');
    await expectRefused(await deduct(bearer(await sign(rsa, { scope: 'read' }))), 'FORBIDDEN');
  });

  test('the scope manage, which implies no other', async () => {
    const key = await newApiKey(shared.database, 'staff', ['manage']);
    await expectRefused(await deduct(bearer(key)), 'FORBIDDEN');
    const read = await send(
      app.graphqlUrl,
      ProductDocument,
      { id: product },
      { headers: bearer(key) },
    );
    expect([read.status, faultOf(read)]).toEqual([403, 'FORBIDDEN']);
  });

  test.each(['', 'admin stock:write', 'deductions', undefined])(
    'a token with the scope %p',
    async (scope) => {
      await expectRefused(await deduct(bearer(await sign(rsa, { scope }))), 'FORBIDDEN');
    },
  );

  test('the ledger below a deduction with the scope deduct alone: the deduction is not made either', async () => {
    const key = await newApiKey(shared.database, 'shop', ['deduct']);
    const query = `mutation { deductStock(input: { items: [{ productId: "${product}", quantity: 1 }] }) {
      results { ... on DeductedItem { product { ...history } } } } }
      fragment history on Product { movements { nodes { principal } } }`;
    const response = await post(app.graphqlUrl, JSON.stringify({ query }), {
      headers: bearer(key),
    });
    expect([response.status, faultOf(response)]).toEqual([403, 'FORBIDDEN']);
    await expectNothingDone();
  });

  test('a field beside a permitted one, under an alias or in a fragment', async () => {
    const key = await newApiKey(shared.database, 'shop', ['deduct']);
    const query = `query { __typename ...all } fragment all on Query { mine: product(id: "x") { id } }`;
    const response = await post(app.graphqlUrl, JSON.stringify({ query }), {
      headers: bearer(key),
    });
    expect([response.status, faultOf(response)]).toEqual([403, 'FORBIDDEN']);
    expect(app.statements.filter((sql) => sql.includes('FROM products'))).toEqual([]);
  });
});

test('a key that is revoked while it is in use is refused within seconds', async () => {
  const key = await newApiKey(shared.database, 'shop', ['read']);
  const read = () =>
    send(app.graphqlUrl, ProductDocument, { id: product }, { headers: bearer(key) });
  expect((await read()).status).toBe(200);
  await apiKeysOf(shared.database).revoke(prefixOf(key));
  await until('the refusal', async () => (await read()).status === 401, 30_000);
});

test('of 1,000 invalid keys few are looked up and all are refused, while a valid key is served', async () => {
  const key = await newApiKey(shared.database, 'shop', ['read', 'deduct']);
  dataOf(await deduct(bearer(key)));
  app.statements.length = 0;
  const codes = new Map<unknown, number>();
  const startedMs = performance.now();
  for (let round = 0; round < 50; round += 1) {
    const tries = Array.from({ length: 20 }, (_, i) => {
      const prefix = (round * 20 + i).toString(16).padStart(12, '0');
      return deduct(bearer(`stockade_${prefix}.${'B'.repeat(43)}`));
    });
    for (const response of await Promise.all(tries)) {
      const code = faultOf(response);
      codes.set(code, (codes.get(code) ?? 0) + 1);
      if (code === 'RATE_LIMITED') {
        expect(response.status).toBe(429);
        expect(Number(response.headers['retry-after'])).toBeGreaterThan(0);
        expect(response.errors?.[0]?.extensions?.retryAfterMs).toBeGreaterThan(0);
      }
    }
    if (round % 10 === 0) {
      const headers = bearer(key);
      const read = await send(app.graphqlUrl, ProductDocument, { id: product }, { headers });
      expect(read.status).toBe(200);
    }
  }
  expect([...codes.keys()].sort()).toEqual(['RATE_LIMITED', 'UNAUTHENTICATED']);
  expect((codes.get('UNAUTHENTICATED') ?? 0) + (codes.get('RATE_LIMITED') ?? 0)).toBe(1_000);
  const lookups = app.statements.filter((sql) => sql.includes('api_keys'));
  const guessed = lookups.flatMap((sql) => sql.match(/stockade_0{9}[0-9a-f]{3}/g) ?? []);
  const windows = Math.ceil((performance.now() - startedMs) / FAILURE_WINDOW_MS) + 1;
  expect(guessed.length).toBeLessThanOrEqual(windows * FAILURES_MAX);
  expect(await shared.shop.ledgerOf(product)).toHaveLength(2);
  const metrics = await (await fetch(`${app.origin}/metrics`)).text();
  expect(metrics).toMatch(/^stockade_authentications_refused_total 1\d{3}$/m);
});

describe('the keys of the issuer', () => {
  test('are fetched once for many tokens, and at most once per cooldown for unknown kids', async () => {
    keyServer.asked = 0;
    const tokens = await Promise.all(['a', 'b', 'c'].map((sub) => sign(rsa, { sub })));
    for (const response of await Promise.all(tokens.map((token) => deduct(bearer(token))))) {
      expect(dataOf(response).deductStock.results).toHaveLength(1);
    }
    expect(keyServer.asked).toBe(1);
    const stranger = await newSigningKey('RS256', 'later');
    // The key may have been published since: more tokens than an address may fail with are all UNAVAILABLE.
    for (let i = 0; i <= FAILURES_MAX; i += 1) {
      const response = await deduct(bearer(await sign(stranger, { sub: `x${i}` })));
      expect([response.status, faultOf(response)]).toEqual([503, 'UNAVAILABLE']);
    }
    // Within the cooldown an unknown kid causes no second fetch.
    expect(keyServer.asked).toBe(1);
  });

  test.each(['ES256', 'PS256', 'EdDSA'])('may be of %s', async (alg) => {
    const other = await newSigningKey(alg, `key-${alg}`);
    keyServer.keys = [rsa, other];
    try {
      expect(dataOf(await deduct(bearer(await sign(other)))).deductStock.results).toHaveLength(1);
    } finally {
      keyServer.keys = [rsa];
    }
  });

  test('that cannot be fetched make the request UNAVAILABLE, not UNAUTHENTICATED, and nothing is done', async () => {
    keyServer.keys = null;
    try {
      const response = await deduct(bearer(await sign(rsa)));
      expect([response.status, faultOf(response)]).toEqual([503, 'UNAVAILABLE']);
      expect(JSON.stringify(response.errors)).not.toContain(keyServer.url);
      await expectNothingDone();
    } finally {
      keyServer.keys = [rsa];
    }
    await until('the keys', async () => (await deduct(bearer(await sign(rsa)))).status === 200);
  });

  test('stay valid while the issuer is unavailable', async () => {
    expect((await deduct(bearer(await sign(rsa, { sub: 'early' })))).status).toBe(200);
    keyServer.keys = null;
    try {
      expect((await deduct(bearer(await sign(rsa, { sub: 'late' })))).status).toBe(200);
    } finally {
      keyServer.keys = [rsa];
    }
  });
});

test('clocks may differ by 30 seconds', async () => {
  const late = await sign(rsa, { exp: nowSeconds() - 15 });
  const early = await sign(rsa, { nbf: nowSeconds() + 15 });
  for (const token of [late, early]) expect((await deduct(bearer(token))).status).toBe(200);
});

test('an unavailable database makes the request UNAVAILABLE, not UNAUTHENTICATED, until it is back', async () => {
  const proxy = await startTcpProxy(shared.database.url);
  try {
    const behind = await production({ MYSQL_URL: proxy.via(shared.database.url) });
    const key = await newApiKey(shared.database, 'shop', ['deduct']);
    proxy.refuse(true);
    proxy.cut();
    const response = await deduct(bearer(key), behind.graphqlUrl);
    expect([response.status, faultOf(response)]).toEqual([503, 'UNAVAILABLE']);
    await expectNothingDone();
    proxy.refuse(false);
    expect((await deduct(bearer(key), behind.graphqlUrl)).status).toBe(200);
    await behind.stop();
  } finally {
    await proxy.stop();
  }
});
