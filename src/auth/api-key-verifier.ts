/**
 * Looks API keys up, however many ask at once, with one query under way at most: whoever comes meanwhile is in the next
 * one. So a flood of keys that nobody knows costs the database one query at a time, and no connection more.
 */
import { REFUSAL, isSecretOf, splitKey, type ApiKey } from './api-key.js';
import type { ApiKeyReader } from './api-key-store.js';
import type { CredentialVerifier, Verified } from './credential.js';
import { AuthenticationUnavailableError, UnauthenticatedError } from './principal.js';

const PREFIXES_IN_QUERY_MAX = 100;
/** Prefixes that may wait for their query; beyond, asking is refused at once. */
const WAITING_MAX = 1_000;

type Lookup = PromiseWithResolvers<ApiKey | undefined>;

/** As Promise.withResolvers, which Node 20 has not. */
interface PromiseWithResolvers<T> {
  readonly promise: Promise<T>;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
}

export class ApiKeyVerifier implements CredentialVerifier {
  private readonly waiting = new Map<string, Lookup>();
  private asking = false;

  constructor(
    private readonly store: ApiKeyReader,
    private readonly nowMs: () => number = Date.now,
  ) {}

  async verify(credential: string): Promise<Verified> {
    const { prefix, secret } = splitKey(credential);
    const key = await this.find(prefix);
    const expiresAtMs = key?.expiresAt?.getTime() ?? null;
    const ended = expiresAtMs !== null && expiresAtMs <= this.nowMs();
    if (!key || !isSecretOf(key, secret) || key.revokedAt || ended) {
      throw new UnauthenticatedError(REFUSAL);
    }
    return { principal: { name: key.name, scopes: key.scopes }, expiresAtMs };
  }

  private find(prefix: string): Promise<ApiKey | undefined> {
    const known = this.waiting.get(prefix);
    if (known) return known.promise;
    if (this.waiting.size >= WAITING_MAX) {
      throw new AuthenticationUnavailableError('Too many keys wait to be looked up; try again.');
    }
    const lookup = newLookup();
    this.waiting.set(prefix, lookup);
    if (!this.asking) void this.askWhileSomebodyWaits();
    return lookup.promise;
  }

  private async askWhileSomebodyWaits(): Promise<void> {
    this.asking = true;
    while (this.waiting.size > 0) {
      const lookups = [...this.waiting].slice(0, PREFIXES_IN_QUERY_MAX);
      for (const [prefix] of lookups) this.waiting.delete(prefix);
      try {
        const found = await this.store.findByPrefixes(lookups.map(([prefix]) => prefix));
        const byPrefix = new Map(found.map((key) => [key.prefix, key]));
        for (const [prefix, lookup] of lookups) lookup.resolve(byPrefix.get(prefix));
      } catch (error) {
        for (const [, lookup] of lookups) lookup.reject(error);
      }
    }
    this.asking = false;
  }
}

function newLookup(): Lookup {
  let resolve!: Lookup['resolve'];
  let reject!: Lookup['reject'];
  const promise = new Promise<ApiKey | undefined>((resolved, rejected) => {
    resolve = resolved;
    reject = rejected;
  });
  return { promise, resolve, reject };
}
