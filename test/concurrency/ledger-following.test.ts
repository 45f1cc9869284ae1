/**
 * Following the ledger as docs/ledger.md tells it: entries are listed in the order in which they were written, so one
 * that is committed late stands behind newer ones. A follower that goes back for some time, and counts each place's
 * entries, misses none.
 */
import { Database } from '../../src/database/connections.js';
import { MysqlProductCatalogue } from '../../src/database/reading/product-catalogue.js';
import { MysqlStockStore } from '../../src/database/writing/stock-store.js';
import type { StockMovement } from '../../src/inventory/movements.js';
import { createFreshDatabase, type FreshDatabase } from '../support/fresh-database.js';
import { MysqlProxy } from '../support/mysql-proxy.js';
import { inTenSeconds } from '../support/one-pool.js';
import { outcomes, write } from '../support/stock-writes.js';

let fresh: FreshDatabase;
let proxy: MysqlProxy;
let late: Database;
let other: Database;
let catalogue: MysqlProductCatalogue;

beforeAll(async () => {
  fresh = await createFreshDatabase();
  proxy = await MysqlProxy.start(fresh.url);
  late = new Database({ url: proxy.url, poolMax: 8, commitsMax: 4 });
  other = new Database({ url: fresh.url, poolMax: 8, commitsMax: 4 });
  catalogue = new MysqlProductCatalogue(other);
});

afterAll(async () => {
  await Promise.all([late.close(), other.close()]);
  await proxy.stop();
  const { problems } = await fresh.verifyLedger();
  await fresh.drop();
  expect(problems).toEqual([]);
});

async function take(database: Database, productIds: readonly string[]): Promise<void> {
  const items = productIds.map((productId) => ({ productId, quantity: 1 }));
  const store = new MysqlStockStore(database.writer);
  const [result] = await store.apply([write('deductStock', { items })], {
    deadline: inTenSeconds(),
    contended: false,
    impatient: false,
    fencingTokenOf: () => null,
  });
  for (const outcome of outcomes(result)) expect(typeof outcome).toBe('number');
}

/** A page of the newer entries behind the cursor, oldest first, as `last` with `before` reads them. */
async function newer(cursor: string | null, limit = 100) {
  const page = { direction: 'BACKWARD', limit, before: cursor } as const;
  const { edges, hasPreviousPage } = await catalogue.movements(page, null, inTenSeconds());
  return { edges: [...edges].reverse(), goesOn: hasPreviousPage };
}

/** What docs/ledger.md tells a client to do. */
class Follower {
  readonly entries = new Map<string, StockMovement>();
  /** By place: the number up to which no entry is missing. */
  private readonly complete = new Map<string, number>();
  private cursor: string | null = null;

  constructor(private readonly goesBackMs: number) {}

  async poll(): Promise<void> {
    let cursor = this.cursor;
    const read: { readonly cursor: string; readonly createdMs: number }[] = [];
    for (let goesOn = true; goesOn;) {
      const page = await newer(cursor, 7);
      goesOn = page.goesOn;
      for (const edge of page.edges) {
        cursor = edge.cursor;
        this.take(edge.node);
        read.push({ cursor, createdMs: edge.node.createdAt.getTime() });
      }
    }
    // The next poll begins behind the last entry that is so much older than the newest one.
    const newestMs = Math.max(...read.map(({ createdMs }) => createdMs));
    for (const { cursor: place, createdMs } of read)
      if (createdMs <= newestMs - this.goesBackMs) this.cursor = place;
    for (const entry of [...this.entries.values()])
      if (entry.sequence > this.completeAt(entry)) await this.fill(entry.productId);
  }

  /** The places of which a number is missing below another one. */
  gaps(): string[] {
    return [...this.entries.values()]
      .filter((entry) => entry.sequence > this.completeAt(entry))
      .map(({ id }) => id);
  }

  private take(entry: StockMovement): void {
    this.entries.set(entry.id, entry);
    const place = `${entry.productId}/${entry.locationId}`;
    let next = (this.complete.get(place) ?? 0) + 1;
    while (this.entries.has(`${place}/${next}`)) next += 1;
    this.complete.set(place, next - 1);
  }

  private completeAt({ productId, locationId }: StockMovement): number {
    return this.complete.get(`${productId}/${locationId}`) ?? 0;
  }

  /** Reads the product's ledger back until no number is missing. */
  private async fill(productId: string): Promise<void> {
    let after: string | null = null;
    for (;;) {
      const page = { direction: 'FORWARD', limit: 7, after } as const;
      const { edges, hasNextPage } = await catalogue.movements(page, productId, inTenSeconds());
      for (const { node } of edges) this.take(node);
      const isMissing = this.gaps().some((id) => id.startsWith(`${productId}/`));
      if (!isMissing || !hasNextPage) return;
      after = edges.at(-1)?.cursor ?? null;
    }
  }
}

async function wholeLedger(): Promise<string[]> {
  const rows = await fresh.sequelize.query(
    `SELECT CONCAT_WS('/', product_id, location_id, sequence) AS id FROM stock_movements`,
  );
  return (rows[0] as { id: string }[]).map(({ id }) => id).sort();
}

test('an entry that is committed late stands behind newer ones, and a follower of the ledger gets it', async () => {
  const [a, b] = [await fresh.newProduct(10), await fresh.newProduct(10)];
  const goingBack = new Follower(60_000);
  const counting = new Follower(0);
  const poll = async () => {
    for (const follower of [goingBack, counting]) await follower.poll();
  };
  const ids = (of: Follower) => [...of.entries.keys()].sort();
  await poll();
  const committing = proxy.holdAt(/^COMMIT/);
  const taken = take(late, [a]);
  await committing;
  await take(other, [b]);
  await poll();
  const cursor = (await newer(null, 100)).edges.at(-1)?.cursor ?? null;
  proxy.letGo();
  await taken;

  // It is committed, and not among what is newer than the newest entry that was read.
  expect((await newer(cursor)).edges).toEqual([]);
  await poll();
  expect(ids(goingBack)).toEqual(await wholeLedger());
  expect(ids(counting)).not.toContain(`${a}/default/2`);
  // The next entry of the place shows by its number that one is missing.
  await take(other, [a]);
  await poll();
  for (const follower of [goingBack, counting]) {
    expect(ids(follower)).toEqual(await wholeLedger());
    expect(follower.gaps()).toEqual([]);
  }
});

test('a follower misses nothing of many transactions that commit in any order', async () => {
  const products = await Promise.all(Array.from({ length: 8 }, () => fresh.newProduct(1_000)));
  const follower = new Follower(60_000);
  const counting = new Follower(0);
  const writing = { ended: false };
  const following = (async () => {
    while (!writing.ended) {
      await follower.poll();
      await counting.poll();
      // A place's entries become visible in the order of their numbers, so a gap is always filled.
      expect([...follower.gaps(), ...counting.gaps()]).toEqual([]);
    }
  })();
  await Promise.all(
    products.map(async (product, i) => {
      for (let turn = 0; turn < 40; turn += 1) {
        const basket = [product, products[(i + turn) % products.length] ?? product];
        await take(other, [...new Set(basket)].sort());
      }
    }),
  );
  writing.ended = true;
  await following;
  // The last entry of each place has a successor now.
  for (const product of products) await take(other, [product]);
  for (const each of [follower, counting]) {
    await each.poll();
    expect([...each.entries.keys()].sort()).toEqual(await wholeLedger());
  }
});
