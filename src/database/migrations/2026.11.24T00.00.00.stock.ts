/**
 * Products, locations, levels, the ledger, and the answers stored for idempotency keys.
 *
 * Ids are ASCII and compared byte by byte. Clients' keys are VARBINARY: `_bin` collations pad with spaces, which would
 * make two keys one. CHECKs and unique keys hold whatever the code does. MySQL commits each table by itself, so every
 * step can be repeated after a crash.
 */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

const ID = 'VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin';
const TABLE = 'ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci';

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS products (
      id ${ID} NOT NULL PRIMARY KEY,
      name VARCHAR(255) NOT NULL,
      low_stock_threshold INT NULL,
      created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
      updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
      KEY products_by_name (name, id),
      CONSTRAINT products_threshold_not_negative CHECK (low_stock_threshold >= 0)
    ) ${TABLE}`);
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS locations (
      id ${ID} NOT NULL PRIMARY KEY,
      name VARCHAR(255) NOT NULL,
      created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6)
    ) ${TABLE}`);
  await sequelize.query(
    `INSERT INTO locations (id, name) VALUES ('default', 'Default') ON DUPLICATE KEY UPDATE id = id`,
  );
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS stock_levels (
      product_id ${ID} NOT NULL,
      location_id ${ID} NOT NULL,
      on_hand INT NOT NULL DEFAULT 0,
      reserved INT NOT NULL DEFAULT 0,
      last_sequence BIGINT NOT NULL DEFAULT 0,
      version BIGINT NOT NULL DEFAULT 0,
      updated_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6),
      PRIMARY KEY (product_id, location_id),
      CONSTRAINT stock_levels_product FOREIGN KEY (product_id) REFERENCES products (id),
      CONSTRAINT stock_levels_location FOREIGN KEY (location_id) REFERENCES locations (id),
      CONSTRAINT stock_levels_on_hand_not_negative CHECK (on_hand >= 0),
      CONSTRAINT stock_levels_reserved_within CHECK (reserved BETWEEN 0 AND on_hand)
    ) ${TABLE}`);
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS stock_movements (
      entry BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY,
      product_id ${ID} NOT NULL,
      location_id ${ID} NOT NULL,
      sequence BIGINT NOT NULL,
      kind VARCHAR(20) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      delta INT NOT NULL,
      quantity_before INT NOT NULL,
      quantity_after INT NOT NULL,
      available_after INT NOT NULL,
      reason VARCHAR(255) NULL,
      reference VARCHAR(255) NULL,
      operation_id BINARY(32) NOT NULL,
      line_index INT NOT NULL,
      idempotency_key VARBINARY(1020) NULL,
      principal VARCHAR(255) NULL,
      fencing_token BIGINT NULL,
      created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
      UNIQUE KEY stock_movements_by_sequence (product_id, location_id, sequence),
      UNIQUE KEY stock_movements_by_operation (operation_id, line_index),
      KEY stock_movements_by_product (product_id, entry),
      CONSTRAINT stock_movements_add_up CHECK (quantity_before + delta = quantity_after)
    ) ${TABLE}`);
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS stock_operations (
      scope VARBINARY(255) NOT NULL,
      idempotency_key VARBINARY(1020) NOT NULL,
      operation VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      fingerprint BINARY(32) NOT NULL,
      created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
      PRIMARY KEY (scope, idempotency_key)
    ) ${TABLE}`);
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS stock_operation_lines (
      scope VARBINARY(255) NOT NULL,
      idempotency_key VARBINARY(1020) NOT NULL,
      line_index INT NOT NULL,
      outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      available INT NULL,
      sequence BIGINT NULL,
      PRIMARY KEY (scope, idempotency_key, line_index)
    ) ${TABLE}`);
};
