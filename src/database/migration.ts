/** A step of the schema, forward only, and never edited once it has been released. */
import type { Sequelize } from 'sequelize';
import type { MigrationFn } from 'umzug';

export type Migration = MigrationFn<Sequelize>;
