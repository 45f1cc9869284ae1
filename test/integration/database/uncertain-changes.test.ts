/** Watchers are told of each change that a COMMIT has made or may have made, and of no other one. */
import { jest } from '@jest/globals';
import { Database } from '../../../src/database/connections.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import { TransactionCounts } from '../../../src/database/writing/transaction-counts.js';
import type { ChangedLevel } from '../../../src/inventory/stock-changes.js';
import type { StockRequest } from '../../../src/inventory/stock-request.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { applyTo, lines, outcomes, write } from '../../support/stock-writes.js';
import { until } from '../../support/until.js';

/** A pause of the machine is shorter: it cuts no connection, and what follows the silence comes before a deadline. */
const SILENCE_MAX_MS = 4_000;

let fresh: FreshDatabase;
let proxy: MysqlProxy;
let database: Database;
let store: MysqlStockStore;
let counts: TransactionCounts;
let committed: ChangedLevel[];
/** When the changes began that are not known. */
let uncertain: Date[];

beforeAll(async () => {
  // Sequelize warns of each COMMIT that fails, which is what the faults are.
  jest.spyOn(console, 'warn').mockReturnValue();
  fresh = await createFreshDatabase();
  proxy = await MysqlProxy.start(fresh.url);
  const settings = { url: proxy.url, poolMax: 4, commitsMax: 2, silenceMaxMs: SILENCE_MAX_MS };
  database = new Database(settings);
});

beforeEach(() => {
  [counts, committed, uncertain] = [new TransactionCounts(), [], []];
  const changes = {
    committed: (levels: readonly ChangedLevel[]) => void committed.push(...levels),
    uncertain: (since: Date) => void uncertain.push(since),
  };
  store = new MysqlStockStore(database.writer, { changes, counts });
});

afterEach(() => {
  const { faultsLeft } = proxy;
  // What one test has left must not break the next one.
  proxy.forgetFaults();
  expect(faultsLeft).toBe(0);
});

afterAll(async () => {
  await database.close();
  await proxy.stop();
  const { problems } = await fresh.verifyLedger();
  await fresh.drop();
  expect(problems).toEqual([]);
});

/** With the product's id as the key, or without one. */
const deduct = (productId: string, quantity: number, isKeyed: boolean) =>
  write('deductStock', {
    items: lines({ [productId]: quantity }),
    idempotencyKey: isKeyed ? productId : null,
  });

const KEYS: [string, boolean][] = [
  ['without a key', false],
  ['with a key', true],
];

test.each(KEYS)('a write %s that a refused COMMIT has applied is told of', async (_, isKeyed) => {
  const id = await fresh.newProduct(5);
  proxy.atCommit('REFUSED_AFTER');
  const began = Date.now();
  const [result] = await applyTo(store, [deduct(id, 2, isKeyed)]);
  expect(result).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: false }] });
  expect(outcomes(result)).toEqual([3]);
  expect(await fresh.onHand(id)).toBe(3);
  expect(committed).toEqual([]);
  expect(uncertain).toHaveLength(1);
  expect(uncertain[0]?.getTime()).toBeGreaterThanOrEqual(began);
  expect(counts.stats().ends).toMatchObject({ settled: 1, committed: 0 });
});

test.each(KEYS)('a race that a write %s has lost leaves nothing uncertain', async (_, isKeyed) => {
  const [id, other] = [await fresh.newProduct(5), await fresh.newProduct(5)];
  const earlier = deduct(other, 1, true);
  await applyTo(store, [earlier]);
  proxy.atCommit('REFUSED_BEFORE');
  expect(await applyTo(store, [earlier, deduct(id, 2, isKeyed)])).toMatchObject([
    { verdicts: [{ outcome: 'APPLIED', replayed: true }] },
    { verdicts: [{ outcome: 'APPLIED', replayed: false }] },
  ]);
  expect(committed).toMatchObject([
    { productId: other, onHand: 4 },
    { productId: id, onHand: 3 },
  ]);
  expect(uncertain).toEqual([]);
  expect(counts.stats().ends).toMatchObject({ settled: 0, committed: 2 });
});

describe('a level that must be created', () => {
  /** Puts a unit into the product's default location, and one into a location where it has no level. */
  const increase = (productId: string, locationId: string): StockRequest['items'] => [
    { productId, quantity: 1 },
    { productId, locationId, quantity: 1 },
  ];

  const apply = (items: StockRequest['items'], waitMs: number) =>
    applyTo(store, [write('increaseStock', { items })], {
      deadline: Deadline.in(waitMs, systemClock),
    });

  const createLocation = (id: string) =>
    fresh.sequelize.query('INSERT INTO locations (id, name) VALUES (?, ?)', {
      replacements: [id, id],
    });

  /** The location is created while the COMMIT has no answer, so that the next attempt meets a missing level. */
  async function meetMissingLevel(locationId: string, waitMs: number) {
    const id = await fresh.newProduct(5);
    const before = proxy.commitsSeen;
    const call = apply(increase(id, locationId), waitMs);
    await until('its COMMIT', () => proxy.commitsSeen > before);
    const committedMs = Date.now();
    await createLocation(locationId);
    const [result] = await call;
    return { id, committedMs, result };
  }

  test('after a COMMIT without an answer leaves the changes uncertain since before that COMMIT', async () => {
    proxy.atCommit('SILENT_AFTER');
    const { id, committedMs, result } = await meetMissingLevel('later', 10 * SILENCE_MAX_MS);
    expect(outcomes(result)).toEqual([6, 1]);
    expect(committed).toMatchObject([{ productId: id, locationId: 'later', onHand: 1 }]);
    expect(uncertain).toHaveLength(1);
    expect(uncertain[0]?.getTime()).toBeLessThanOrEqual(committedMs);
    expect(counts.stats().ends).toMatchObject({ settled: 1 });
  });

  test('and cannot be, after such a COMMIT, leaves them uncertain as well', async () => {
    proxy.atCommit('SILENT_AFTER', 'SILENT_BEFORE');
    // Between the silence of the first COMMIT, and that of the second one after it.
    const { id, committedMs, result } = await meetMissingLevel('never', 1.75 * SILENCE_MAX_MS);
    expect(result).toMatchObject({
      outcome: 'REFUSED',
      failure: { code: 'UNAVAILABLE', mayHaveApplied: true, retryable: false },
    });
    expect(await fresh.onHand(id)).toBe(6);
    expect(uncertain).toHaveLength(1);
    expect(uncertain[0]?.getTime()).toBeLessThanOrEqual(committedMs);
    expect(counts.stats().ends).toMatchObject({ unknown: 1, unavailable: 0 });
  });

  test('by a COMMIT without an answer leaves no doubt of the write, whose own was not sent', async () => {
    const id = await fresh.newProduct(5);
    await createLocation('unanswered');
    proxy.atCommit('SILENT_BEFORE');
    const [result] = await apply(increase(id, 'unanswered'), 0.6 * SILENCE_MAX_MS);
    expect(result).toMatchObject({
      outcome: 'REFUSED',
      failure: { code: 'UNAVAILABLE', mayHaveApplied: false, retryable: true },
    });
    expect(await fresh.onHand(id)).toBe(5);
    expect(uncertain).toEqual([]);
    expect(counts.stats().ends).toMatchObject({ unavailable: 1, unknown: 0 });
  });
});
