/**
 * For writes that processes hand to each other: the attempts that must not be applied any more, and the key by which
 * the servers know each other's messages.
 */
import { randomBytes } from 'node:crypto';
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

const KEY_BYTES = 32;

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS withdrawn_writes (
      call_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
      attempt INT UNSIGNED NOT NULL,
      withdrawn_at DATETIME(6) NOT NULL,
      KEY withdrawn_writes_to_forget (withdrawn_at)
    ) ENGINE = InnoDB`);
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS fleet_keys (
      name VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
      secret BINARY(${KEY_BYTES}) NOT NULL
    ) ENGINE = InnoDB`);
  await sequelize.query(
    `INSERT INTO fleet_keys (name, secret) VALUES ('delegation', ?)
     ON DUPLICATE KEY UPDATE name = fleet_keys.name`,
    { replacements: [randomBytes(KEY_BYTES)] },
  );
};
