/**
 * API keys, found by their prefix. Only the SHA-256 of the secret is stored. Several keys can have one name, which is
 * the principal's: a key is rotated under the same name. Revoked keys are kept.
 */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS api_keys (
      prefix VARCHAR(32) ${ASCII} NOT NULL PRIMARY KEY,
      name VARCHAR(63) ${ASCII} NOT NULL,
      secret_sha256 BINARY(32) NOT NULL,
      scopes VARCHAR(255) ${ASCII} NOT NULL,
      created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
      expires_at DATETIME(3) NULL,
      revoked_at DATETIME(6) NULL,
      KEY api_keys_by_name (name, created_at)
    ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci`);
};
