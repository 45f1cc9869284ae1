/** A migrated database of a test file's own, on the server that the global setup brought. */
import { randomBytes } from 'node:crypto';
import { Sequelize } from 'sequelize';
import { openPool } from '../../src/database/connections.js';
import { migrate } from '../../src/database/migrator.js';
import { verifyLedger, type LedgerReport } from '../../src/database/reading/ledger-verification.js';

export interface FreshDatabase {
  readonly url: string;
  /** For looking behind the scenes, and for damaging things. */
  readonly sequelize: Sequelize;
  verifyLedger(): Promise<LedgerReport>;
  drop(): Promise<void>;
}

export function givenUrl(name: 'MYSQL_URL' | 'REDIS_URL'): string {
  const url = process.env[name];
  if (!url) throw new Error(`${name} is not set: run the tests by "npm test".`);
  return url;
}

/** Creates the database on the server at `serverUrl`, by default the one of the global setup. */
export async function createFreshDatabase(serverUrl?: string): Promise<FreshDatabase> {
  const url = new URL(serverUrl ?? givenUrl('MYSQL_URL'));
  const name = `test_${randomBytes(6).toString('hex')}`;
  const server = openPool({ url: url.href }, 1);
  await server.query(`CREATE DATABASE ${name}`);
  url.pathname = `/${name}`;
  await migrate(url.href);
  const sequelize = openPool({ url: url.href }, 4);
  return {
    url: url.href,
    sequelize,
    verifyLedger: () => verifyLedger(sequelize),
    drop: async () => {
      await sequelize.close();
      await server.query(`DROP DATABASE ${name}`);
      await server.close();
    },
  };
}
