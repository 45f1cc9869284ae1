/** Creates, lists, revokes and rotates API keys: what the `keys` commands do, without their texts. */
import { isValidKeyName, newSecret, type ApiKeyListing } from './api-key.js';
import type { ApiKeyStore } from './api-key-store.js';
import { SCOPES, type Scope } from './principal.js';

/** The operator's request cannot be carried out. Nothing was changed. */
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
   * Resolves with the whole key, which cannot be shown again.
   * @throws ApiKeyRequestError
   */
  async create(request: NewApiKey): Promise<string> {
    const { name, scopes, expiresAt } = request;
    if (!isValidKeyName(name)) {
      throw new ApiKeyRequestError(
        'A name must have 1 to 63 characters of a-z 0-9 . _ - and begin with a letter or a digit; ' +
          `got ${JSON.stringify(name)}.`,
      );
    }
    if (scopes.size === 0) {
      throw new ApiKeyRequestError(
        `A key must have at least one scope; got none. Scopes: ${SCOPES.join(', ')}.`,
      );
    }
    if (expiresAt && expiresAt.getTime() <= this.nowMs()) {
      throw new ApiKeyRequestError(
        `The expiry must be in the future; got ${expiresAt.toISOString()}.`,
      );
    }
    const { prefix, secretSha256, key } = newSecret();
    await this.store.add({ prefix, name, secretSha256, scopes, expiresAt });
    return key;
  }

  list(): Promise<readonly ApiKeyListing[]> {
    return this.store.list();
  }

  /** @throws ApiKeyRequestError where the key is unknown. */
  async revoke(prefix: string): Promise<void> {
    if (!(await this.store.revoke(prefix))) throw new ApiKeyRequestError(noKey(prefix));
  }

  /**
   * Creates a key with the name and scopes of the given one, which expires after the overlap. The principal stays the
   * same, and so do its idempotency keys. The new key does not inherit the expiry.
   * @throws ApiKeyRequestError where the key is unknown, expired or revoked.
   */
  async rotate(
    prefix: string,
    options: { readonly overlapMs: number; readonly expiresAt: Date | null },
  ): Promise<string> {
    const [old] = await this.store.findByPrefixes([prefix]);
    if (!old) throw new ApiKeyRequestError(noKey(prefix));
    const expired = old.expiresAt !== null && old.expiresAt.getTime() <= this.nowMs();
    if (old.revokedAt || expired) {
      throw new ApiKeyRequestError(
        `The key to rotate must be valid; ${prefix} is ${old.revokedAt ? 'revoked' : 'expired'}. Create a new key.`,
      );
    }
    const { name, scopes } = old;
    const key = await this.create({ name, scopes, expiresAt: options.expiresAt });
    if (options.overlapMs === 0) await this.store.revoke(prefix);
    else await this.store.expire(prefix, new Date(this.nowMs() + options.overlapMs));
    return key;
  }
}

function noKey(prefix: string): string {
  return `Unknown key ${prefix}; "npm run keys -- list" shows all keys.`;
}
