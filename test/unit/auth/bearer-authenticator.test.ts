/** How long an outcome is cached, and that caching one never outlives the credential. */
import { CACHED_MS } from '../../../src/auth/bearer-authenticator.js';
import type { Verified } from '../../../src/auth/credential.js';
import {
  AuthenticationUnavailableError,
  UnauthenticatedError,
  toScopes,
} from '../../../src/auth/principal.js';
import { FAILURES_MAX, answeringAuthenticator } from '../../support/answering-authenticator.js';

const PRINCIPAL = { name: 'shop', scopes: toScopes(['read']) };

const authenticatorOf = (answer: (credential: string) => Promise<Verified>) =>
  answeringAuthenticator(answer, (credential) => credential === 'good.key');

const valid = (expiresAtMs: number | null) => () =>
  Promise.resolve({ principal: PRINCIPAL, expiresAtMs });

test('a valid credential is verified once in two seconds', async () => {
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

test('the two seconds begin with the verification, not with its end', async () => {
  const { authenticator, clock, verified } = authenticatorOf(async () => {
    await Promise.resolve();
    clock.nowMs += CACHED_MS;
    return { principal: PRINCIPAL, expiresAtMs: null };
  });
  await authenticator.authenticate('Bearer a.b');
  await authenticator.authenticate('Bearer a.b');
  expect(verified).toHaveLength(2);
});

test('an invalid credential is refused from the cache for two seconds, an outage is never cached', async () => {
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

test('a check of an accepted credential counts no request, and an outage refuses nothing', async () => {
  let failure: Error | null = null;
  const { authenticator, clock } = authenticatorOf(() =>
    failure ? Promise.reject(failure) : valid(null)(),
  );
  const refusesLater = () => {
    clock.nowMs += CACHED_MS;
    return authenticator.refuses('Bearer a.b');
  };
  expect(await refusesLater()).toBe(false);
  failure = new AuthenticationUnavailableError('Away.');
  expect(await refusesLater()).toBe(false);
  failure = new UnauthenticatedError('Revoked.');
  expect(await refusesLater()).toBe(true);
  expect(authenticator.stats()).toEqual({ refused: 0 });
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

const ADDRESS = '192.0.2.1';

/** Refuses all credentials but `good.key`, each when the test lets it. */
function slowAuthenticator() {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => (release = resolve));
  const made = authenticatorOf(async (credential) => {
    await released;
    if (credential !== 'good.key') throw new UnauthenticatedError('No.');
    return { principal: PRINCIPAL, expiresAtMs: null };
  });
  const codeOf = (credential: string) =>
    made.authenticator.authenticate(`Bearer ${credential}`, ADDRESS).then(
      () => 'served',
      (error: unknown) => (error as { readonly code: string }).code,
    );
  return {
    ...made,
    codeOf,
    release: () => {
      release();
    },
  };
}

test('of sixty guesses at once as many are verified as an address may make', async () => {
  const { codeOf, release, verified } = slowAuthenticator();
  const codes = Promise.all(Array.from({ length: 60 }, (_, i) => codeOf(`bad.${i}`)));
  await new Promise((resolve) => setImmediate(resolve));
  release();
  const counts = new Map<string, number>();
  for (const code of await codes) counts.set(code, (counts.get(code) ?? 0) + 1);
  expect(Object.fromEntries(counts)).toEqual({
    UNAUTHENTICATED: FAILURES_MAX,
    TOO_MANY_FAILURES: 60 - FAILURES_MAX,
  });
  expect(verified).toHaveLength(FAILURES_MAX);
});

test('a good credential is served at an address that has failed too often, seen before or not', async () => {
  const { clock, codeOf, release, verified } = slowAuthenticator();
  release();
  for (let i = 0; i < FAILURES_MAX; i += 1)
    expect(await codeOf(`bad.${i}`)).toBe('UNAUTHENTICATED');
  expect(await codeOf('bad.one-more')).toBe('TOO_MANY_FAILURES');
  expect(await codeOf('good.key')).toBe('served');
  clock.nowMs += CACHED_MS;
  expect(await codeOf('good.key')).toBe('served');
  expect(await codeOf('bad.one-more')).toBe('TOO_MANY_FAILURES');
  expect(verified.filter((credential) => credential === 'good.key')).toHaveLength(2);
});

test('a hundred good requests at once are no failures', async () => {
  const { codeOf, release } = slowAuthenticator();
  const codes = Array.from({ length: 100 }, () => codeOf('good.key'));
  await new Promise((resolve) => setImmediate(resolve));
  release();
  expect(new Set(await Promise.all(codes))).toEqual(new Set(['served']));
  for (let i = 0; i < FAILURES_MAX; i += 1)
    expect(await codeOf(`bad.${i}`)).toBe('UNAUTHENTICATED');
});

test('a credential that was valid once and is refused now is a guess like any other', async () => {
  let failure: Error | null = null;
  const { authenticator, clock, verified } = authenticatorOf(() =>
    failure ? Promise.reject(failure) : valid(null)(),
  );
  const ask = (credential: string) =>
    authenticator.authenticate(`Bearer ${credential}`, ADDRESS).then(
      () => 'served',
      (error: unknown) => (error as { readonly code: string }).code,
    );
  expect(await ask('former.key')).toBe('served');
  failure = new UnauthenticatedError('No.');
  for (let i = 0; i < FAILURES_MAX; i += 1) await ask(`bad.${i}`);
  clock.nowMs += CACHED_MS;
  expect(await ask('former.key')).toBe('TOO_MANY_FAILURES');
  const before = verified.length;
  clock.nowMs += CACHED_MS;
  expect(await ask('former.key')).toBe('TOO_MANY_FAILURES');
  expect(verified).toHaveLength(before);
});

test('what cannot be verified now is no failure of its address', async () => {
  const { authenticator } = authenticatorOf(() =>
    Promise.reject(new AuthenticationUnavailableError('Away.')),
  );
  for (let i = 0; i < 3 * FAILURES_MAX; i += 1) {
    await expect(authenticator.authenticate(`Bearer new.${i}`, ADDRESS)).rejects.toThrow('Away.');
  }
});
