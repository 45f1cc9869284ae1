/** A statement that reads ends with its caller, on the server too, and its connection serves the next caller. */
import { QueryTypes } from 'sequelize';
import { Database } from '../../../src/database/connections.js';
import { CallerGoneError, StorageUnavailableError } from '../../../src/inventory/stock-store.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { heldOnce } from '../../support/held-once.js';
import { MysqlProxy } from '../../support/mysql-proxy.js';
import { inTenSeconds } from '../../support/one-pool.js';
import { until } from '../../support/until.js';

const READERS = 4;
/** Of the connections for reading, those that lists never take. */
const LEFT_BY_LISTS = 2;
/** The heavy statement takes longer than this by far; a caller whose time is up does not wait for so long. */
const MUCH_TOO_LATE_MS = 15_000;
/** Who waits beyond its time for a connection does so for two seconds at least: the time that a new one may take. */
const LATE_MS = 1_000;
/** A pause of the machine delays one try. */
const TRIES = 3;
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

/** Ends the callers that a failed test has left. */
let leave: AbortController;

beforeEach(() => {
  leave = new AbortController();
});

afterEach(async () => {
  leave.abort();
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

/** Resolves when so many of them run at the server. */
const untilHeavy = (count: number) =>
  until(`${count} heavy statements`, async () => (await heavyStatements()) === count);

/** So many callers of the heavy statement, which wait until the test ends them. */
function heavyCallers(count: number, how: 'one' | 'list') {
  const callers = Array.from({ length: count }, () => new AbortController());
  const failures = callers.map((caller) => {
    leave.signal.addEventListener('abort', () => {
      caller.abort();
    });
    const deadline = Deadline.in(120_000, systemClock, caller.signal);
    return failureOf(database.reader[how](HEAVY, [], deadline));
  });
  return async () => {
    for (const caller of callers) caller.abort();
    for (const { error } of await Promise.all(failures))
      expect(error).toBeInstanceOf(CallerGoneError);
    await untilHeavy(0);
  };
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
  const attempt = async () => {
    const single = new Database({ url: fresh.url, poolMax: 4, commitsMax: 1 });
    // A KILL on a connection that must first be opened may come too late, and then the other one is closed.
    await single.control.query('SELECT 1');
    const id = await connectionId(single);
    const { error, tookMs } = await failureOf(
      single.reader.list(HEAVY, [], Deadline.in(300, systemClock)),
    );
    expect(error).toBeInstanceOf(StorageUnavailableError);
    expect(error).not.toBeInstanceOf(CallerGoneError);
    expect(tookMs).toBeGreaterThan(250);
    expect(tookMs).toBeLessThan(MUCH_TOO_LATE_MS);
    await untilHeavy(0);
    const goesOn = (await connectionId(single)) === id;
    await single.close();
    return goesOn;
  };
  expect(await heldOnce(TRIES, attempt)).toBe(true);
});

test('when a caller has hung up, its statement ends', async () => {
  const hangUp = heavyCallers(1, 'list');
  await untilHeavy(1);
  await hangUp();
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
  const hangUp = heavyCallers(READERS, 'one');
  await untilHeavy(READERS);
  const soon = () => Deadline.in(100, systemClock);
  const attempt = async () => {
    const waits = await Promise.all([
      failureOf(database.reader.one('SELECT 1', [], soon())),
      failureOf(database.reader.list('SELECT 1', [], soon())),
    ]);
    for (const { error } of waits) expect(error).toBeInstanceOf(StorageUnavailableError);
    return waits.every(({ tookMs }) => tookMs < LATE_MS);
  };
  expect(await heldOnce(TRIES, attempt)).toBe(true);
  await hangUp();
  await expectAllConnections();
});

test('lists leave connections to reads of single things', async () => {
  const runAtOnce = READERS - LEFT_BY_LISTS;
  const hangUp = heavyCallers(3 * READERS, 'list');
  await untilHeavy(runAtOnce);
  // Where lists took all connections, it would wait behind them until its time is up.
  expect(await connectionId()).toEqual(expect.any(Number));
  expect(await heavyStatements()).toBe(runAtOnce);
  await hangUp();
});

/** As many statements run at once as there are connections: no connection is lost. */
async function expectAllConnections(): Promise<void> {
  const hangUp = heavyCallers(READERS, 'one');
  await untilHeavy(READERS);
  await hangUp();
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
  // Less than the caller's time: its end did not end the statement.
  expect(tookMs).toBeLessThan(8_000);
  await untilHeavy(0);
  await bounded.close();
});

test('a server that falls silent delays no answer, and its connections are replaced', async () => {
  const attempt = async () => {
    const proxy = await MysqlProxy.start(fresh.url);
    const far = new Database({ url: proxy.url, poolMax: 6, commitsMax: 2 });
    const before = await connectionId(far);
    proxy.fallSilent();
    const reads = Array.from({ length: 4 }, () =>
      failureOf(far.reader.one('SELECT SLEEP(0.1)', [], Deadline.in(300, systemClock))),
    );
    const failures = await Promise.all(reads);
    for (const { error } of failures) expect(error).toBeInstanceOf(StorageUnavailableError);
    proxy.heal();
    const serves = async () => (await connectionId(far).catch(() => before)) !== before;
    await until('another connection serves', serves);
    await far.close();
    await proxy.stop();
    return failures.every(({ tookMs }) => tookMs < LATE_MS);
  };
  expect(await heldOnce(TRIES, attempt)).toBe(true);
});
