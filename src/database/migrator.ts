/**
 * Brings the schema up to date, forward only, one process at a time.
 *
 * On one server MySQL's GET_LOCK decides whose turn it is: when the process dies, its session ends and with it the
 * lock. In a group or in Galera a row decides (migration-claim.ts), because GET_LOCK is per server. There, a process
 * whose server takes no writes waits until another one has migrated.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MigrationFn, MigrationParams } from 'umzug';
import { openPool } from './pool.js';
import * as stock from './migrations/2026.11.24T00.00.00.stock.js';
import * as reservations from './migrations/2026.11.25T00.00.00.reservations.js';
import * as apiKeys from './migrations/2026.11.25T01.00.00.api-keys.js';
import * as reservationIds from './migrations/2026.11.28T00.00.00.reservation-ids.js';
import * as operationAnswers from './migrations/2026.11.28T01.00.00.operation-answers.js';
import * as lowStock from './migrations/2026.11.28T02.00.00.low-stock.js';
import * as reservationList from './migrations/2026.11.28T03.00.00.reservation-list.js';
import * as commitProbe from './migrations/2026.11.28T04.00.00.commit-probe.js';
import * as delegation from './migrations/2026.11.29T00.00.00.delegation.js';
import * as archivedProducts from './migrations/2026.11.29T01.00.00.archived-products.js';
import * as productWords from './migrations/2026.11.29T02.00.00.product-words.js';
import * as ledgerIndexes from './migrations/2026.11.29T03.00.00.ledger-indexes.js';
import * as waited from './migrations/2026.11.29T04.00.00.waited.js';
import { isInCluster, underClaim, type ClaimedWork } from './migration-claim.js';
import { NAMED_LOCK } from './named-locks.js';

/** Forward only. A migration is never edited after its release. */
const MIGRATIONS: readonly { readonly name: string; readonly up: MigrationFn<Sequelize> }[] = [
  { name: '2026.11.24T00.00.00.stock', up: stock.up },
  { name: '2026.11.25T00.00.00.reservations', up: reservations.up },
  { name: '2026.11.25T01.00.00.api-keys', up: apiKeys.up },
  { name: '2026.11.28T00.00.00.reservation-ids', up: reservationIds.up },
  { name: '2026.11.28T01.00.00.operation-answers', up: operationAnswers.up },
  { name: '2026.11.28T02.00.00.low-stock', up: lowStock.up },
  { name: '2026.11.28T03.00.00.reservation-list', up: reservationList.up },
  { name: '2026.11.28T04.00.00.commit-probe', up: commitProbe.up },
  { name: '2026.11.29T00.00.00.delegation', up: delegation.up },
  { name: '2026.11.29T01.00.00.archived-products', up: archivedProducts.up },
  { name: '2026.11.29T02.00.00.product-words', up: productWords.up },
  { name: '2026.11.29T03.00.00.ledger-indexes', up: ledgerIndexes.up },
  { name: '2026.11.29T04.00.00.waited', up: waited.up },
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

/** The wait for the lock, which another process holds, timed out. */
export class MigrationBusyError extends Error {
  readonly code = 'MIGRATION_BUSY' as const;
  constructor() {
    super(
      `Another process has held the migration lock for over ${LOCK_WAIT_SECONDS} s. ` +
        'Wait for it to end, or end it, and run the migration again.',
    );
    this.name = 'MigrationBusyError';
  }
}

/**
 * Applies pending migrations; resolves with their names.
 * @throws MigrationBusyError, ClaimLostError
 */
export async function migrate(url: string): Promise<readonly string[]> {
  return onOneConnection(url, async (sequelize) => {
    if (await isInCluster(sequelize)) return migrateInCluster(url, sequelize);
    const [lock] = await sequelize.query<{ taken: number | null }>(
      `SELECT GET_LOCK(${NAMED_LOCK}, ?) AS taken`,
      { replacements: [LOCK_PREFIX, LOCK_WAIT_SECONDS], type: QueryTypes.SELECT },
    );
    if (lock?.taken !== 1) throw new MigrationBusyError();
    return (await readPending(sequelize)).length === 0 ? [] : applyPending(sequelize);
  });
}

async function migrateInCluster(url: string, sequelize: Sequelize): Promise<readonly string[]> {
  const work: ClaimedWork = {
    isDone: async () => (await readPending(sequelize)).length === 0,
    run: (assertOwner) => applyPending(sequelize, assertOwner),
  };
  const applied = await onOneConnection(url, (renewing) =>
    underClaim(sequelize, renewing, work, LOCK_WAIT_SECONDS * 1_000),
  );
  if (!applied) throw new MigrationBusyError();
  return applied;
}

/** @param beforeEach awaited before each migration. */
async function applyPending(
  sequelize: Sequelize,
  beforeEach: () => Promise<void> = () => Promise.resolve(),
): Promise<readonly string[]> {
  // Takes as long to load as Sequelize, and most starts find nothing to do.
  const { SequelizeStorage, Umzug } = await import('umzug');
  const umzug = new Umzug({
    migrations: MIGRATIONS.map(({ name, up }) => ({
      name,
      up: async (params: MigrationParams<Sequelize>) => {
        await beforeEach();
        await up(params);
      },
    })),
    context: sequelize,
    storage: new SequelizeStorage({ sequelize, tableName: TABLE }),
    logger: undefined,
  });
  const applied = await umzug.up();
  return applied.map((migration) => migration.name);
}

/**
 * Only reads, for a database user that may not change tables: umzug would create its own table to look into it.
 * @throws SchemaOutdatedError where migrations are pending.
 */
export async function assertMigrated(url: string): Promise<void> {
  await onOneConnection(url, async (sequelize) => {
    const pending = await readPending(sequelize);
    if (pending.length > 0) throw new SchemaOutdatedError(pending);
  });
}

async function readPending(sequelize: Sequelize): Promise<readonly string[]> {
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
  return MIGRATIONS.map(({ name }) => name).filter((name) => !names.has(name));
}

async function onOneConnection<T>(
  url: string,
  work: (sequelize: Sequelize) => Promise<T>,
): Promise<T> {
  const hourMs = 3_600_000;
  // The connection is silent while it waits for the lock or changes a large table.
  const sequelize = openPool({ url, silenceMaxMs: hourMs }, 1, {
    pool: { max: 1, min: 1, idle: hourMs, evict: hourMs, acquire: (LOCK_WAIT_SECONDS + 5) * 1_000 },
  });
  try {
    return await work(sequelize);
  } finally {
    await sequelize.close();
  }
}
