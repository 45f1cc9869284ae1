/** Stored answers expire; their keys never do. */
import { CommitSlots } from '../../../src/inventory/lanes/commit-slots.js';
import { AnswerRetention } from '../../../src/inventory/answer-retention.js';
import { Database } from '../../../src/database/connections.js';
import { MysqlAnswerArchive } from '../../../src/database/writing/answer-archive.js';
import { DeductStockDocument } from '../../generated/operations.js';
import { heldOnce } from '../../support/held-once.js';
import { askStock, brief, deduction } from '../../support/stock-calls.js';
import { useApp } from '../../support/use-app.js';

// Its own rounds, each minute, drop none of these answers.
const app = useApp({ IDEMPOTENCY_RETENTION_DAYS: '3650' });
let database: Database;

beforeAll(() => {
  database = new Database({ url: app.database.url, poolMax: 5, commitsMax: 1 });
});

afterAll(() => database.close());

const NEVER = new AbortController().signal;

async function expire(days = 30): Promise<void> {
  const archive = new MysqlAnswerArchive(database);
  await new AnswerRetention(archive, new CommitSlots(1), database, days).expire(NEVER);
}

async function age(keys: string, days: number): Promise<void> {
  await app.database.sequelize.query(
    `UPDATE stock_operations SET created_at = NOW(6) - INTERVAL ? DAY WHERE id IN (
       SELECT operation_id FROM stock_movements WHERE idempotency_key LIKE ?)`,
    { replacements: [days, keys] },
  );
}

async function storedAnswers(): Promise<unknown> {
  const [rows] = await app.database.sequelize.query(
    'SELECT COUNT(answers) AS answers FROM stock_operations',
  );
  return (rows[0] as { answers: unknown }).answers;
}

const ask = (call: ReturnType<typeof deduction>) => askStock(app.ask.resolvers, call);

test('an old answer is dropped, its key stays known, and nothing is applied again', async () => {
  const id = await app.shop.newProduct(9);
  const old = deduction({ [id]: 1 }, { idempotencyKey: 'old-1' });
  const young = deduction({ [id]: 2 }, { idempotencyKey: 'young-1' });
  expect([brief(await ask(old)), brief(await ask(young))]).toEqual([[8], [6]]);
  await age('old-%', 31);
  await age('young-%', 29);
  await expire();

  expect(await ask(old)).toEqual({ kind: 'FAULT', code: 'IDEMPOTENCY_KEY_REUSED' });
  const { errors } = await app.ask.http(DeductStockDocument, { input: old.input });
  expect(errors?.[0]?.message).toMatch(/its answer has expired/);
  expect(await ask(young)).toMatchObject({ kind: 'ANSWERED', replayed: true });
  expect(await app.shop.onHand(id)).toBe(6);
});

test('many answers are dropped in batches, and a second run drops none', async () => {
  const id = await app.shop.newProduct(2_000);
  await Promise.all(
    Array.from({ length: 1_100 }, (_, at) =>
      ask(deduction({ [id]: 1 }, { idempotencyKey: `many-${at}` })),
    ),
  );
  const before = Number(await storedAnswers());
  await age('many-%', 40);
  // A round of the app's own may have the turn at that moment, and then these drop none.
  await heldOnce(3, async () => {
    await Promise.all([expire(), expire()]);
    return Number(await storedAnswers()) < before;
  });
  expect(Number(await storedAnswers())).toBe(before - 1_100);
  await expire();
  expect(Number(await storedAnswers())).toBe(before - 1_100);
  const [rows] = await app.database.sequelize.query(
    `SELECT COUNT(*) AS kept FROM stock_operations WHERE answer_expired AND id IN (
       SELECT operation_id FROM stock_movements WHERE idempotency_key LIKE 'many-%')`,
  );
  expect(Number((rows[0] as { kept: unknown }).kept)).toBe(1_100);
});

test('one process drops answers at a time', async () => {
  const order: string[] = [];
  await database.exclusively('a', async () => {
    order.push('first');
    await database.exclusively('a', async () => {
      order.push('second');
      await Promise.resolve();
    });
    await database.exclusively('b', async () => {
      order.push('of another name');
      await Promise.resolve();
    });
  });
  expect(order).toEqual(['first', 'of another name']);
});

test('withdrawals of attempts are forgotten after a day', async () => {
  const { sequelize } = app.database;
  await sequelize.query(
    `INSERT INTO withdrawn_writes (call_id, attempt, withdrawn_at) VALUES
       ('old', 2, NOW(6) - INTERVAL 2 DAY), ('young', 2, NOW(6) - INTERVAL 20 HOUR)`,
  );
  await expire();
  const [left] = await sequelize.query('SELECT call_id AS call_id FROM withdrawn_writes');
  expect(left).toEqual([{ call_id: 'young' }]);
});
