/** What would break if this happened before that? Look-ups, revocations, expiries and floods in bad orders. */
import { newSecret, type ApiKey } from '../../../src/auth/api-key.js';
import { ApiKeyVerifier } from '../../../src/auth/api-key-verifier.js';
import { BearerAuthenticator, CACHED_MS } from '../../../src/auth/bearer-authenticator.js';
import type { Verified } from '../../../src/auth/credential.js';
import { FAILURE_WINDOW_MS } from '../../../src/auth/failure-limit.js';
import {
  AuthenticationUnavailableError,
  UnauthenticatedError,
  toScopes,
} from '../../../src/auth/principal.js';
import { FAILURES_MAX, answeringAuthenticator } from '../../support/answering-authenticator.js';

const ADDRESS = '192.0.2.1';
const PRINCIPAL = { name: 'shop', scopes: toScopes(['read']) };
const served = (expiresAtMs: number | null): Verified => ({ principal: PRINCIPAL, expiresAtMs });

/** A store that reads at once and answers when the test says so. */
class SlowStore {
  readonly keys = new Map<string, ApiKey>();
  private readonly held: (() => void)[] = [];
  queries = 0;

  add(): { readonly key: string; readonly prefix: string } {
    const { prefix, secretSha256, key } = newSecret();
    const stored = { prefix, secretSha256, name: 'shop', scopes: toScopes(['read']) };
    this.keys.set(prefix, { ...stored, expiresAt: null, revokedAt: null });
    return { key, prefix };
  }

  revoke(prefix: string): void {
    const key = this.keys.get(prefix);
    if (key) this.keys.set(prefix, { ...key, revokedAt: new Date(0) });
  }

  async findByPrefixes(prefixes: readonly string[]): Promise<readonly ApiKey[]> {
    this.queries += 1;
    const found = prefixes.flatMap((prefix) => this.keys.get(prefix) ?? []);
    await new Promise<void>((resolve) => this.held.push(resolve));
    return found;
  }

  findUnrevoked(): Promise<readonly ApiKey[]> {
    return Promise.resolve([...this.keys.values()].filter(({ revokedAt }) => !revokedAt));
  }

  /** Answers the query that is under way, or the next one. */
  async answer(): Promise<void> {
    for (let turn = 0; turn < 20 && this.held.length === 0; turn += 1) await turnOfLoop();
    const [resolve] = this.held.splice(0, 1);
    if (!resolve) throw new Error('No query is under way.');
    resolve();
    await turnOfLoop();
  }
}

