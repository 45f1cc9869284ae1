/**
 * ExclusiveTurns by MySQL's GET_LOCK: the lock is the session's and ends with it, so no crash can leave it behind. It
 * is per server; behind several primaries two processes may work at once, which whatever works under it has to bear.
 */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { ExclusiveTurns } from '../inventory/recurring-work.js';
import { available } from './errors.js';

/** Its name may have 64 characters, and so may a database's. */
const LOCK_NAME = 'CONCAT(?, LEFT(SHA2(DATABASE(), 256), 40))';

export class NamedTurns implements ExclusiveTurns {
  constructor(private readonly pools: { readonly reader: Sequelize }) {}

  async exclusively(name: string, work: () => Promise<void>): Promise<void> {
    const { reader } = this.pools;
    await available(() =>
      // The transaction is there to keep the connection.
      reader.transaction(async (transaction) => {
        const call = async (sql: string) => {
          const [row] = await reader.query<{ taken: number | null }>(`SELECT ${sql} AS taken`, {
            replacements: [`stockade.${name}.`],
            transaction,
            type: QueryTypes.SELECT,
          });
          return row?.taken === 1;
        };
        if (!(await call(`GET_LOCK(${LOCK_NAME}, 0)`))) return;
        try {
          await work();
        } finally {
          await call(`RELEASE_LOCK(${LOCK_NAME})`);
        }
      }),
    );
  }
}
