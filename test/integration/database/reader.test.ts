/** A statement that reads ends with its caller, on the server too, and its connection serves the next caller. */
import { QueryTypes } from 'sequelize';
import { Database } from '../../../src/database/connections.js';
import { CallerGoneError, StorageUnavailableError } from '../../../src/inventory/stock-store.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { inTenSeconds } from '../../support/one-pool.js';
import { until } from '../../support/until.js';

const READERS = 4;
const TEN = `(${Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ')})`;
/** Counts a thousand million rows, which takes minutes. The comment finds it in the list of processes. */
const HEAVY = `SELECT /* heavy */ COUNT(*) AS n FROM ${'abcdefghi'
  .split('')
  .map((name) => `${TEN} AS ${name}`)
  .join(', ')}`;

let fresh: FreshDatabase;
let database: Database;

beforeAll(async () => {
  fresh = await createFreshDatabase();
});

beforeEach(() => {
  database = new Database({ url: fresh.url, poolMax: 2 + 2 + READERS, commitsMax: 2 });
});

afterEach(async () => {
  await database.close();
});

afterAll(async () => {
  await fresh.drop();
});

async function heavyStatements(): Promise<number> {
  const [row] = await fresh.sequelize.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM information_schema.PROCESSLIST
     WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE '%/* heavy */%'`,
    { type: QueryTypes.SELECT },
  );
  return Number(row?.n);
}

async function connectionId({ reader } = database): Promise<number | undefined> {
  const sql = 'SELECT CONNECTION_ID() AS id';
  const [row] = await reader.one<{ id: number }>(sql, [], inTenSeconds());
  return row?.id;
}

async function failureOf(work: Promise<unknown>): Promise<{ error: unknown; tookMs: number }> {
  const beganMs = performance.now();
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  return { error, tookMs: performance.now() - beganMs };
}

test('at the end of its time a caller gets its error, the statement ends, and its connection goes on', async () => {
  const single = new Database({ url: fresh.url, poolMax: 4, commitsMax: 1 });
  const id = await connectionId(single);
  const { error, tookMs } = await failureOf(
    single.reader.list(HEAVY, [], Deadline.in(300, systemClock)),
  );
  expect(error).toBeInstanceOf(StorageUnavailableError);
  expect(error).not.toBeInstanceOf(CallerGoneError);
  expect(tookMs).toBeGreaterThan(250);
  expect(tookMs).toBeLessThan(1_000);
  await until('the statement has ended', async () => (await heavyStatements()) === 0, 1_000);
  expect(await connectionId(single)).toBe(id);
  await single.close();
});

test('when a caller has hung up, its statement ends', async () => {
  const caller = new AbortController();
  const reading = failureOf(
    database.reader.list(HEAVY, [], Deadline.in(20_000, systemClock, caller.signal)),
  );
  await until('the statement runs', async () => (await heavyStatements()) === 1);
  caller.abort();
  expect((await reading).error).toBeInstanceOf(CallerGoneError);
  await until('the statement has ended', async () => (await heavyStatements()) === 0, 1_000);
});

test('a caller that has gone before it reads causes no statement', async () => {
  const before = await connectionId();
  const gone = Deadline.in(20_000, systemClock, AbortSignal.abort());
  // One after another: at the same time they would open a second connection.
  const one = await failureOf(database.reader.one(HEAVY, [], gone));
  const list = await failureOf(database.reader.list(HEAVY, [], gone));
  for (const { error } of [one, list]) expect(error).toBeInstanceOf(CallerGoneError);
  expect(await heavyStatements()).toBe(0);
  expect(await connectionId()).toBe(before);
});

test('the wait for a connection ends with the caller, for lists and for single things', async () => {
  const caller = new AbortController();
  const busy = Array.from({ length: READERS }, () =>
    failureOf(database.reader.one(HEAVY, [], Deadline.in(20_000, systemClock, caller.signal))),
  );
  await until('all connections are busy', async () => (await heavyStatements()) === READERS);
  const soon = () => Deadline.in(100, systemClock);
  const waits = await Promise.all([
    failureOf(database.reader.one('SELECT 1', [], soon())),
    failureOf(database.reader.list('SELECT 1', [], soon())),
  ]);
  for (const { error, tookMs } of waits) {
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(tookMs).toBeLessThan(1_000);
  }
  caller.abort();
  await Promise.all(busy);
  await expectAllConnections();
});

test('lists leave connections to reads of single things', async () => {
  const lists = Array.from({ length: 3 * READERS }, () =>
    database.reader.list('SELECT SLEEP(0.3)', [], inTenSeconds()),
  );
  const beganMs = performance.now();
  await database.reader.one('SELECT 1', [], inTenSeconds());
  expect(performance.now() - beganMs).toBeLessThan(250);
  await Promise.all(lists);
  // Two at a time.
  expect(performance.now() - beganMs).toBeGreaterThan((3 * READERS * 300) / 2 - 100);
});

/** As many statements run at once as there are connections: no connection is lost. */
async function expectAllConnections(): Promise<void> {
  const beganMs = performance.now();
  const sleeps = Array.from({ length: READERS }, () =>
    database.reader.one<{ id: number }>(
      'SELECT CONNECTION_ID() AS id, SLEEP(0.3)',
      [],
      inTenSeconds(),
    ),
  );
  const ids = (await Promise.all(sleeps)).map(([row]) => row?.id);
  expect(new Set(ids).size).toBe(READERS);
  expect(performance.now() - beganMs).toBeLessThan(2_000);
}

test('a KILL never meets the statement of another caller, and no connection is lost', async () => {
  let ended = 0;
  const impatient = async (number: number) => {
    const caller = new AbortController();
    const timer = setTimeout(() => {
      caller.abort();
    }, number % 4);
    const deadline = Deadline.in(1 + (number % 5), systemClock, caller.signal);
    try {
      const sql = 'SELECT ? AS n, SLEEP(0.002)';
      const [row] = await database.reader.one<{ n: number }>(sql, [number], deadline);
      expect(row?.n).toBe(number);
    } catch (error) {
      expect(error).toBeInstanceOf(StorageUnavailableError);
      ended += 1;
    } finally {
      clearTimeout(timer);
    }
  };
  const patient = async (number: number) => {
    const sql = 'SELECT ? AS n, SLEEP(0.001) AS interrupted';
    const [row] = await database.reader.one<{ n: number; interrupted: number }>(
      sql,
      [number],
      inTenSeconds(),
    );
    // MySQL answers 1 for a sleep that was interrupted.
    expect(row).toEqual({ n: number, interrupted: 0 });
  };
  const run = async (caller: (number: number) => Promise<void>, from: number) => {
    for (let number = from; number < from + 400; number += 1) await caller(number);
  };
  const callers = Array.from({ length: 8 }, (_, i) =>
    run(i % 2 === 0 ? impatient : patient, i * 1_000),
  );
  await Promise.all(callers);
  expect(ended).toBeGreaterThan(100);
  await expectAllConnections();
});

test('a statement that no KILL has ended is ended by the server', async () => {
  const bounded = new Database({ url: fresh.url, poolMax: 4, commitsMax: 1, readMaxMs: 400 });
  const { error, tookMs } = await failureOf(bounded.reader.one(HEAVY, [], inTenSeconds()));
  expect(error).toBeInstanceOf(StorageUnavailableError);
  expect(tookMs).toBeLessThan(2_000);
  expect(await heavyStatements()).toBe(0);
  await bounded.close();
});

test('a server that falls silent delays no answer, and its connections are replaced', async () => {
  const proxy = await MysqlProxy.start(fresh.url);
  const far = new Database({ url: proxy.url, poolMax: 6, commitsMax: 2 });
  const before = await connectionId(far);
  proxy.fallSilent();
  const reads = Array.from({ length: 4 }, () =>
    failureOf(far.reader.one('SELECT SLEEP(0.1)', [], Deadline.in(300, systemClock))),
  );
  for (const { error, tookMs } of await Promise.all(reads)) {
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(tookMs).toBeLessThan(1_000);
  }
  proxy.heal();
  const serves = async () => (await connectionId(far).catch(() => before)) !== before;
  await until('another connection serves', serves);
  await far.close();
  await proxy.stop();
});
