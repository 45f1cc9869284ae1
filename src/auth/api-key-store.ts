/** The storage that API keys need; src/database implements it. */
import type { ApiKey, ApiKeyListing } from './api-key.js';

export interface ApiKeyReader {
  /**
   * The keys with these prefixes, in any order; unknown prefixes are left out. At most 100 prefixes.
   * @throws AuthenticationUnavailableError where the database does not respond.
   */
  findByPrefixes(prefixes: readonly string[]): Promise<readonly ApiKey[]>;

  /**
   * The keys that are not revoked, at most so many, the newest first.
   * @throws AuthenticationUnavailableError where the database does not respond.
   */
  findUnrevoked(max: number): Promise<readonly ApiKey[]>;
}

export interface ApiKeyStore extends ApiKeyReader {
  /** Rejects where a key with this prefix exists. */
  add(key: Omit<ApiKey, 'revokedAt'>): Promise<void>;
  /** All keys, by name, then oldest first. */
  list(): Promise<readonly ApiKeyListing[]>;
  /** Resolves with whether the key exists. A key that is revoked already keeps its time of revocation. */
  revoke(prefix: string): Promise<boolean>;
  /** Sets the key's expiry, unless it expires earlier. */
  expire(prefix: string, at: Date): Promise<void>;
}
