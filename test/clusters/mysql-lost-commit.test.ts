/**
 * The reply to COMMIT is lost at one member of a cluster that takes writes everywhere, and the call is settled at
 * another one, which does not wait for the first member's row locks. The proxy keeps the COMMIT until the test lets it
 * arrive.
 */
import { jest } from '@jest/globals';
import { createConnection, type Connection } from 'mysql2/promise';
import { Database } from '../../src/database/connections.js';
import { verifyLedger } from '../../src/database/reading/ledger-verification.js';
import { openPool } from '../../src/database/pool.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { MysqlStockStore } from '../../src/database/writing/stock-store.js';
import { Deadline } from '../../src/time/deadline.js';
import { systemClock } from '../../src/time/clock.js';
import type { WriteResult } from '../../src/inventory/stock-store.js';
import type { CreatingWrite, StockWrite } from '../../src/inventory/stock.js';
import { runSql, type MysqlCluster } from '../../services/mysql-cluster.js';
import { startGalera } from '../../services/mysql-galera.js';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { createFreshDatabase, type FreshDatabase } from '../support/fresh-database.js';
import { MysqlProxy } from '../support/mysql-proxy.js';
import { lines, outcomes, reserve, write } from '../support/stock-writes.js';

const GROUP = 'a group with several primaries';
const HELD_UNITS_MAX = 5;
const ANNA = { principal: 'anna' };
const GRANTED = [{ outcome: 'DECIDED', reservation: { status: 'ACTIVE' } }];
const ROUNDS = 30;
/** A transaction that has a certified one of another member in its way, at COMMIT or before it. */
const LOST_RACES = [3101, 1180, 1213];

let cluster: MysqlCluster;
let fresh: FreshDatabase;
let name: string;
/** The way of the first member; a COMMIT is lost on it. */
let first: MysqlProxy;
/** The way of the second member, where the call is settled. */
let second: MysqlProxy;
const opened: Database[] = [];

beforeAll(() => {
  // Sequelize warns of each connection that was lost at COMMIT, which is what the faults are.
  jest.spyOn(console, 'warn').mockReturnValue();
});

async function open(start: () => Promise<MysqlCluster>): Promise<void> {
  cluster = await start();
  const [a, b] = cluster.members;
  if (!a || !b) throw new Error('There are three members.');
  fresh = await createFreshDatabase(a.url);
  name = fresh.url.split('/').at(-1) ?? '';
  first = await MysqlProxy.start(fresh.url);
  second = await MysqlProxy.start(withDatabase(b.url, name));
  await fresh.sequelize.query(`INSERT INTO locations (id, name) VALUES ('outlet', 'Outlet')`);
}

async function close(): Promise<void> {
  await cluster.caughtUp();
  for (const { url } of cluster.members) {
    const pool = openPool({ url: withDatabase(url, name) }, 1);
    const { problems } = await verifyLedger(pool);
    await pool.close();
    expect(problems).toEqual([]);
  }
  await Promise.all([first.stop(), second.stop()]);
  await fresh.sequelize.close();
  await cluster.stop();
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((database) => database.close()));
});

/**
 * A store with one connection for commits, which is open at the first member. Its next one leads to the second member,
 * as where the address of a cluster moves.
 */
async function storeThatMoves(): Promise<MysqlStockStore> {
  first.leadTo(fresh.url);
  const store = await storeAt(first.url);
  first.leadTo(second.url);
  return store;
}

async function storeAt(
  url: string,
  heldUnitsMax: number | null = HELD_UNITS_MAX,
): Promise<MysqlStockStore> {
  const database = new Database({ url, poolMax: 3, commitsMax: 1 });
  opened.push(database);
  await database.writer.query('SELECT 1');
  return new MysqlStockStore(database.writer, { heldUnitsMax });
}

function atSecond(): string {
  return withDatabase(cluster.members[1]?.url ?? '', name);
}

function stockAt(locationId: string, productId: string): StockWrite {
  return write('increaseStock', { items: [{ productId, quantity: 9, locationId }] });
}

