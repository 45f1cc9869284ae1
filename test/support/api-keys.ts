/** API keys for tests, made as `npm run keys` makes them. */
import { ApiKeys } from '../../src/auth/api-keys.js';
import { toScopes, type Scope } from '../../src/auth/principal.js';
import { MysqlApiKeyStore } from '../../src/database/api-key-store.js';
import type { FreshDatabase } from './fresh-database.js';

export function apiKeysOf({ sequelize }: FreshDatabase): ApiKeys {
  return new ApiKeys(new MysqlApiKeyStore({ control: sequelize, writer: sequelize }));
}

/** Resolves with the whole key. */
export function newApiKey(
  database: FreshDatabase,
  name: string,
  scopes: readonly Scope[],
  expiresAt: Date | null = null,
): Promise<string> {
  return apiKeysOf(database).create({ name, scopes: toScopes(scopes), expiresAt });
}

export function bearer(credential: string): { readonly authorization: string } {
  return { authorization: `Bearer ${credential}` };
}

export function prefixOf(key: string): string {
  return key.split('.')[0] ?? '';
}
