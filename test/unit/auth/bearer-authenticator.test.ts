/** How long an outcome is cached, and that caching one never outlives the credential. */
import { BearerAuthenticator, CACHED_MS } from '../../../src/auth/bearer-authenticator.js';
import type { Verified } from '../../../src/auth/credential.js';
import {
  AuthenticationUnavailableError,
  UnauthenticatedError,
  toScopes,
} from '../../../src/auth/principal.js';

const PRINCIPAL = { name: 'shop', scopes: toScopes(['read']) };

/** An authenticator over a verifier whose answers the test gives, at a time that the test sets. */
function authenticatorOf(answer: (credential: string) => Promise<Verified>) {
  const clock = { nowMs: 1_000_000 };
  const verified: string[] = [];
  const authenticator = new BearerAuthenticator({
    apiKeys: {
      verify: (credential) => {
        verified.push(credential);
        return answer(credential);
      },
    },
    jwts: null,
    nowMs: () => clock.nowMs,
  });
  return { authenticator, clock, verified };
}

const valid = (expiresAtMs: number | null) => () =>
  Promise.resolve({ principal: PRINCIPAL, expiresAtMs });

test('a valid credential is verified once in five seconds', async () => {
  const { authenticator, clock, verified } = authenticatorOf(valid(null));
  expect(await authenticator.authenticate('Bearer a.b')).toBe(PRINCIPAL);
  clock.nowMs += CACHED_MS - 1;
  expect(await authenticator.authenticate('Bearer a.b')).toBe(PRINCIPAL);
  expect(verified).toHaveLength(1);
  clock.nowMs += 1;
  await authenticator.authenticate('Bearer a.b');
  expect(verified).toHaveLength(2);
});

test('a credential that expires earlier is cached until then, and not a millisecond longer', async () => {
  const { authenticator, clock, verified } = authenticatorOf(valid(1_000_100));
  await authenticator.authenticate('Bearer a.b');
  clock.nowMs = 1_000_099;
  await authenticator.authenticate('Bearer a.b');
  expect(verified).toHaveLength(1);
  clock.nowMs = 1_000_100;
  await authenticator.authenticate('Bearer a.b');
  expect(verified).toHaveLength(2);
});

test('the five seconds begin with the verification, not with its end', async () => {
  const { authenticator, clock, verified } = authenticatorOf(async () => {
    await Promise.resolve();
    clock.nowMs += CACHED_MS;
    return { principal: PRINCIPAL, expiresAtMs: null };
  });
  await authenticator.authenticate('Bearer a.b');
  await authenticator.authenticate('Bearer a.b');
  expect(verified).toHaveLength(2);
});

test('an invalid credential is refused from the cache for five seconds, an outage is never cached', async () => {
  let failure: Error = new UnauthenticatedError('No.');
  const { authenticator, clock, verified } = authenticatorOf(() => Promise.reject(failure));
  const ask = () => authenticator.authenticate('Bearer a.b').catch((error: unknown) => error);
  expect(await ask()).toBe(failure);
  expect(await ask()).toBe(failure);
  expect(verified).toHaveLength(1);
  clock.nowMs += CACHED_MS;
  failure = new AuthenticationUnavailableError('Away.');
  expect(await ask()).toBe(failure);
  expect(await ask()).toBe(failure);
  expect(verified).toHaveLength(3);
  expect(authenticator.stats()).toEqual({ refused: 4 });
});

test('requests with one credential at the same time share one verification', async () => {
  const { authenticator, verified } = authenticatorOf(valid(null));
  const asked = Array.from({ length: 10 }, () => authenticator.authenticate('Bearer a.b'));
  expect(new Set(await Promise.all(asked))).toEqual(new Set([PRINCIPAL]));
  expect(verified).toEqual(['a.b']);
});

test('ten thousand outcomes are kept: the least recently used one is verified again', async () => {
  const { authenticator, verified } = authenticatorOf(valid(null));
  await authenticator.authenticate('Bearer first.key');
  await authenticator.authenticate('Bearer second.key');
  for (let i = 0; i < 9_998; i += 1) await authenticator.authenticate(`Bearer k${i}.x`);
  await authenticator.authenticate('Bearer first.key');
  await authenticator.authenticate('Bearer one-more.key');
  expect(verified).toHaveLength(10_001);
  await authenticator.authenticate('Bearer first.key');
  expect(verified).toHaveLength(10_001);
  await authenticator.authenticate('Bearer second.key');
  expect(verified).toHaveLength(10_002);
});

test('a kind of credential without a verifier is refused with the kinds that are accepted', async () => {
  const { authenticator, verified } = authenticatorOf(valid(null));
  await expect(authenticator.authenticate('Bearer a.b.c')).rejects.toThrow(
    'This kind of credential is not accepted; accepted are API keys.',
  );
  expect(verified).toEqual([]);
});