function at(locationId: string, create: CreatingWrite): CreatingWrite {
  return { ...create, lines: create.lines.map((line) => ({ ...line, locationId })) };
}

function apply(store: MysqlStockStore, ...writes: StockWrite[]): Promise<readonly WriteResult[]> {
  return store.apply(writes, {
    deadline: Deadline.in(20_000, systemClock),
    contended: false,
    impatient: false,
    fencingTokenOf: () => null,
  });
}

async function newProduct(quantity: number): Promise<string> {
  const id = await fresh.newProduct(quantity);
  await cluster.caughtUp();
  return id;
}

/** The ledger's lines of a product after its first one, as the third member has them. */
async function deltas(productId: string): Promise<readonly number[]> {
  await cluster.caughtUp();
  const pool = openPool({ url: withDatabase(cluster.members[2]?.url ?? '', name) }, 1);
  const [rows] = await pool.query(
    `SELECT delta FROM stock_movements WHERE product_id = ? AND sequence > 1 ORDER BY sequence`,
    { replacements: [productId] },
  );
  await pool.close();
  return (rows as { delta: number }[]).map(({ delta }) => delta);
}

async function reserved(productId: string): Promise<number> {
  await cluster.caughtUp();
  const [rows] = await fresh.sequelize.query(
    'SELECT SUM(reserved) AS units FROM stock_levels WHERE product_id = ?',
    { replacements: [productId] },
  );
  return Number((rows as { units: string }[])[0]?.units);
}

/** In a group: the first member receives what the others commit, and applies none of it until the connection ends. */
async function holdBackFirst(): Promise<Connection> {
  await runSql(atSecond(), [
    'CREATE TABLE IF NOT EXISTS blocker (id INT AUTO_INCREMENT PRIMARY KEY)',
  ]);
  await cluster.caughtUp();
  const behind = await createConnection(fresh.url);
  await behind.query('LOCK TABLES blocker READ');
  await runSql(atSecond(), ['INSERT INTO blocker VALUES ()']);
  return behind;
}

/** Lets the COMMIT that is lost arrive, while the call that settles it is at its own COMMIT, at the other member. */
async function lateWhileSettling(): Promise<readonly number[]> {
  const settles = second.holdAt(/^COMMIT/);
  await settles;
  const answers = await first.deliverLate();
  await cluster.caughtUp();
  second.letGo();
  return answers;
}

const STARTS: readonly (readonly [string, () => Promise<MysqlCluster>])[] = [
  // In its order: a member that has to wait applies nothing that comes later.
  [GROUP, () => startMysqlGroup({ mode: 'multi-primary', args: ['--replica-parallel-workers=1'] })],
  ['a Galera cluster', () => startGalera()],
];

