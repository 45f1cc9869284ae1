/** Keys and answers that earlier versions stored, after the migration that makes each operation one row. */
import { QueryTypes, type Sequelize } from 'sequelize';
import type { MigrationParams } from 'umzug';
import { faultOf } from '../../../src/database/errors.js';
import { up } from '../../../src/database/migrations/2026.11.28T01.00.00.operation-answers.js';
import { MysqlStockStore } from '../../../src/database/writing/stock-store.js';
import { derivedReservationId } from '../../../src/inventory/reservation.js';
import type { WriteResult } from '../../../src/inventory/stock-store.js';
import type { Operation, StockWrite } from '../../../src/inventory/stock.js';
import { systemClock } from '../../../src/time/clock.js';
import { Deadline } from '../../../src/time/deadline.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { close, operations, outcomes, reserve, write } from '../../support/stock-writes.js';

const { SELECT } = QueryTypes;

/** The tables as the migrations before this one left them. */
const EARLIER_TABLES = [
  'DROP TABLE stock_operations',
  `CREATE TABLE stock_operations (
     scope VARBINARY(255) NOT NULL, idempotency_key VARBINARY(1020) NOT NULL,
     operation VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, fingerprint BINARY(32) NOT NULL,
     created_at DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), answer_expired BOOLEAN NOT NULL DEFAULT FALSE,
     reservation_id VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NULL,
     PRIMARY KEY (scope, idempotency_key), KEY stock_operations_to_expire (answer_expired, created_at)
   ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci`,
  `CREATE TABLE stock_operation_lines (
     scope VARBINARY(255) NOT NULL, idempotency_key VARBINARY(1020) NOT NULL, line_index INT NOT NULL,
     outcome VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL, available INT NULL, sequence BIGINT NULL,
     requested INT NULL, PRIMARY KEY (scope, idempotency_key, line_index)
   ) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci`,
];

let fresh: FreshDatabase;

beforeEach(async () => {
  fresh = await createFreshDatabase();
  for (const sql of EARLIER_TABLES) await fresh.sequelize.query(sql);
});

afterEach(() => fresh.drop());

function migrate(context: Sequelize): Promise<unknown> {
  const params: MigrationParams<Sequelize> = { name: 'operation-answers', context };
  return Promise.resolve(up(params));
}

/** A line as earlier versions stored it: outcome, requested, available, sequence. */
type EarlierLine = readonly [
  index: number,
  outcome: string,
  requested?: number | null,
  available?: number | null,
  sequence?: number | null,
];

async function storeEarlier(
  { principal, idempotencyKey, name, fingerprint }: Operation,
  lines: readonly EarlierLine[],
  {
    reservationId = null,
    expired = false,
  }: { reservationId?: string | null; expired?: boolean } = {},
): Promise<void> {
  const key = [Buffer.from(principal ?? ''), Buffer.from(idempotencyKey ?? '')];
  const created = '2026-11-20 10:11:12.345678';
  await fresh.sequelize.query(
    `INSERT INTO stock_operations
       (scope, idempotency_key, operation, fingerprint, reservation_id, answer_expired, created_at) VALUES (?)`,
    { replacements: [[...key, name, fingerprint, reservationId, expired, created]] },
  );
  if (lines.length === 0) return;
  await fresh.sequelize.query(
    `INSERT INTO stock_operation_lines
       (scope, idempotency_key, line_index, outcome, requested, available, sequence) VALUES ?`,
    {
      replacements: [
        lines.map(([index, outcome, requested = null, available = null, sequence = null]) => {
          return [...key, index, outcome, requested, available, sequence];
        }),
      ],
    },
  );
}

async function apply(given: StockWrite): Promise<WriteResult | undefined> {
  const [result] = await new MysqlStockStore(fresh.sequelize).apply([given], {
    deadline: Deadline.in(20_000, systemClock),
    contended: false,
    impatient: false,
    fencingTokenOf: () => null,
  });
  return result;
}

const take = (key: string, quantities: readonly number[], productId = 'a') =>
  write('deductStock', {
    items: quantities.map((quantity) => ({ productId, quantity })),
    idempotencyKey: key,
  });

const DONE: EarlierLine = [0, 'APPLIED', null, 7, 12];
const KEYS = [
  'k',
  'K',
  'k ',
  '🔑'.repeat(255),
  '"\\/\u0000\u0007\u001f\n\u007fé\u2028',
  ''.padEnd(255, '%'),
];

test.each(KEYS)(
  'a key of an earlier version is answered from its stored answer: %j',
  async (key) => {
    await storeEarlier(take(key, [1]).operation, [DONE]);
    await migrate(fresh.sequelize);
    expect(await apply(take(key, [1]))).toEqual({
      outcome: 'DECIDED',
      verdicts: [{ outcome: 'APPLIED', remaining: 7, movementId: 'a/default/12', replayed: true }],
    });
    expect(await apply(take(key, [2]))).toEqual({ outcome: 'KEY_REUSED', answerExpired: false });
  },
);

