/** Imports beside a shop that sells: no unit is lost, no row is half in, and one that was killed is completed. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueryTypes } from 'sequelize';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import { ReserveStockDocument } from '../generated/operations.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { brief, callStock, deduction } from '../support/stock-calls.js';
import { until } from '../support/until.js';

let shop: Shop;
let folder: string;

beforeEach(async () => {
  shop = await Shop.open();
  folder = mkdtempSync(join(tmpdir(), 'stockade-csv-'));
});

afterEach(async () => {
  rmSync(folder, { recursive: true });
  await shop.close();
});

afterAll(() => {
  closeClient();
});

function startImport(lines: readonly string[], args: readonly string[] = []) {
  const file = join(folder, 'products.csv');
  writeFileSync(file, textOf(lines));
  const started = startImportFrom(file, args);
  started.input.end();
  return started;
}

function textOf(lines: readonly string[]): string {
  return ['id,name,locationId,quantity,lowStockThreshold', ...lines, ''].join('\n');
}

/** @param file "-" is its standard input, which stays open. */
function startImportFrom(file: string, args: readonly string[] = []) {
  const child = spawn(process.execPath, ['dist/src/cli/stockade.js', 'import', file, ...args], {
    env: { PATH: process.env.PATH, MYSQL_URL: shop.database.url },
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  }
  const ended = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    printed,
  }));
  return { input: child.stdin, kill: () => child.kill('SIGKILL'), ended };
}

test.each(STOCK_LOCKS)(
  'imported counts and deductions at the same time lose no unit (%s)',
  async (stockLock) => {
    const server = await shop.startServer(stockLock);
    const ids = await shop.newProducts(20, 1_000);
    const counting = [500, 700, 900].map((quantity) =>
      ids.map((id) => `${id},${id},default,${quantity},`),
    );
    const selling = { going: true, sold: 0 };
    const buyers = Array.from({ length: 20 }, async (_, at) => {
      for (let i = at; selling.going; i += 1) {
        const units = { [ids[i % ids.length] ?? '']: 1, [ids[(i * 7 + 3) % ids.length] ?? '']: 1 };
        const lines = brief(await callStock(server.graphqlUrl, deduction(units)));
        for (const line of lines) {
          expect(typeof line).toBe('number');
          selling.sold += 1;
        }
      }
    });
    for (const lines of counting) {
      expect(await startImport(lines, ['--set-quantities']).ended).toMatchObject({ status: 0 });
    }
    selling.going = false;
    await Promise.all(buyers);
    await server.stop();

    const ledger = await shop.ledger();
    expect(ledger.filter(({ kind }) => kind === 'DEDUCTION')).toHaveLength(selling.sold);
    const corrections = ledger.filter(({ kind }) => kind === 'CORRECTION');
    expect(corrections).toHaveLength(counting.length * ids.length);
    expect(new Set(corrections.map(({ quantityAfter }) => quantityAfter))).toEqual(
      new Set([500, 700, 900]),
    );
    expect(await shop.problems()).toEqual([]);
  },
);

test('a count below what reservations hold is a bad line, and nothing of that line is applied', async () => {
  const server = await shop.startServer('none');
  const [held = '', free = ''] = await shop.newProducts(2, 10);
  const reserved = await send(server.graphqlUrl, ReserveStockDocument, {
    input: { items: [{ productId: held, quantity: 6 }], ttlSeconds: 600 },
  });
  expect(dataOf(reserved).reserveStock.failedItems).toEqual([]);
  await server.stop();

  const lines = [`${held},Renamed,default,5,`, `${free},Renamed,default,5,`];
  const { status, printed } = await startImport(lines, ['--set-quantities']).ended;
  expect(status).toBe(1);
  expect(printed).toMatch(/^line 2, quantity: Reservations hold more than this/m);
  expect(await shop.onHand(held)).toBe(10);
  expect(await shop.onHand(free)).toBe(5);
  const names = await shop.database.sequelize.query<{ id: string; name: string }>(
    'SELECT id, name FROM products ORDER BY id',
    { type: QueryTypes.SELECT },
  );
  expect(names).toEqual([
    { id: held, name: held },
    { id: free, name: 'Renamed' },
  ]);
  expect(await shop.problems()).toEqual([]);
});

test('two imports of the same file at once create each product once', async () => {
  const lines = Array.from({ length: 3_000 }, (_, i) => `p${i},Name ${i},default,${i},`);
  const [one, other] = [startImport(lines), startImport(lines)];
  expect(await one.ended).toMatchObject({ status: 0 });
  expect(await other.ended).toMatchObject({ status: 0 });
  const levels = await shop.levels();
  expect(levels.size).toBe(3_000);
  expect(levels.get('p2999/default')).toBe(2_999);
  expect(await shop.ledger()).toHaveLength(2_999);
  expect(await shop.problems()).toEqual([]);
});

test('a killed import leaves whole batches, and running it again completes it', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `p${i},Name ${i},default,${i + 1},`);
  const killed = startImportFrom('-');
  // Not read to its end when it is killed.
  killed.input.on('error', () => undefined);
  // Without the last line and the end it waits for them, however late it is killed.
  killed.input.write(textOf(lines.slice(0, -1)));
  try {
    await until('some batches are in', async () => (await shop.levels()).size > 0);
  } finally {
    killed.kill();
  }
  expect(await killed.ended).toMatchObject({ status: null });

  const left = await shop.levels();
  expect(left.size).toBeLessThan(20_000);
  expect(left.size % 500).toBe(0);
  expect(await shop.problems()).toEqual([]);

  expect(await startImport(lines).ended).toMatchObject({ status: 0 });
  expect((await shop.levels()).size).toBe(20_000);
  expect(await shop.ledger()).toHaveLength(20_000);
  expect(await shop.problems()).toEqual([]);
});