describe.each(STARTS)('%s', (kind, start) => {
  beforeAll(() => open(start));
  afterAll(close);

  describe.each([
    ['with a key', true],
    ['without a key', false],
  ])('a call %s whose COMMIT is lost, settled by its server at another member', (_, keyed) => {
    const keyOf = (id: string) => (keyed ? { idempotencyKey: `key-${id}` } : {});

    test('before the COMMIT arrives: exactly one of the two commits, and that is the answer', async () => {
      const id = await newProduct(10);
      const store = await storeThatMoves();
      first.atCommit('LATE');
      const call = write('deductStock', { items: lines({ [id]: 4 }), ...keyOf(id) });
      const [result] = await apply(store, call);
      expect(outcomes(result)).toEqual([6]);
      const [late] = await first.deliverLate();
      expect(LOST_RACES).toContain(late);
      expect(await deltas(id)).toEqual([-4]);
    });

    test('while the COMMIT arrives: exactly one of the two commits, and that is the answer', async () => {
      const id = await newProduct(10);
      const store = await storeThatMoves();
      first.atCommit('LATE');
      const late = lateWhileSettling();
      const call = write('deductStock', { items: lines({ [id]: 4 }), ...keyOf(id) });
      const [result] = await apply(store, call);
      expect(await late).toEqual([0]);
      expect(result).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: false }] });
      expect(outcomes(result)).toEqual([6]);
      expect(await deltas(id)).toEqual([-4]);
    });

    test('after all was sold there: it is refused, and the COMMIT fails', async () => {
      const id = await newProduct(4);
      const store = await storeThatMoves();
      const buyer = await storeAt(atSecond());
      first.atCommit('LATE');
      const settles = second.holdAt(/^START TRANSACTION/);
      const call = write('deductStock', { items: lines({ [id]: 4 }), ...keyOf(id) });
      const answer = apply(store, call);
      await settles;
      await apply(buyer, write('deductStock', { items: lines({ [id]: 4 }) }));
      second.letGo();
      const [result] = await answer;
      expect(outcomes(result)).toEqual(['INSUFFICIENT_STOCK']);
      const [late] = await first.deliverLate();
      expect(LOST_RACES).toContain(late);
      expect(await deltas(id)).toEqual([-4]);
    });

    // A node of Galera cannot be held back alone.
    if (kind !== GROUP) return;

    // The bound is decided by rows that the first transaction has read, and not written.
    test('where another reservation has used up the bound: it is refused, and the COMMIT fails', async () => {
      const id = await newProduct(20);
      const store = await storeThatMoves();
      // It keeps no bound, as a server of an earlier version.
      const other = await storeAt(atSecond(), null);
      await apply(other, stockAt('outlet', id));
      await cluster.caughtUp();
      first.atCommit('LATE');
      const settles = second.holdAt(/^START TRANSACTION/);
      const answer = apply(
        store,
        reserve({ [id]: 3 }, { ...ANNA, key: keyed ? `hold-${id}` : null }),
      );
      await settles;
      const behind = await holdBackFirst();
      expect(await apply(other, at('outlet', reserve({ [id]: 3 }, ANNA)))).toMatchObject(GRANTED);
      second.letGo();
      expect(outcomes((await answer)[0])).toEqual(['OVERLOADED']);
      const [late] = await first.deliverLate();
      await behind.end();
      expect(LOST_RACES).toContain(late);
      expect(await reserved(id)).toBe(3);
    });
  });

  test('of two reservations at two members and two locations one is granted where the bound allows one', async () => {
    const id = await newProduct(20);
    first.leadTo(fresh.url);
    const [here, there] = [await storeAt(first.url), await storeAt(second.url)];
    await apply(here, stockAt('outlet', id));
    await cluster.caughtUp();
    const atCommit = [first.holdAt(/^COMMIT/), second.holdAt(/^COMMIT/)];
    const answers = [
      apply(here, reserve({ [id]: 3 }, ANNA)),
      apply(there, at('outlet', reserve({ [id]: 3 }, ANNA))),
    ];
    await Promise.all(atCommit);
    first.letGo();
    second.letGo();
    const [one, two] = await Promise.all(answers);
    const codes = [...(one ?? []), ...(two ?? [])].flatMap(outcomes);
    expect(codes.filter((code) => code === 'OVERLOADED')).toHaveLength(1);
    expect(await reserved(id)).toBe(3);
  });

  test('transactions over different products of one location at two members do not conflict', async () => {
    const ids = [await newProduct(ROUNDS), await newProduct(ROUNDS)];
    const seenBefore = [first.commitsSeen, second.commitsSeen];
    first.leadTo(fresh.url);
    const stores = [await storeAt(first.url), await storeAt(second.url)];
    for (let round = 0; round < ROUNDS; round += 1) {
      await Promise.all(
        stores.map((store, i) =>
          apply(store, write('deductStock', { items: lines({ [ids[i] ?? '']: 1 }) })),
        ),
      );
    }
    const commits = [first.commitsSeen, second.commitsSeen].map((n, i) => n - (seenBefore[i] ?? 0));
    expect(commits).toEqual([ROUNDS, ROUNDS]);
  });
});