test('keys of two principals stay two', async () => {
  const given = take('k', [1]);
  const operation = operations.identify('deductStock', 'jwt:é', 'k', []);
  const theirs = { ...operation, fingerprint: given.operation.fingerprint };
  await storeEarlier(theirs, [[0, 'PRODUCT_NOT_FOUND']]);
  await storeEarlier(given.operation, [DONE]);
  await migrate(fresh.sequelize);
  expect(outcomes(await apply(given))).toEqual([7]);
  expect(outcomes(await apply({ ...given, operation: theirs }))).toEqual(['PRODUCT_NOT_FOUND']);
});

test('each outcome is read back, and lines that were not answered are tried', async () => {
  const id = await fresh.newProduct(3);
  const given = take('k', [1, 5, 5, 1, 0, 1, 1, 1, 2], id);
  await storeEarlier(given.operation, [
    [0, 'APPLIED', null, 9, 4],
    [1, 'INSUFFICIENT_STOCK', 5, 2],
    // Of the first version, which did not store the requested quantity.
    [2, 'INSUFFICIENT_STOCK', null, 2],
    [3, 'LOCATION_NOT_FOUND'],
    [4, 'INVALID_QUANTITY'],
    [5, 'PRODUCT_NOT_FOUND'],
    [6, 'PRODUCT_NOT_FOUND'],
    [7, 'ABORTED'],
  ]);
  await migrate(fresh.sequelize);
  const [row] = await fresh.sequelize.query<{ answers: string; created: string }>(
    'SELECT answers, CAST(created_at AS CHAR) AS created FROM stock_operations',
    { type: SELECT },
  );
  expect(row).toEqual({
    answers: '0A9,4;1I2,5;2I2;3L;4Q;5-6P;7B;',
    created: '2026-11-20 10:11:12.345678',
  });
  for (const replayed of [false, true]) {
    const result = await apply(given);
    expect(outcomes(result)).toEqual([
      9,
      'INSUFFICIENT_STOCK',
      'INSUFFICIENT_STOCK',
      'LOCATION_NOT_FOUND',
      'INVALID_QUANTITY',
      'PRODUCT_NOT_FOUND',
      'PRODUCT_NOT_FOUND',
      'ABORTED',
      1,
    ]);
    const verdicts = result?.outcome === 'DECIDED' ? result.verdicts : [];
    expect(verdicts.map((verdict) => verdict.replayed)).toEqual([
      ...Array<boolean>(8).fill(true),
      replayed,
    ]);
    for (const at of [1, 2]) {
      expect(verdicts[at]).toMatchObject({ failure: { requested: 5, available: 2 } });
    }
  }
  expect(await fresh.onHand(id)).toBe(1);
});

test('a count that was stale, and reservations that could not be ended, keep their answers', async () => {
  const count = operations.identify('setStock', null, 'count', ['meaning']);
  await storeEarlier(count, [[0, 'STALE_QUANTITY', 4, 9]]);
  const create = reserve({ a: 1 });
  const refusals = ['NOT_FOUND', 'ACTIVE', 'COMMITTED', 'RELEASED', 'EXPIRED'];
  const closing = refusals.map((refusal) => ({
    ...close(create, 'RELEASED'),
    operation: operations.identify('releaseReservation', 'p', refusal, []),
  }));
  for (const [at, { operation }] of closing.entries()) {
    await storeEarlier(operation, [[0, `RESERVATION_${refusals[at]}`]]);
  }
  await migrate(fresh.sequelize);
  const [line] = take('k', [1]).lines;
  if (!line) throw new Error('A deduction has no line.');
  const counting = { ...line, quantity: 7, change: { type: 'SET', changeFrom: 4 } } as const;
  expect(await apply({ ...take('k', [1]), operation: count, lines: [counting] })).toMatchObject({
    verdicts: [{ failure: { code: 'STALE_QUANTITY', expected: 4, actual: 9 }, replayed: true }],
  });
  for (const [at, ending] of closing.entries()) {
    const status = refusals[at];
    expect(await apply(ending)).toEqual({
      outcome: 'REFUSED',
      failure:
        status === 'NOT_FOUND'
          ? { code: 'RESERVATION_NOT_FOUND' }
          : { code: 'RESERVATION_NOT_ACTIVE', status },
      replayed: true,
    });
  }
});

test('an expired answer stays expired', async () => {
  const id = await fresh.newProduct(3);
  await storeEarlier(take('old', [1], id).operation, [], { expired: true });
  await migrate(fresh.sequelize);
  expect(await apply(take('old', [1], id))).toEqual({ outcome: 'KEY_REUSED', answerExpired: true });
  expect(await apply(take('old', [2], id))).toEqual({
    outcome: 'KEY_REUSED',
    answerExpired: false,
  });
  expect(await fresh.onHand(id)).toBe(3);
});

