/**
 * What a store and its servers promise on one MySQL, they promise on a cluster: three processes, each at another
 * member, while a member is killed. Afterwards the books are right at each member, and equal.
 */
import { jest } from '@jest/globals';
import type { ClusterMember, MysqlCluster } from '../../services/mysql-cluster.js';
import { startGalera } from '../../services/mysql-galera.js';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { booksOf, openClusterShop, startServersAtMembers } from '../support/cluster-shop.js';
import { closeClient } from '../support/graphql-client.js';
import { idempotencyContract } from '../support/idempotency-contract.js';
import { openMysqlBed } from '../support/mysql-stock-bed.js';
import type { ServerProcess } from '../support/server-process.js';
import type { Shop, StockLock } from '../support/shop.js';
import { brief, callStock, deduction } from '../support/stock-calls.js';
import { stockStoreContract } from '../support/stock-store-contract.js';
import { checkStorm } from '../support/storm-checks.js';
import { chooseSeed, planStorm, runStorm, type Storm } from '../support/storm.js';

afterAll(closeClient);

beforeAll(() => {
  // Sequelize warns of each connection that was lost at COMMIT, which is what the faults are.
  jest.spyOn(console, 'warn').mockReturnValue();
});

const LOCKS: readonly StockLock[] = ['redis', 'none'];
/** A thousand buyers on a slow machine shall be answered by stock, not by the clock. */
const PATIENT = { LOCK_WAIT_MS: '40000', REQUEST_TIMEOUT_MS: '50000' };
const BUYERS = 600;
const UNITS = 60;

/** The longest time in which no line was applied, from that moment on. */
function outageMs({ records }: Storm, sinceMs: number): number {
  const applied = records
    .flatMap(({ tries }) => tries)
    .filter(({ answer }) => brief(answer).some((line) => typeof line === 'number'))
    .map(({ endMs }) => endMs)
    .filter((endMs) => endMs > sinceMs);
  const moments = [sinceMs, ...applied].sort((a, b) => a - b);
  const gaps = moments.slice(1).map((moment, i) => moment - (moments[i] ?? moment));
  return Math.round(Math.max(...gaps));
}

interface OpenStorm {
  readonly shop: Shop;
  readonly initial: ReadonlyMap<string, number>;
  readonly servers: readonly ServerProcess[];
  readonly plan: ReturnType<typeof planStorm>;
  seen: Storm;
}

const ONE_PRIMARY = 'a group with one primary';
const STARTS: readonly (readonly [string, () => Promise<MysqlCluster>])[] = [
  ['a group with several primaries', () => startMysqlGroup({ mode: 'multi-primary' })],
  [ONE_PRIMARY, () => startMysqlGroup({ mode: 'single-primary' })],
  ['a Galera cluster', () => startGalera()],
];

describe.each(STARTS)('%s', (kind, start) => {
  let cluster: MysqlCluster;

  beforeAll(async () => {
    cluster = await start();
  });

  afterAll(async () => {
    await cluster.stop();
  });

  describe('the store at one member, looked at from another', () => {
    stockStoreContract(async () => {
      const primary = await cluster.primary();
      const store = kind === ONE_PRIMARY ? primary : otherThan(primary);
      return openMysqlBed(primary.url, store.url);
    });
  });

  describe.each(LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
    let shop: Shop;
    let servers: ServerProcess[];

    beforeAll(async () => {
      shop = await openClusterShop(cluster);
      servers = await startServersAtMembers(cluster, shop, stockLock, PATIENT);
    });

    afterAll(async () => {
      await Promise.all(servers.map((server) => server.stop()));
      await expectEqualBooks(shop, cluster.members);
      await shop.close();
    });

    const decidersMax = stockLock === 'none' ? 3 : 1;
    idempotencyContract(() => ({ shop, servers }), decidersMax);

    test('of hundreds of buyers at three servers exactly as many get a unit as there are units', async () => {
      const id = await shop.newProduct(UNITS);
      const answers = await Promise.all(
        Array.from({ length: BUYERS }, (_, buyer) =>
          callStock(servers[buyer % servers.length]?.graphqlUrl ?? '', deduction({ [id]: 1 })),
        ),
      );
      const outcomes = answers.flatMap(brief);
      const taken = outcomes.filter((outcome) => typeof outcome === 'number');
      expect(taken.sort((a, b) => a - b)).toEqual(Array.from({ length: UNITS }, (_, i) => i));
      expect(outcomes.filter((code) => code === 'INSUFFICIENT_STOCK')).toHaveLength(BUYERS - UNITS);
    });
  });

  describe('a storm of baskets, in which a member is killed', () => {
    test('loses, doubles and oversells nothing, with the lock and without it', async () => {
      const storms = await Promise.all(LOCKS.map((stockLock) => openStorm(stockLock)));
      const victim = await cluster.primary();
      let killedMs = 0;
      // One death for both: the group needs several seconds to go on.
      const waiting = new Set(storms);
      const incident = async (storm: OpenStorm) => {
        waiting.delete(storm);
        if (waiting.size > 0) return;
        killedMs = performance.now();
        await victim.kill('SIGKILL');
      };
      await Promise.all(
        storms.map(async (storm) => {
          storm.seen = await runStorm(storm.plan, {
            targets: () => storm.servers.map((server) => server.graphqlUrl),
            clients: 20,
            patienceMs: 60_000,
            incidents: [{ at: 0.3, happens: () => incident(storm) }],
          });
        }),
      );
      const survivors = cluster.members.filter((member) => member !== victim);
      for (const { shop, servers, initial, plan, seen } of storms) {
        await Promise.all(servers.map((server) => server.stop()));
        const { wrong, counts } = await checkStorm(shop, initial, seen);
        expect(wrong).toEqual([]);
        expect(counts.operations).toBe(plan.length);
        expect(counts.linesApplied).toBeGreaterThan(100);
        await expectEqualBooks(shop, survivors);
        await shop.close();
        console.log(`${kind}, a member killed: nothing applied for ${outageMs(seen, killedMs)} ms`);
      }
    });
  });

  async function openStorm(stockLock: StockLock): Promise<OpenStorm> {
    const shop = await openClusterShop(cluster);
    const products = await shop.newProducts(8, 150);
    await shop.newLocation('annex');
    const seed = chooseSeed(`storm, ${kind}, STOCK_LOCK=${stockLock}`);
    return {
      shop,
      initial: await shop.levels(),
      servers: await startServersAtMembers(cluster, shop, stockLock),
      plan: planStorm(seed, { operations: 300, products, locations: ['default', 'annex'] }),
      seen: { records: [], reads: [] },
    };
  }

  async function expectEqualBooks(shop: Shop, members: readonly ClusterMember[]): Promise<void> {
    const [first, ...others] = await booksOf(cluster, shop, members);
    expect(first?.problems).toEqual([]);
    expect(first?.ledgerLines).toBeGreaterThan(0);
    for (const books of others) expect(books).toEqual(first);
  }

  function otherThan(member: ClusterMember): ClusterMember {
    const other = cluster.members.find((candidate) => candidate !== member);
    if (!other) throw new Error('There are three members.');
    return other;
  }
});
