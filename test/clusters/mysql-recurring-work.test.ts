/**
 * GET_LOCK holds at one member only, so where a cluster takes writes everywhere, two servers may run the same recurring
 * work at once: what has expired is given back once all the same, and every old answer is dropped.
 */
import { jest } from '@jest/globals';
import { QueryTypes } from 'sequelize';
import { Database } from '../../src/database/connections.js';
import { withDatabase } from '../../src/database/mysql-address.js';
import { MysqlReservationCatalogue } from '../../src/database/reading/reservation-catalogue.js';
import { MysqlAnswerArchive } from '../../src/database/writing/answer-archive.js';
import { MysqlStockStore } from '../../src/database/writing/stock-store.js';
import { AnswerRetention } from '../../src/inventory/answer-retention.js';
import { CommitSlots } from '../../src/inventory/lanes/commit-slots.js';
import { ReservationSweeper } from '../../src/inventory/reservation-sweeper.js';
import type { StockWrite } from '../../src/inventory/stock.js';
import { systemClock } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';
import type { MysqlCluster } from '../../services/mysql-cluster.js';
import { startGalera } from '../../services/mysql-galera.js';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { createFreshDatabase, type FreshDatabase } from '../support/fresh-database.js';
import { heldOnce } from '../support/held-once.js';
import { lines, reserve, write } from '../support/stock-writes.js';

const STARTS: readonly (readonly [string, () => Promise<MysqlCluster>])[] = [
  ['a group with several primaries', () => startMysqlGroup({ mode: 'multi-primary' })],
  ['a Galera cluster', () => startGalera()],
];
const PRODUCTS = 30;
const UNITS = 10;
const RETENTION_DAYS = 30;
const TRIES = 3;

beforeAll(() => {
  // Sequelize warns of each COMMIT that another member was faster than.
  jest.spyOn(console, 'warn').mockReturnValue();
});

/** One server's parts of the work, at one member. */
class WorkAt {
  readonly database: Database;
  /** How often it had the turn. */
  turns = 0;

  constructor(url: string) {
    this.database = new Database({ url, poolMax: 6, commitsMax: 2 });
  }

  apply(writes: readonly StockWrite[], deadline = Deadline.in(20_000, systemClock)) {
    const options = { contended: false, impatient: false, fencingTokenOf: () => null };
    return new MysqlStockStore(this.database.writer).apply(writes, { deadline, ...options });
  }

  async sweep(): Promise<void> {
    const stock = {
      carryOut: async (sweeping: StockWrite, deadline: Deadline) => {
        this.turns += 1;
        const [result] = await this.apply([sweeping], deadline);
        if (!result) throw new Error('A sweep has a result.');
        return result;
      },
    };
    const catalogue = new MysqlReservationCatalogue({ reader: this.database.backgroundReader });
    const sweeper = new ReservationSweeper(stock, catalogue, this.database, 20_000);
    await sweeper.sweep(new AbortController().signal);
  }

  async expire(): Promise<void> {
    const archive = new MysqlAnswerArchive(this.database);
    const slots = new CommitSlots(2, systemClock);
    const retention = new AnswerRetention(archive, slots, this.database, RETENTION_DAYS);
    await retention.expire(new AbortController().signal);
  }
}

describe.each(STARTS)('%s', (_, start) => {
  test('two servers at two members sweep and drop old answers at once, and nothing is doubled', async () => {
    const cluster = await start();
    // One that pauses for a moment finds that the other has done all of it.
    const bothWorked = await heldOnce(TRIES, () => workIsShared(cluster));
    expect(bothWorked).toBe(true);
    await cluster.stop();
  });
});

/** Whether both had the turn at once. Asserts that nothing was doubled in any case. */
async function workIsShared(cluster: MysqlCluster): Promise<boolean> {
  const [a, b] = cluster.members;
  if (!a || !b) throw new Error('There are three members.');
  const fresh = await createFreshDatabase(a.url);
  const name = fresh.url.split('/').at(-1) ?? '';
  const works = [new WorkAt(fresh.url), new WorkAt(withDatabase(b.url, name))] as const;
  await makeOldWork(fresh, works[0]);

  await Promise.all(works.flatMap((work) => [work.sweep(), work.expire()]));

  await cluster.caughtUp();
  const [levels] = await fresh.sequelize.query<{ onHand: string; reserved: string }>(
    'SELECT SUM(on_hand) AS onHand, SUM(reserved) AS reserved FROM stock_levels',
    { type: QueryTypes.SELECT },
  );
  expect(levels).toEqual({ onHand: String(PRODUCTS * (UNITS - 1)), reserved: '0' });
  const [operations] = await fresh.sequelize.query<{ kept: number; dropped: number }>(
    `SELECT COUNT(answers) AS kept, COUNT(*) AS dropped FROM stock_operations WHERE answer_expired`,
    { type: QueryTypes.SELECT },
  );
  expect(operations).toEqual({ kept: 0, dropped: PRODUCTS });
  expect((await fresh.verifyLedger()).problems).toEqual([]);
  await Promise.all(works.map(({ database }) => database.close()));
  await fresh.drop();
  return works.every(({ turns }) => turns > 0);
}

/** Reservations that have run out and answers that are too old, one of each for every product. */
async function makeOldWork(fresh: FreshDatabase, at: WorkAt): Promise<void> {
  const ids: string[] = [];
  for (let i = 0; i < PRODUCTS; i++) ids.push(await fresh.newProduct(UNITS));
  for (const id of ids) {
    await at.apply([
      reserve({ [id]: 4 }, { ttlSeconds: 60 }),
      write('deductStock', { items: lines({ [id]: 1 }), idempotencyKey: `key-${id}` }),
    ]);
  }
  for (const sql of [
    'UPDATE reservations SET expires_at = expires_at - INTERVAL 1 DAY',
    'UPDATE reservation_lines SET held_until = held_until - INTERVAL 1 DAY',
    `UPDATE stock_operations SET created_at = created_at - INTERVAL ${RETENTION_DAYS + 1} DAY`,
  ]) {
    await fresh.sequelize.query(sql);
  }
}
