/** A shop on a cluster of MySQL: server processes each at another member, and the books as each member has them. */
import { QueryTypes } from 'sequelize';
import type { ClusterMember, MysqlCluster } from '../../services/mysql-cluster.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { openPool } from '../../src/database/pool.js';
import { verifyLedger } from '../../src/database/reading/ledger-verification.js';
import { Shop, type StockLock } from './shop.js';
import type { ServerProcess } from './server-process.js';

/** All members in one address; the one with this number comes first, and is preferred where it takes writes. */
export function severalHosts({ members }: MysqlCluster, first = 0, database = 'stockade'): string {
  const inTurn = [...members.slice(first), ...members.slice(0, first)];
  const hosts = inTurn.map(({ port }) => `127.0.0.1:${port}`).join(',');
  return `mysql://root@${hosts}/${database}`;
}

export async function openClusterShop(cluster: MysqlCluster): Promise<Shop> {
  const shop = await Shop.open(severalHosts(cluster));
  await cluster.caughtUp();
  return shop;
}

/** As many processes as members. Each prefers another member, and follows where that is lost. */
export function startServersAtMembers(
  cluster: MysqlCluster,
  shop: Shop,
  stockLock: StockLock,
  env: Record<string, string> = {},
): Promise<ServerProcess[]> {
  return Promise.all(
    cluster.members.map((_, i) =>
      shop.startServer(stockLock, { MYSQL_URL: severalHosts(cluster, i, nameOf(shop)), ...env }),
    ),
  );
}

export interface Books {
  readonly problems: readonly unknown[];
  /** Units on hand and held by place. */
  readonly levels: readonly unknown[];
  readonly ledgerLines: number;
}

/** Of each of the members, when all have caught up. */
export async function booksOf(
  cluster: MysqlCluster,
  shop: Shop,
  members: readonly ClusterMember[] = cluster.members,
): Promise<readonly Books[]> {
  await cluster.caughtUp(members);
  return Promise.all(members.map(({ url }) => readBooks(withDatabase(url, nameOf(shop)))));
}

async function readBooks(url: string): Promise<Books> {
  const pool = openPool({ url }, 2);
  try {
    const { problems } = await verifyLedger(pool);
    const levels = await pool.query(
      `SELECT product_id, location_id, on_hand, reserved, last_sequence, version
       FROM stock_levels ORDER BY product_id, location_id`,
      { type: QueryTypes.SELECT },
    );
    const [count] = await pool.query<{ lines: number }>(
      'SELECT COUNT(*) AS `lines` FROM stock_movements',
      { type: QueryTypes.SELECT },
    );
    return { problems, levels, ledgerLines: count?.lines ?? 0 };
  } finally {
    await pool.close();
  }
}

function nameOf(shop: Shop): string {
  return shop.database.url.split('/').at(-1) ?? '';
}
