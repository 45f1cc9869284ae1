/**
 * A shop for one test file: a database of its own and the server processes on it, with the
 * levels and the ledger as they are in MySQL.
 */
import { QueryTypes } from 'sequelize';
import { createFreshDatabase, givenUrl, type FreshDatabase } from './fresh-database.js';
import { startServer, type ServerProcess } from './server-process.js';

export const STOCK_LOCKS = ['redis', 'database', 'none'] as const;
export type StockLock = (typeof STOCK_LOCKS)[number] | 'redlock';

export interface LedgerLine {
  readonly productId: string;
  readonly locationId: string;
  readonly sequence: number;
  readonly kind: string;
  readonly delta: number;
  readonly quantityAfter: number;
  readonly availableAfter: number;
  readonly reference: string | null;
  readonly lineIndex: number;
  readonly idempotencyKey: string | null;
  readonly fencingToken: string | null;
}

export class Shop {
  private constructor(readonly database: FreshDatabase) {}

  static async open(mysqlUrl?: string): Promise<Shop> {
    return new Shop(await createFreshDatabase(mysqlUrl));
  }

  async startServer(
    stockLock: StockLock,
    env: Record<string, string> = {},
  ): Promise<ServerProcess> {
    return startServer({
      MYSQL_URL: this.database.url,
      REDIS_URL: givenUrl('REDIS_URL'),
      STOCK_LOCK: stockLock,
      ...env,
    });
  }

  startServers(
    count: number,
    stockLock: StockLock,
    env: Record<string, string> = {},
  ): Promise<ServerProcess[]> {
    return Promise.all(Array.from({ length: count }, () => this.startServer(stockLock, env)));
  }

  newProduct(quantity: number): Promise<string> {
    return this.database.newProduct(quantity);
  }

  newProducts(count: number, quantity: number): Promise<string[]> {
    return Promise.all(Array.from({ length: count }, () => this.newProduct(quantity)));
  }

  async newLocation(id: string, name = id): Promise<void> {
    await this.database.sequelize.query('INSERT INTO locations (id, name) VALUES (?, ?)', {
      replacements: [id, name],
    });
  }

  /** Units on hand by place, as in `p…-0001/default`. */
  async levels(): Promise<Map<string, number>> {
    const rows = await this.read<{ place: string; onHand: number }>(
      `SELECT CONCAT(product_id, '/', location_id) AS place, on_hand AS onHand FROM stock_levels`,
    );
    return new Map(rows.map((row) => [row.place, row.onHand]));
  }

  onHand(productId: string, locationId = 'default'): Promise<number | undefined> {
    return this.database.onHand(productId, locationId);
  }

  /** The whole ledger, each place in its order. */
  ledger(): Promise<LedgerLine[]> {
    return this.read<LedgerLine>(
      `SELECT product_id AS productId, location_id AS locationId, sequence, kind, delta,
              quantity_after AS quantityAfter, available_after AS availableAfter, reference,
              line_index AS lineIndex, CONVERT(idempotency_key USING utf8mb4) AS idempotencyKey,
              CONVERT(fencing_token, CHAR) AS fencingToken
       FROM stock_movements ORDER BY product_id, location_id, sequence`,
    );
  }

  async ledgerOf(productId: string): Promise<LedgerLine[]> {
    return (await this.ledger()).filter((line) => line.productId === productId);
  }

  /** What is wrong with the ledger; nothing, if all is well. */
  async problems(): Promise<readonly object[]> {
    return (await this.database.verifyLedger()).problems;
  }

  async close(): Promise<void> {
    await this.database.drop();
  }

  private read<Row extends object>(sql: string): Promise<Row[]> {
    return this.database.sequelize.query<Row>(sql, { type: QueryTypes.SELECT });
  }
}
