/** Where a process writes to find out whether it can commit: a row for each slot, of which each process uses one. */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

export const up: MigrationFn<Sequelize> = async ({ context: sequelize }) => {
  await sequelize.query(`
    CREATE TABLE IF NOT EXISTS commit_probes (
      slot SMALLINT UNSIGNED NOT NULL,
      committed_at DATETIME(3) NOT NULL,
      PRIMARY KEY (slot)
    ) ENGINE = InnoDB`);
};
