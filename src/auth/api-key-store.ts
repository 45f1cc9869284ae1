/** What API keys need of storage; src/database implements it. */
import type { ApiKey, ApiKeyListing } from './api-key.js';

export interface ApiKeyReader {
  /**
   * The keys with these prefixes, in any order; a prefix without one is left out. At most a hundred prefixes.
   * @throws AuthenticationUnavailableError where the database does not answer.
   */
  findByPrefixes(prefixes: readonly string[]): Promise<readonly ApiKey[]>;
}

export interface ApiKeyStore extends ApiKeyReader {
  /** Rejects where the prefix is taken. */
  add(key: Omit<ApiKey, 'revokedAt'>): Promise<void>;
  /** All of them, by name, and the oldest of a name first. */
  list(): Promise<readonly ApiKeyListing[]>;
  /** Resolves with whether there is such a key. One that is revoked already keeps its time. */
  revoke(prefix: string): Promise<boolean>;
  /** Lets a key end at that time, unless it ends before. */
  expire(prefix: string, at: Date): Promise<void>;
}
