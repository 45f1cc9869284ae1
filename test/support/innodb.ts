/**
 * What InnoDB tells about its locks, on MySQL and MariaDB alike, so that
 * tests wait for what happens and not for time.
 */
import { setTimeout as wait } from 'node:timers/promises';
import { QueryTypes, type Sequelize, type Transaction } from 'sequelize';
import { openPool } from '../../src/database/pool.js';

const PATIENCE_MS = 30_000;
/** InnoDB shows its transactions from a cache, and leaves it as it is while it is read more often than this. */
const CACHE_LASTS_MS = 100;

async function read<Row extends object>(sequelize: Sequelize, sql: string): Promise<Row[]> {
  return sequelize.query<Row>(sql, { type: QueryTypes.SELECT });
}

/** Deadlocks that the server has resolved since it was started. */
async function deadlocksSoFar(sequelize: Sequelize): Promise<number> {
  const [row] = await read<{ deadlocks: number }>(
    sequelize,
    `SELECT COUNT AS deadlocks FROM information_schema.INNODB_METRICS WHERE NAME = 'lock_deadlocks'`,
  );
  if (!row) throw new Error('The server does not count its deadlocks.');
  return row.deadlocks;
}

const ROUNDS_MAX = 3;

/**
 * Whether transactions of this database have met a deadlock in a round. The server counts the deadlocks of all
 * databases, and other tests make some on purpose, but it describes the last one, with its tables. Where it has
 * resolved several, so that not each is described, the round is run again.
 *
 * @param round does what it does with products of its own.
 */
export async function deadlocksIn(
  sequelize: Sequelize,
  round: () => Promise<void>,
): Promise<'NONE' | 'OWN' | 'NOT_KNOWN'> {
  for (let number = 0; number < ROUNDS_MAX; number += 1) {
    const before = await deadlocksSoFar(sequelize);
    await round();
    const met = (await deadlocksSoFar(sequelize)) - before;
    if (met === 0) return 'NONE';
    if (await isLastDeadlockOwn(sequelize)) return 'OWN';
    const isLastDescribed = (await deadlocksSoFar(sequelize)) === before + 1;
    if (isLastDescribed) return 'NONE';
  }
  return 'NOT_KNOWN';
}

async function isLastDeadlockOwn(sequelize: Sequelize): Promise<boolean> {
  const [status] = await read<{ Status: string }>(sequelize, 'SHOW ENGINE INNODB STATUS');
  const [database] = await read<{ name: string }>(sequelize, 'SELECT DATABASE() AS name');
  const [, after] = status?.Status.split('LATEST DETECTED DEADLOCK') ?? [];
  // The next part of the status begins with a line of hyphens and a title.
  const [described] = after?.split(/^-+\nTRANSACTIONS$/m) ?? [];
  if (!described || !database) throw new Error('The server does not describe its last deadlock.');
  return described.includes(`\`${database.name}\`.`);
}

/** Waits until so many transactions of this database wait for a row that another one has locked. */
export async function untilRowsAreWaitedFor(sequelize: Sequelize, waiters = 1): Promise<void> {
  await until(`${waiters} transaction(s) wait for a row`, async () => {
    const [row] = await read<{ waiting: number }>(
      sequelize,
      `SELECT COUNT(*) AS waiting FROM information_schema.INNODB_TRX AS trx
       JOIN information_schema.PROCESSLIST AS connection ON connection.ID = trx.trx_mysql_thread_id
       WHERE trx_state = 'LOCK WAIT' AND connection.DB = DATABASE()`,
    );
    return Number(row?.waiting) >= waiters;
  });
}

/** Waits, within a bound, until something is so. */
async function until(what: string, condition: () => Promise<boolean>): Promise<void> {
  const giveUpMs = performance.now() + PATIENCE_MS;
  do {
    if (performance.now() > giveUpMs) throw new Error(`Never seen: ${what}.`);
    // First the cache has to forget what an earlier test saw.
    await wait(CACHE_LASTS_MS + 20);
  } while (!(await condition()));
}

/** Ids of the connections to this database that have a transaction open. */
export async function connectionsInTransaction(sequelize: Sequelize): Promise<readonly number[]> {
  await wait(CACHE_LASTS_MS + 20);
  const rows = await read<{ id: number }>(
    sequelize,
    `SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX AS trx
     JOIN information_schema.PROCESSLIST AS connection ON connection.ID = trx.trx_mysql_thread_id
     WHERE connection.DB = DATABASE() AND trx.trx_mysql_thread_id <> CONNECTION_ID()`,
  );
  return rows.map((row) => row.id);
}

/** Locks a product's levels as a stranger's transaction would, for as long as a test wants. */
export async function holdRow(databaseUrl: string, productId: string): Promise<HeldRow> {
  const sequelize = openPool({ url: databaseUrl }, 1);
  const transaction = await sequelize.transaction();
  const [row] = await sequelize.query<{ id: number }>('SELECT CONNECTION_ID() AS id', {
    transaction,
    type: QueryTypes.SELECT,
  });
  const held = new HeldRow(sequelize, transaction, row?.id ?? 0);
  await held.lock(productId);
  return held;
}

/** The stranger's transaction, on a connection of its own. */
export class HeldRow {
  constructor(
    private readonly sequelize: Sequelize,
    private readonly transaction: Transaction,
    readonly connectionId: number,
  ) {}

  /** Another product's, too. */
  async lock(productId: string): Promise<void> {
    await this.query('SELECT version FROM stock_levels WHERE product_id = ? FOR UPDATE', [
      productId,
    ]);
  }

  /** Of two transactions in a deadlock InnoDB gives up the one that has changed less. */
  async changeMuch(): Promise<void> {
    const rows = Array.from({ length: 200 }, (_, i) => [`stranger-${i}`, 'Nowhere']);
    await this.query('INSERT INTO locations (id, name) VALUES ?', [rows]);
  }

  /** Undoes everything and lets go of the rows. */
  async release(): Promise<void> {
    await this.transaction.rollback();
    await this.sequelize.close();
  }

  private async query(sql: string, replacements: unknown[]): Promise<void> {
    await this.sequelize.query(sql, { replacements, transaction: this.transaction });
  }
}
