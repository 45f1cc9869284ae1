/** Making, listing, ending and replacing API keys: what `npm run keys` does, without its words. */
import { isValidKeyName, newSecret, type ApiKeyListing } from './api-key.js';
import type { ApiKeyStore } from './api-key-store.js';
import type { Scope } from './principal.js';

/** What was asked for cannot be done. Nothing was changed; the message is for the operator. */
export class ApiKeyRequestError extends Error {
  readonly code = 'API_KEY_REQUEST' as const;
  constructor(message: string) {
    super(message);
    this.name = 'ApiKeyRequestError';
  }
}

export interface NewApiKey {
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
  readonly expiresAt: Date | null;
}

export class ApiKeys {
  constructor(
    private readonly store: ApiKeyStore,
    private readonly nowMs: () => number = Date.now,
  ) {}

  /**
   * Resolves with the whole key, which can never be shown again.
   * @throws ApiKeyRequestError
   */
  async create(request: NewApiKey): Promise<string> {
    const { name, scopes, expiresAt } = request;
    if (!isValidKeyName(name)) {
      throw new ApiKeyRequestError(
        'A name is 1 to 63 characters of a-z 0-9 . _ - and begins with a letter or a digit.',
      );
    }
    if (scopes.size === 0) throw new ApiKeyRequestError('A key without a scope may do nothing.');
    if (expiresAt && expiresAt.getTime() <= this.nowMs()) {
      throw new ApiKeyRequestError('The key would have expired already.');
    }
    const { prefix, secretSha256, key } = newSecret();
    await this.store.add({ prefix, name, secretSha256, scopes, expiresAt });
    return key;
  }

  list(): Promise<readonly ApiKeyListing[]> {
    return this.store.list();
  }

  /** @throws ApiKeyRequestError where there is no such key. */
  async revoke(prefix: string): Promise<void> {
    if (!(await this.store.revoke(prefix))) throw new ApiKeyRequestError(noKey(prefix));
  }

  /**
   * A new key with the name and the scopes of the given one, which ends after the overlap. The principal stays the
   * same, and with it the idempotency keys. An expiry is not taken over: it is said anew.
   * @throws ApiKeyRequestError where there is no such key, or it has ended.
   */
  async rotate(
    prefix: string,
    options: { readonly overlapMs: number; readonly expiresAt: Date | null },
  ): Promise<string> {
    const [old] = await this.store.findByPrefixes([prefix]);
    if (!old) throw new ApiKeyRequestError(noKey(prefix));
    const ended = old.expiresAt !== null && old.expiresAt.getTime() <= this.nowMs();
    if (old.revokedAt || ended) {
      throw new ApiKeyRequestError(`The key ${prefix} has ended; create a new one.`);
    }
    const { name, scopes } = old;
    const key = await this.create({ name, scopes, expiresAt: options.expiresAt });
    if (options.overlapMs === 0) await this.store.revoke(prefix);
    else await this.store.expire(prefix, new Date(this.nowMs() + options.overlapMs));
    return key;
  }
}

function noKey(prefix: string): string {
  return `There is no key ${prefix}; "npm run keys -- list" shows all of them.`;
}
