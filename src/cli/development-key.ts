/** An API key for a program that `stockade dev` runs, where the server asks for credentials. */
import { ApiKeys } from '../auth/api-keys.js';
import type { Config } from '../config.js';
import { MysqlApiKeyStore } from '../database/api-key-store.js';
import { Database } from '../database/connections.js';

const LIFETIME_MS = 86_400_000;

export interface DevelopmentKey {
  /** The header's value; null where no credential is needed. */
  readonly authorization: string | null;
  /** Ends the key, so that none is left in a database that is kept. */
  revoke(): Promise<void>;
}

export async function createDevelopmentKey(
  { auth, mysqlUrl }: Config,
  name: string,
): Promise<DevelopmentKey> {
  if (auth.length === 0) return { authorization: null, revoke: () => Promise.resolve() };
  const database = new Database({ url: mysqlUrl, poolMax: 4, commitsMax: 1 });
  const keys = new ApiKeys(new MysqlApiKeyStore(database));
  try {
    const scopes = new Set(['read', 'deduct', 'manage'] as const);
    const expiresAt = new Date(Date.now() + LIFETIME_MS);
    const key = await keys.create({ name, scopes, expiresAt });
    const revoke = async () => {
      await keys.revoke(key.split('.')[0] ?? '').finally(() => database.close());
    };
    return { authorization: `Bearer ${key}`, revoke };
  } catch (error) {
    await database.close();
    throw error;
  }
}
