/** A migrated database of a test file's own, on the server that the global setup brought. */
import { randomBytes } from 'node:crypto';
import { QueryTypes, Sequelize } from 'sequelize';
import { openPool } from '../../src/database/pool.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { migrate } from '../../src/database/migrator.js';
import { verifyLedger, type LedgerReport } from '../../src/database/reading/ledger-verification.js';
import { MysqlProductCatalogue } from '../../src/database/reading/product-catalogue.js';
import { inTenSeconds, onePool } from './one-pool.js';
import { newProductId } from './product-ids.js';

export interface FreshDatabase {
  readonly url: string;
  /** For looking behind the scenes, and for damaging things. */
  readonly sequelize: Sequelize;
  /** Creates a product without a server, and resolves with its id. */
  newProduct(quantity: number): Promise<string>;
  /** The units of a product at one location; undefined where it has no level there. */
  onHand(productId: string, locationId?: string): Promise<number | undefined>;
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
  const onServer = serverUrl ?? givenUrl('MYSQL_URL');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const server = openPool({ url: onServer }, 1);
  await server.query(`CREATE DATABASE ${name}`);
  const url = withDatabase(onServer, name);
  await migrate(url);
  const sequelize = openPool({ url }, 4);
  return {
    url,
    sequelize,
    newProduct: (quantity) => createProduct(sequelize, quantity),
    onHand: (productId, locationId = 'default') => onHand(sequelize, productId, locationId),
    verifyLedger: () => verifyLedger(sequelize),
    drop: async () => {
      await sequelize.close();
      await server.query(`DROP DATABASE ${name}`);
      await server.close();
    },
  };
}

async function createProduct(sequelize: Sequelize, quantity: number): Promise<string> {
  const id = newProductId();
  const product = { id, name: id, quantity, locationId: 'default', lowStockThreshold: null };
  const catalogue = new MysqlProductCatalogue(onePool(sequelize));
  const outcome = await catalogue.createProduct(product, inTenSeconds());
  if (typeof outcome === 'string')
    throw new Error(`The product ${id} was not created: ${outcome}.`);
  return id;
}

async function onHand(
  sequelize: Sequelize,
  productId: string,
  locationId: string,
): Promise<number | undefined> {
  const [row] = await sequelize.query<{ onHand: number }>(
    'SELECT on_hand AS onHand FROM stock_levels WHERE product_id = ? AND location_id = ?',
    { replacements: [productId, locationId], type: QueryTypes.SELECT },
  );
  return row?.onHand;
}