function turnOfLoop(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function withStore() {
  const clock = { nowMs: 1_000_000 };
  const nowMs = () => clock.nowMs;
  const store = new SlowStore();
  const authenticator = new BearerAuthenticator({
    apiKeys: new ApiKeyVerifier(store, nowMs),
    jwts: null,
    failuresMaxPerAddress: FAILURES_MAX,
    nowMs,
  });
  const ask = (key: string) => codeOf(authenticator.authenticate(`Bearer ${key}`));
  return { clock, store, ask };
}

function withAnswers(answer: (credential: string) => Promise<Verified>) {
  const answering = answeringAuthenticator(answer);
  const ask = (credential: string) =>
    codeOf(answering.authenticator.authenticate(`Bearer ${credential}`, ADDRESS));
  return { ...answering, ask };
}

function codeOf(asked: Promise<unknown>): Promise<string> {
  return asked.then(
    () => 'served',
    (error: unknown) => (error as { readonly code: string }).code,
  );
}

describe('a look-up that is under way', () => {
  test('when its key is revoked serves for two seconds from its start, however late the answer is', async () => {
    const { clock, store, ask } = withStore();
    const { key, prefix } = store.add();
    const before = ask(key);
    await turnOfLoop();
    expect(store.queries).toBe(1);
    store.revoke(prefix);
    clock.nowMs += CACHED_MS - 1;
    await store.answer();
    expect(await before).toBe('served');
    expect(await ask(key)).toBe('served');
    clock.nowMs += 1;
    const after = ask(key);
    await store.answer();
    expect(await after).toBe('UNAUTHENTICATED');
  });

  test('gives its answer to no request of another credential with the same prefix', async () => {
    const { store, ask } = withStore();
    const { key, prefix } = store.add();
    const guess = `${prefix}.${'A'.repeat(43)}`;
    const both = [ask(guess), ask(key)];
    await store.answer();
    expect(await Promise.all(both)).toEqual(['UNAUTHENTICATED', 'served']);
    expect(store.queries).toBe(1);
  });

  test('is shared by all requests with its key, and the next one begins after it has ended', async () => {
    const { clock, store, ask } = withStore();
    const { key } = store.add();
    const first = [ask(key), ask(key)];
    await turnOfLoop();
    const second = ask(key);
    await store.answer();
    expect(await Promise.all([...first, second])).toEqual(['served', 'served', 'served']);
    expect(store.queries).toBe(1);
    clock.nowMs += CACHED_MS;
    const third = ask(key);
    await store.answer();
    expect(await third).toBe('served');
    expect(store.queries).toBe(2);
  });

  test('and began before the revocation answers no request that arrived after it', async () => {
    const store = new SlowStore();
    const verifier = new ApiKeyVerifier(store, () => 1_000);
    const { key, prefix } = store.add();
    const before = codeOf(verifier.verify(key));
    await turnOfLoop();
    store.revoke(prefix);
    const after = codeOf(verifier.verify(key));
    await store.answer();
    await store.answer();
    expect([await before, await after]).toEqual(['served', 'UNAUTHENTICATED']);
  });
});

test('a rotation between two look-ups: the new key is served at once, the old one for two seconds', async () => {
  const { clock, store, ask } = withStore();
  const old = store.add();
  const first = ask(old.key);
  await store.answer();
  expect(await first).toBe('served');
  const fresh = store.add();
  store.revoke(old.prefix);
  const second = ask(fresh.key);
  await store.answer();
  expect([await second, await ask(old.key)]).toEqual(['served', 'served']);
  clock.nowMs += CACHED_MS;
  const both = [ask(old.key), ask(fresh.key)];
  await store.answer();
  expect(await Promise.all(both)).toEqual(['UNAUTHENTICATED', 'served']);
});

test('a credential that expires during its verification is verified again by the next request', async () => {
  const { clock, verified, ask } = withAnswers(async () => {
    await turnOfLoop();
    if (verified.length > 1) throw new UnauthenticatedError('It is expired.');
    clock.nowMs += 100;
    return served(1_000_050);
  });
  expect(await ask('short.key')).toBe('served');
  expect(await ask('short.key')).toBe('UNAUTHENTICATED');
  expect(verified).toHaveLength(2);
});

test('a key server that fails late leaves no refusal behind: the next request is verified', async () => {
  let away = true;
  const { clock, verified, ask } = withAnswers(async () => {
    await turnOfLoop();
    clock.nowMs += 3_000;
    if (away) throw new AuthenticationUnavailableError('The keys could not be fetched.');
    return served(null);
  });
  expect(await Promise.all([ask('a.b'), ask('a.b')])).toEqual([
    'AUTHENTICATION_UNAVAILABLE',
    'AUTHENTICATION_UNAVAILABLE',
  ]);
  expect(verified).toHaveLength(1);
  away = false;
  expect(await ask('a.b')).toBe('served');
});

test("a verification across the window's edge gives its failure back to its own window", async () => {
  let release: () => void = () => undefined;
  const slow = new Promise<void>((resolve) => (release = resolve));
  const { clock, ask } = withAnswers(async (credential) => {
    if (credential !== 'good.key') throw new UnauthenticatedError('No.');
    await slow;
    return served(null);
  });
  const good = ask('good.key');
  clock.nowMs += FAILURE_WINDOW_MS;
  for (let i = 0; i < FAILURES_MAX; i += 1) expect(await ask(`bad.${i}`)).toBe('UNAUTHENTICATED');
  release();
  expect(await good).toBe('served');
  expect(await ask('bad.more')).toBe('TOO_MANY_FAILURES');
  clock.nowMs += FAILURE_WINDOW_MS - 1;
  expect(await ask('bad.more')).toBe('TOO_MANY_FAILURES');
  clock.nowMs += 1;
  expect(await ask('bad.more')).toBe('UNAUTHENTICATED');
});

test('a flood of bad credentials evicts no good one', async () => {
  const { authenticator, verified, ask } = withAnswers(async (credential) => {
    await Promise.resolve();
    if (credential !== 'good.key') throw new UnauthenticatedError('No.');
    return served(null);
  });
  expect(await ask('good.key')).toBe('served');
  for (let i = 0; i < 10_001; i += 1) {
    expect(await codeOf(authenticator.authenticate(`Bearer bad.${i}`))).toBe('UNAUTHENTICATED');
  }
  expect(await ask('good.key')).toBe('served');
  expect(verified.filter((credential) => credential === 'good.key')).toHaveLength(1);
});
