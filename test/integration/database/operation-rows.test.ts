/** What a request with a key leaves in the database: one row of bounded size, however long its key and its list. */
import { QueryTypes } from 'sequelize';
import { LINES_MAX } from '../../../src/inventory/stock.js';
import {
  CommitReservationDocument,
  DeductStockDocument,
  IncreaseStockDocument,
  ReserveStockDocument,
  SetStockDocument,
  TransferStockDocument,
} from '../../generated/operations.js';
import { useApp } from '../../support/use-app.js';

const { SELECT } = QueryTypes;
const TABLES = [
  'stock_levels',
  'stock_movements',
  'stock_operations',
  'reservations',
  'reservation_lines',
] as const;

const app = useApp({}, 'test');

type Table = (typeof TABLES)[number];

async function countRows(): Promise<Record<Table, number>> {
  const counts = TABLES.map(async (table) => {
    const [row] = await app.database.sequelize.query<{ n: number }>(
      `SELECT COUNT(*) AS n FROM ${table}`,
      { type: SELECT },
    );
    return [table, row?.n ?? NaN] as const;
  });
  return Object.fromEntries(await Promise.all(counts)) as Record<Table, number>;
}

/** The pages of the operations' table and its indexes, in bytes. */
async function operationBytes(): Promise<number> {
  await app.database.sequelize.query('ANALYZE TABLE stock_operations');
  const [row] = await app.database.sequelize.query<{ bytes: string }>(
    `SELECT data_length + index_length AS bytes FROM information_schema.tables
     WHERE table_schema = DATABASE() AND table_name = 'stock_operations'`,
    { type: SELECT },
  );
  return Number(row?.bytes);
}

/** 255 characters of 4 bytes. */
const longKey = (number: number) => `${number}`.padEnd(255, '*').replaceAll('*', '🔑');

function unknown(count: number) {
  return Array.from({ length: count }, () => ({ productId: 'unknown', quantity: 1 }));
}

test('400 requests of 100 lines for an unknown product, with keys of 1,000 bytes, are 400 small rows', async () => {
  const before = { rows: await countRows(), bytes: await operationBytes() };
  const items = unknown(LINES_MAX);
  const results = [];
  // A lane refuses more than its bound at once.
  for (let first = 0; first < 400; first += 20) {
    const inputs = Array.from({ length: 20 }, (_, at) => {
      return { items, idempotencyKey: longKey(first + at) };
    });
    const answers = await Promise.all(
      inputs.map((input) => app.ask.resolvers(DeductStockDocument, { input })),
    );
    results.push(...answers.flatMap(({ data }) => data?.deductStock.results ?? []));
  }
  const codes = results.map((result) => 'error' in result && result.error.__typename);
  expect(new Set(codes)).toEqual(new Set(['ProductNotFoundError']));
  expect(results).toHaveLength(40_000);
  expect(await countRows()).toEqual({ ...before.rows, stock_operations: 400 });
  const [widest] = await app.database.sequelize.query<{ bytes: number }>(
    'SELECT MAX(LENGTH(answers)) AS bytes FROM stock_operations',
    { type: SELECT },
  );
  expect(widest?.bytes).toBe('0-99P;'.length);
  // Pages, which random keys fill by two thirds: 245 bytes for each.
  expect(((await operationBytes()) - before.bytes) / 400).toBeLessThan(400);
});

test('each kind of refused request with a key is one row, and nothing else', async () => {
  const id = await app.shop.newProduct(1);
  const before = await countRows();
  const text = { reason: 'r'.repeat(255), reference: '€'.repeat(255) };
  const { reference } = text;
  const many = Array.from({ length: LINES_MAX }, (_, at) => ({ productId: id, quantity: at + 2 }));
  const places = { fromLocationId: 'default', toLocationId: 'default-2' };
  const ask = app.ask.resolvers;
  const key = (number: number) => ({ idempotencyKey: longKey(number) });
  const outcomes = [
    await ask(DeductStockDocument, { input: { items: many, reference, ...key(1) } }),
    await ask(DeductStockDocument, {
      input: { items: many, mode: 'ALL_OR_NOTHING', reference, ...key(2) },
    }),
    await ask(IncreaseStockDocument, { input: { items: unknown(100), ...text, ...key(3) } }),
    await ask(SetStockDocument, {
      input: { productId: id, quantity: 7, changeFromQuantity: 3, ...text, ...key(4) },
    }),
    await ask(TransferStockDocument, {
      input: { productId: id, quantity: 1, ...places, reference, ...key(5) },
    }),
    await ask(ReserveStockDocument, {
      input: { items: many, ttlSeconds: 60, reference, ...key(6) },
    }),
    await ask(CommitReservationDocument, { input: { reservationId: 'unknown', ...key(7) } }),
  ];
  expect(outcomes.flatMap(({ errors }) => errors ?? [])).toEqual([]);
  expect(await countRows()).toEqual({ ...before, stock_operations: 7 });
  const sizes = await app.database.sequelize.query<{ bytes: number }>(
    'SELECT LENGTH(answers) AS bytes FROM stock_operations',
    { type: SELECT },
  );
  expect(Math.max(...sizes.map(({ bytes }) => bytes))).toBeLessThan(20);
});

test('a key of 1,020 bytes is repeated, and another one that differs in its last character is not', async () => {
  const id = await app.shop.newProduct(5);
  const ask = (idempotencyKey: string) =>
    app.ask.resolvers(DeductStockDocument, {
      input: { items: [{ productId: id, quantity: 1 }], idempotencyKey },
    });
  const replays = [];
  for (const last of ['a', 'b', 'a', 'A']) {
    const { data } = await ask(`${'🔑'.repeat(254)}${last}`);
    replays.push(data?.deductStock.replayed);
  }
  expect(replays).toEqual([false, false, true, false]);
  expect(await app.shop.onHand(id)).toBe(2);
});
