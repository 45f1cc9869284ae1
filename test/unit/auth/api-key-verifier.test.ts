/** How API keys are looked up, over a store that counts its queries. */
import { newSecret, type ApiKey } from '../../../src/auth/api-key.js';
import { ApiKeyVerifier } from '../../../src/auth/api-key-verifier.js';
import { UnauthenticatedError, toScopes } from '../../../src/auth/principal.js';

function storeOf(keys: readonly ApiKey[]) {
  const queries: (readonly string[])[] = [];
  let underWay = 0;
  let underWayMax = 0;
  return {
    queries,
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

test('five hundred unknown keys at once cost a query for each hundred, one after another', async () => {
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

test('more than may wait are refused at once, as nobody can tell', async () => {
  const verifier = new ApiKeyVerifier(storeOf([]));
  const tries = Array.from({ length: 1_100 }, () => verifier.verify(newKey().key));
  const outcomes = await Promise.allSettled(tries);
  const codes = outcomes.map((o) => (o as PromiseRejectedResult).reason as { code: string });
  expect(new Set(codes.map(({ code }) => code))).toEqual(
    new Set(['UNAUTHENTICATED', 'AUTHENTICATION_UNAVAILABLE']),
  );
});

test.each(['stockade_0123456789ab', 'stockade_0123456789AB.x', 'a.b', `x${newSecret().key}`])(
  '%s has not the form of a key, and costs no query',
  async (credential) => {
    const store = storeOf([]);
    await expect(new ApiKeyVerifier(store).verify(credential)).rejects.toThrow(
      UnauthenticatedError,
    );
    expect(store.queries).toEqual([]);
  },
);

test('says the same of every key that is not good', async () => {
  const revoked = newKey({ revokedAt: new Date(0) });
  const expired = newKey({ expiresAt: new Date(1_000) });
  const verifier = new ApiKeyVerifier(storeOf([revoked.stored, expired.stored]), () => 1_000);
  const wrong = `${revoked.stored.prefix}.${'A'.repeat(43)}`;
  const messages = await Promise.all(
    [revoked.key, expired.key, wrong, newKey().key].map((key) =>
      verifier.verify(key).then(String, (error: unknown) => (error as Error).message),
    ),
  );
  expect(new Set(messages)).toEqual(new Set(['The API key is unknown, expired or revoked.']));
});