test.each(['stored', 'derived'])('a reservation with a %s id is found by its key', async (how) => {
  const cart = () => reserve({ a: 2 }, { key: 'cart' });
  const { operation } = cart();
  const id = how === 'stored' ? 'kept' : derivedReservationId(operation);
  await fresh.sequelize.query(
    `INSERT INTO reservations (id, created_by, created_at, expires_at)
     VALUES (?, ?, NOW(6), NOW(6) + INTERVAL 1 HOUR)`,
    { replacements: [id, operation.id] },
  );
  const reservationId = how === 'stored' ? id : null;
  await storeEarlier(operation, [[0, 'APPLIED', null, 1, null]], { reservationId });
  await migrate(fresh.sequelize);
  expect(await apply(cart())).toMatchObject({
    verdicts: [{ outcome: 'APPLIED', movementId: null, replayed: true }],
    reservation: { id, status: 'ACTIVE' },
  });
});

const MANY = 1_200;

async function storeMany(): Promise<readonly StockWrite[]> {
  const writes = Array.from({ length: MANY }, (_, number) => take(`many-${number}`, [1, 1]));
  const keys = writes.map(({ operation }) => [
    Buffer.alloc(0),
    Buffer.from(operation.idempotencyKey ?? ''),
  ]);
  await fresh.sequelize.query(
    'INSERT INTO stock_operations (scope, idempotency_key, operation, fingerprint) VALUES ?',
    {
      replacements: [
        writes.map(({ operation }, at) => [
          ...(keys[at] ?? []),
          operation.name,
          operation.fingerprint,
        ]),
      ],
    },
  );
  await fresh.sequelize.query(
    `INSERT INTO stock_operation_lines (scope, idempotency_key, line_index, outcome, available, sequence) VALUES ?`,
    {
      replacements: [
        keys.flatMap((key, at) => [
          [...key, 0, 'APPLIED', at, at + 1],
          [...key, 1, 'PRODUCT_NOT_FOUND', null, null],
        ]),
      ],
    },
  );
  return writes;
}

/** Runs no more statements than this: the next one is not sent. */
function dyingAfter(statements: number): Sequelize {
  let left = statements;
  const query = (...given: Parameters<Sequelize['query']>): Promise<unknown> => {
    if (left === 0) return Promise.reject(new Error('The process died.'));
    left -= 1;
    return fresh.sequelize.query(...given);
  };
  return { query } as unknown as Sequelize;
}

test('a migration that dies after any of its statements is finished by the next one', async () => {
  let finished = false;
  for (let statements = 1; !finished; statements += 1) {
    const writes = await storeMany();
    finished = await migrate(dyingAfter(statements)).then(
      () => true,
      () => false,
    );
    await migrate(fresh.sequelize);
    const rows = await fresh.sequelize.query<{ id: Buffer; answers: string }>(
      'SELECT id, answers FROM stock_operations',
      { type: SELECT },
    );
    const answers = new Map(rows.map((row) => [row.id.toString('hex'), row.answers]));
    const wanted = writes.map(({ operation }, at) => [
      operation.id.toString('hex'),
      `0A${at},${at + 1};1P;`,
    ]);
    expect({ statements, answers }).toEqual({
      statements,
      answers: new Map(wanted as [string, string][]),
    });
    const left = await fresh.sequelize.query<{ name: string }>(
      `SELECT table_name AS name FROM information_schema.tables
       WHERE table_schema = DATABASE() AND table_name LIKE 'stock\\_operation%'`,
      { type: SELECT },
    );
    expect(left.map(({ name }) => name)).toEqual(['stock_operations']);
    for (const sql of EARLIER_TABLES) await fresh.sequelize.query(sql);
  }
});

test('a server of an earlier version cannot carry out a key, during the migration or after it', async () => {
  const claim = () =>
    fresh.sequelize
      .query(
        `INSERT INTO stock_operations (scope, idempotency_key, operation, fingerprint, reservation_id)
         VALUES ('', 'k', 'deductStock', '', NULL)
         ON DUPLICATE KEY UPDATE operation = stock_operations.operation`,
      )
      .then(() => 'CLAIMED', faultOf);
  await storeMany();
  const outcomesOfClaims = [];
  // From its second statement on: the first one reads, the second one renames.
  for (let statements = 2; statements < 30; statements += 3) {
    await migrate(dyingAfter(statements)).catch(() => undefined);
    outcomesOfClaims.push(await claim());
  }
  expect(new Set(outcomesOfClaims)).toEqual(new Set(['BUG']));
});
