/**
 * Brings the schema up to date, forward only, one process at a time.
 *
 * The whole run happens on one connection of its own that holds MySQL's GET_LOCK: when the process dies the session
 * ends and the lock with it, so no crash can leave it behind. GET_LOCK is per server; behind several primaries run
 * `npm run migrate` once instead of on every start.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import { SequelizeStorage, Umzug } from 'umzug';
import { openPool } from './connections.js';
import type { Migration } from './migration.js';
import * as stock from './migrations/2026.11.24T00.00.00.stock.js';
import * as reservations from './migrations/2026.11.25T00.00.00.reservations.js';
import * as apiKeys from './migrations/2026.11.25T01.00.00.api-keys.js';

const MIGRATIONS: readonly { readonly name: string; readonly up: Migration }[] = [
  { name: '2026.11.24T00.00.00.stock', up: stock.up },
  { name: '2026.11.25T00.00.00.reservations', up: reservations.up },
  { name: '2026.11.25T01.00.00.api-keys', up: apiKeys.up },
];

const LOCK_PREFIX = 'stockade.migrations.';
const TABLE = 'schema_migrations';
const LOCK_WAIT_SECONDS = 60;

/** The schema is older than this program. */
export class SchemaOutdatedError extends Error {
  readonly code = 'SCHEMA_OUTDATED' as const;
  constructor(readonly pending: readonly string[]) {
    super(
      `The database lacks ${pending.length} migration(s): ${pending.join(', ')}. Run "npm run migrate".`,
    );
    this.name = 'SchemaOutdatedError';
  }
}

/** Somebody else holds the lock for longer than any of our migrations takes. */
export class MigrationBusyError extends Error {
  readonly code = 'MIGRATION_BUSY' as const;
  constructor() {
    super(`Another process has been migrating for over ${LOCK_WAIT_SECONDS} s; look what it does.`);
    this.name = 'MigrationBusyError';
  }
}

/**
 * Applies what is pending; resolves with the names of what was applied.
 * @throws MigrationBusyError
 */
export async function migrate(url: string): Promise<readonly string[]> {
  return onOneConnection(url, async (sequelize) => {
    const [lock] = await sequelize.query<{ taken: number | null }>(
      // Its name may have 64 characters, and so may a database's.
      'SELECT GET_LOCK(CONCAT(?, LEFT(SHA2(DATABASE(), 256), 40)), ?) AS taken',
      { replacements: [LOCK_PREFIX, LOCK_WAIT_SECONDS], type: QueryTypes.SELECT },
    );
    if (lock?.taken !== 1) throw new MigrationBusyError();
    const umzug = new Umzug({
      migrations: MIGRATIONS.map(({ name, up }) => ({ name, up })),
      context: sequelize,
      storage: new SequelizeStorage({ sequelize, tableName: TABLE }),
      logger: undefined,
    });
    const applied = await umzug.up();
    return applied.map((migration) => migration.name);
  });
}

/**
 * Only reads, for a server whose user may not change tables; umzug would create its own table to look into it.
 * @throws SchemaOutdatedError where migrations are pending.
 */
export async function assertMigrated(url: string): Promise<void> {
  await onOneConnection(url, async (sequelize) => {
    const [there] = await sequelize.query<{ tables: number }>(
      `SELECT COUNT(*) AS tables FROM information_schema.tables
       WHERE table_schema = DATABASE() AND table_name = ?`,
      { replacements: [TABLE], type: QueryTypes.SELECT },
    );
    const applied = there?.tables
      ? await sequelize.query<{ name: string }>(`SELECT name FROM ${TABLE}`, {
          type: QueryTypes.SELECT,
        })
      : [];
    const names = new Set(applied.map(({ name }) => name));
    const pending = MIGRATIONS.map(({ name }) => name).filter((name) => !names.has(name));
    if (pending.length > 0) throw new SchemaOutdatedError(pending);
  });
}

async function onOneConnection<T>(
  url: string,
  work: (sequelize: Sequelize) => Promise<T>,
): Promise<T> {
  const hourMs = 3_600_000;
  // Waiting for the lock, or for the change of a large table, is silence.
  const sequelize = openPool({ url, silenceMaxMs: hourMs }, 1, {
    pool: { max: 1, min: 1, idle: hourMs, evict: hourMs, acquire: (LOCK_WAIT_SECONDS + 5) * 1_000 },
  });
  try {
    return await work(sequelize);
  } finally {
    await sequelize.close();
  }
}
