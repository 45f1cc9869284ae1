/**
 * Makes reads slow for as long as a test wants: a session of the test's own locks a table, so every statement that
 * reads it waits at the server. MySQL also keeps writes of tables with foreign keys to it waiting.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import { openPool } from '../../src/database/pool.js';
import { until } from './until.js';

export interface LockedTable {
  /** Waits until exactly so many statements wait for the table; resolves with the ids of their connections. */
  untilWaiting(statements: number): Promise<readonly number[]>;
  /** The connections whose statements wait for the table now. */
  waiting(): Promise<readonly number[]>;
  release(): Promise<void>;
}

/** @param sequelize another pool on the same database, to watch the waiting statements. */
export async function lockTable(
  url: string,
  table: string,
  sequelize: Sequelize,
): Promise<LockedTable> {
  const owner = openPool({ url }, 1, { pool: { max: 1, min: 1, idle: 60_000 } });
  await owner.query(`LOCK TABLES ${table} WRITE`);
  const waiting = async () => {
    const rows = await sequelize.query<{ id: number }>(
      `SELECT id FROM information_schema.PROCESSLIST
       WHERE db = DATABASE() AND state LIKE 'Waiting for table%' ORDER BY id`,
      { type: QueryTypes.SELECT },
    );
    return rows.map(({ id }) => id);
  };
  return {
    waiting,
    untilWaiting: async (statements) => {
      await until(`${statements} statement(s) wait for ${table}`, async () => {
        return (await waiting()).length === statements;
      });
      return waiting();
    },
    release: async () => {
      await owner.query('UNLOCK TABLES');
      await owner.close();
    },
  };
}
