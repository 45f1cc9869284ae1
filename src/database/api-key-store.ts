/** ApiKeyStore on MySQL. Keys are read through the pool for control, so nothing else delays authentication. */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { ApiKey, ApiKeyListing } from '../auth/api-key.js';
import type { ApiKeyStore } from '../auth/api-key-store.js';
import { AuthenticationUnavailableError, toScopes } from '../auth/principal.js';
import { faultOf } from './errors.js';

interface Row {
  readonly prefix: string;
  readonly name: string;
  readonly secretSha256: Buffer;
  readonly scopes: string;
  readonly createdAt: Date;
  readonly expiresAt: Date | null;
  readonly revokedAt: Date | null;
}

const SELECT = `SELECT prefix, name, secret_sha256 AS secretSha256, scopes, created_at AS createdAt,
  expires_at AS expiresAt, revoked_at AS revokedAt FROM api_keys`;
const SEPARATOR = ',';

export class MysqlApiKeyStore implements ApiKeyStore {
  constructor(
    private readonly pools: { readonly control: Sequelize; readonly writer: Sequelize },
  ) {}

  async findByPrefixes(prefixes: readonly string[]): Promise<readonly ApiKey[]> {
    if (prefixes.length === 0) return [];
    return this.read(`${SELECT} WHERE prefix IN (:prefixes)`, { prefixes });
  }

  findUnrevoked(max: number): Promise<readonly ApiKey[]> {
    const sql = `${SELECT} WHERE revoked_at IS NULL ORDER BY created_at DESC, prefix LIMIT :max`;
    return this.read(sql, { max });
  }

  list(): Promise<readonly ApiKeyListing[]> {
    return this.read(`${SELECT} ORDER BY name, created_at, prefix`, {});
  }

  async add(key: Omit<ApiKey, 'revokedAt'>): Promise<void> {
    await this.pools.writer.query(
      `INSERT INTO api_keys (prefix, name, secret_sha256, scopes, expires_at)
       VALUES (:prefix, :name, :secretSha256, :scopes, :expiresAt)`,
      { replacements: { ...key, scopes: [...key.scopes].join(SEPARATOR) } },
    );
  }

  async revoke(prefix: string): Promise<boolean> {
    const revoked = await this.change('revoked_at = COALESCE(revoked_at, NOW(6))', { prefix });
    return revoked > 0 || (await this.findByPrefixes([prefix])).length > 0;
  }

  async expire(prefix: string, at: Date): Promise<void> {
    await this.change('expires_at = LEAST(COALESCE(expires_at, :at), :at)', { prefix, at });
  }

  private async read(
    sql: string,
    replacements: Record<string, unknown>,
  ): Promise<readonly ApiKeyListing[]> {
    try {
      const rows = await this.pools.control.query<Row>(sql, {
        replacements,
        type: QueryTypes.SELECT,
      });
      return rows.map((row) => ({ ...row, scopes: toScopes(row.scopes.split(SEPARATOR)) }));
    } catch (error) {
      if (faultOf(error) === 'BUG') throw error;
      throw new AuthenticationUnavailableError(
        'The database with the API keys does not answer. Try again.',
        {
          cause: error,
        },
      );
    }
  }

  /** @returns how many rows were changed. */
  private async change(assignment: string, replacements: Record<string, unknown>): Promise<number> {
    const [, rows] = await this.pools.writer.query(
      `UPDATE api_keys SET ${assignment} WHERE prefix = :prefix`,
      { replacements, type: QueryTypes.UPDATE },
    );
    return rows;
  }
}
