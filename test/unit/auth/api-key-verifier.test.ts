/** The lookup of API keys, over a store that counts its queries. */
import { newSecret, type ApiKey } from '../../../src/auth/api-key.js';
import { ApiKeyVerifier } from '../../../src/auth/api-key-verifier.js';
import {
  AuthenticationUnavailableError,
  UnauthenticatedError,
  toScopes,
} from '../../../src/auth/principal.js';

function storeOf(keys: readonly ApiKey[]) {
  const queries: (readonly string[])[] = [];
  let underWay = 0;
  let underWayMax = 0;
  let listed = 0;
  return {
    queries,
    listed: () => listed,
    findUnrevoked: async () => {
      listed += 1;
      await new Promise((resolve) => setImmediate(resolve));
      return keys.filter((key) => key.revokedAt === null);
    },
    underWayMax: () => underWayMax,
    findByPrefixes: async (prefixes: readonly string[]) => {
      queries.push(prefixes);
      underWay += 1;
      underWayMax = Math.max(underWayMax, underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay -= 1;
      return keys.filter((key) => prefixes.includes(key.prefix));
    },
  };
}

function newKey(change: Partial<ApiKey> = {}): { readonly stored: ApiKey; readonly key: string } {
  const { prefix, secretSha256, key } = newSecret();
  const stored = { prefix, secretSha256, name: 'shop', scopes: toScopes(['read']) };
  return { key, stored: { ...stored, expiresAt: null, revokedAt: null, ...change } };
}

test('500 unknown keys at once cost one query per 100 keys, one at a time', async () => {
  const good = newKey();
  const store = storeOf([good.stored]);
  const verifier = new ApiKeyVerifier(store);
  const bad = Array.from({ length: 500 }, () => verifier.verify(newKey().key));
  const outcomes = await Promise.allSettled([...bad, verifier.verify(good.key)]);
  expect(outcomes.slice(0, 500).every((outcome) => outcome.status === 'rejected')).toBe(true);
  expect(outcomes[500]).toMatchObject({
    status: 'fulfilled',
    value: { principal: { name: 'shop' } },
  });
  expect(store.underWayMax()).toBe(1);
  expect(store.queries.length).toBeLessThanOrEqual(7);
  expect(Math.max(...store.queries.map((prefixes) => prefixes.length))).toBeLessThanOrEqual(100);
});

test('lookups beyond the bound are refused at once as AUTHENTICATION_UNAVAILABLE', async () => {
  const verifier = new ApiKeyVerifier(storeOf([]));
  const tries = Array.from({ length: 1_100 }, () => verifier.verify(newKey().key));
  const outcomes = await Promise.allSettled(tries);
  const codes = outcomes.map((o) => (o as PromiseRejectedResult).reason as { code: string });
  expect(new Set(codes.map(({ code }) => code))).toEqual(
    new Set(['UNAUTHENTICATED', 'AUTHENTICATION_UNAVAILABLE']),
  );
});

test.each(['stockade_0123456789ab', 'stockade_0123456789AB.x', 'a.b', `x${newSecret().key}`])(
  '%s is not a key by its form and costs no query',
  async (credential) => {
    const store = storeOf([]);
    await expect(new ApiKeyVerifier(store).verify(credential)).rejects.toThrow(
      UnauthenticatedError,
    );
    expect(store.queries).toEqual([]);
  },
);

test('refuses every invalid key with the same message', async () => {
  const revoked = newKey({ revokedAt: new Date(0) });
  const expired = newKey({ expiresAt: new Date(1_000) });
  const verifier = new ApiKeyVerifier(storeOf([revoked.stored, expired.stored]), () => 1_000);
  const wrong = `${revoked.stored.prefix}.${'A'.repeat(43)}`;
  const messages = await Promise.all(
    [revoked.key, expired.key, wrong, newKey().key].map((key) =>
      verifier.verify(key).then(String, (error: unknown) => (error as Error).message),
    ),
  );
  expect(new Set(messages)).toEqual(
    new Set(['The API key is unknown, expired or revoked. Use a valid one.']),
  );
});

test('keys that arrive during a query share the next one, and the same key shares its place', async () => {
  const shop = newKey();
  const store = storeOf([shop.stored]);
  const verifier = new ApiKeyVerifier(store);
  const first = verifier.verify(shop.key);
  while (store.queries.length === 0) await Promise.resolve();
  expect(store.queries).toEqual([[shop.stored.prefix]]);
  const later = [newKey(), newKey(), shop, shop].map(({ key }) => verifier.verify(key));
  expect(await first).toMatchObject({ principal: { name: 'shop' } });
  const outcomes = await Promise.allSettled(later);
  expect(outcomes.map(({ status }) => status)).toEqual([
    'rejected',
    'rejected',
    'fulfilled',
    'fulfilled',
  ]);
  expect(store.queries.map((prefixes) => prefixes.length)).toEqual([1, 3]);
});

test('a query that fails fails its own lookups alone, and the next one runs', async () => {
  const shop = newKey();
  const store = storeOf([shop.stored]);
  let away = true;
  const verifier = new ApiKeyVerifier({
    ...store,
    findByPrefixes: async (prefixes) => {
      const found = await store.findByPrefixes(prefixes);
      if (away) throw new AuthenticationUnavailableError('Away.');
      return found;
    },
  });
  const failed = Promise.allSettled([verifier.verify(shop.key), verifier.verify(newKey().key)]);
  for (const outcome of await failed) {
    expect(outcome).toMatchObject({ reason: { code: 'AUTHENTICATION_UNAVAILABLE' } });
  }
  away = false;
  expect(await verifier.verify(shop.key)).toMatchObject({ principal: { name: 'shop' } });
  expect(store.underWayMax()).toBe(1);
});

test('of a thousand guesses the good key is told by one list a second, without a query', async () => {
  const clock = { nowMs: 1_000 };
  const good = newKey();
  const revoked = newKey({ revokedAt: new Date(0) });
  const store = storeOf([good.stored, revoked.stored]);
  const verifier = new ApiKeyVerifier(store, () => clock.nowMs);
  const wrong = `${good.stored.prefix}.${'A'.repeat(43)}`;
  const guesses = Array.from({ length: 1_000 }, () => newKey().key);
  const asked = [good.key, revoked.key, wrong, ...guesses].map((key) => verifier.mayBeValid(key));
  const [first, ...others] = await Promise.all(asked);
  expect(first).toBe(true);
  expect(new Set(others)).toEqual(new Set([false]));
  clock.nowMs += 999;
  await verifier.mayBeValid(good.key);
  expect(store.listed()).toBe(1);
  clock.nowMs += 1;
  await verifier.mayBeValid(good.key);
  expect(store.listed()).toBe(2);
  expect(store.queries).toEqual([]);
});
