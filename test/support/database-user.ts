/**
 * A MySQL user of a test's own: what it may read can be narrowed, and it can be shut out, without touching the server
 * that all tests share. Both are faults that operators meet.
 */
import { randomBytes } from 'node:crypto';
import { QueryTypes } from 'sequelize';
import type { FreshDatabase } from './fresh-database.js';

export interface DatabaseUser {
  /** The database's address for this user. */
  readonly url: string;
  readonly password: string;
  /** Ends its connections and refuses new ones. */
  shutOut(): Promise<void>;
  letIn(): Promise<void>;
  drop(): Promise<void>;
}

/** @param grants as in `SELECT, INSERT` for the whole database, or `SELECT (id)` with the table `products`. */
export async function createDatabaseUser(
  { sequelize, url }: FreshDatabase,
  grants: readonly { readonly rights: string; readonly table?: string }[],
): Promise<DatabaseUser> {
  const name = `user_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(12).toString('hex');
  const address = new URL(url);
  const schema = address.pathname.slice(1);
  await sequelize.query(`CREATE USER ${name}@'%' IDENTIFIED BY '${password}'`);
  for (const { rights, table = '*' } of grants) {
    await sequelize.query(`GRANT ${rights} ON ${schema}.${table} TO ${name}@'%'`);
  }
  address.username = name;
  address.password = password;
  return {
    url: address.href,
    password,
    shutOut: async () => {
      await sequelize.query(`ALTER USER ${name}@'%' ACCOUNT LOCK`);
      const connections = await sequelize.query<{ id: number }>(
        'SELECT id FROM information_schema.processlist WHERE user = ?',
        { replacements: [name], type: QueryTypes.SELECT },
      );
      // One that has ended by itself in the meantime is unknown to the server.
      await Promise.allSettled(connections.map(({ id }) => sequelize.query(`KILL ${id}`)));
    },
    letIn: async () => {
      await sequelize.query(`ALTER USER ${name}@'%' ACCOUNT UNLOCK`);
    },
    drop: async () => {
      await sequelize.query(`DROP USER ${name}@'%'`);
    },
  };
}
