import { SequelizeProductCatalogue } from '../../../src/database/reading/product-catalogue.js';
import { SequelizeStockStore } from '../../../src/database/writing/stock-store.js';
import { Database } from '../../../src/database/connections.js';
import {
  checkRequest,
  type LinesOperation,
  type StockRequest,
} from '../../../src/inventory/stock-request.js';
import type { StockWrite } from '../../../src/inventory/stock.js';
import type { WriteResult } from '../../../src/inventory/stock-store.js';
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';

let fresh: FreshDatabase;
let database: Database;
let store: SequelizeStockStore;
let catalogue: SequelizeProductCatalogue;
let products = 0;

beforeAll(async () => {
  fresh = await createFreshDatabase();
  database = new Database({ url: fresh.url, poolMax: 10, commitsMax: 4 });
  store = new SequelizeStockStore(database.writer);
  catalogue = new SequelizeProductCatalogue(database);
});

afterAll(async () => {
  const report = await fresh.verifyLedger();
  await database.close();
  await fresh.drop();
  expect(report.problems).toEqual([]);
});

async function newProduct(quantity: number): Promise<string> {
  products += 1;
  const id = `product-${products}`;
  const product = { id, name: id, quantity, locationId: 'default', lowStockThreshold: null };
  expect(await catalogue.createProduct(product, performance.now() + 10_000)).toBe('CREATED');
  return id;
}

function write(
  name: LinesOperation,
  request: Partial<StockRequest> & Pick<StockRequest, 'items'>,
): StockWrite {
  const { operation, lines, mode, reason, reference } = checkRequest(
    name,
    { mode: 'PARTIAL', ...request },
    null,
  );
  return {
    operation,
    lines,
    atomic: mode === 'ALL_OR_NOTHING',
    productIds: [],
    reason,
    reference,
    type: 'LINES',
  };
}

async function apply(writes: StockWrite[], contended = false): Promise<readonly WriteResult[]> {
  const deadlineMs = performance.now() + 10_000;
  return store.apply(writes, {
    deadlineMs,
    contended,
    impatient: false,
    fencingTokenOf: () => null,
  });
}

async function onHand(productId: string): Promise<number | undefined> {
  const [product] = await catalogue.productsByIds([productId]);
  return product?.onHand;
}

function outcomes(result: WriteResult | undefined): unknown[] {
  if (result?.outcome !== 'DECIDED') return [result?.outcome];
  return result.verdicts.map((v) => (v.outcome === 'APPLIED' ? v.remaining : v.failure.code));
}

describe.each([
  ['read plainly first', false],
  ['locked first', true],
])('a list of lines, with levels %s', (_, contended) => {
  test('gives each line its own verdict, in the order of arrival', async () => {
    const [a, b] = [await newProduct(5), await newProduct(0)];
    const [result] = await apply(
      [
        write('deductStock', {
          items: [
            { productId: a, quantity: 3 },
            { productId: a, quantity: 3 },
            { productId: a, quantity: 2 },
            { productId: b, quantity: 1 },
            { productId: 'nobody-knows', quantity: 1 },
            { productId: a, quantity: 1, locationId: 'nowhere' },
            { productId: a, quantity: 0 },
          ],
        }),
      ],
      contended,
    );
    expect(outcomes(result)).toEqual([
      2,
      'INSUFFICIENT_STOCK',
      0,
      'INSUFFICIENT_STOCK',
      'PRODUCT_NOT_FOUND',
      'LOCATION_NOT_FOUND',
      'INVALID_QUANTITY',
    ]);
    expect(await onHand(a)).toBe(0);
  });

  test('takes the lines of several writes over several products in one transaction', async () => {
    const [a, b] = [await newProduct(10), await newProduct(10)];
    const results = await apply(
      [
        write('deductStock', {
          items: [
            { productId: b, quantity: 4 },
            { productId: a, quantity: 1 },
          ],
        }),
        write('increaseStock', { items: [{ productId: a, quantity: 5 }] }),
        write('deductStock', {
          mode: 'ALL_OR_NOTHING',
          items: [
            { productId: a, quantity: 14 },
            { productId: b, quantity: 7 },
          ],
        }),
        write('deductStock', { items: [{ productId: b, quantity: 6 }] }),
      ],
      contended,
    );
    expect(results.map(outcomes)).toEqual([[6, 9], [14], ['ABORTED', 'INSUFFICIENT_STOCK'], [0]]);
  });

  test('stores an answer under its key and repeats it, and never takes twice', async () => {
    const a = await newProduct(3);
    const request = {
      items: [
        { productId: a, quantity: 2 },
        { productId: a, quantity: 2 },
      ],
      idempotencyKey: `key-${a}`,
    };
    const [first] = await apply([write('deductStock', request)], contended);
    await apply([write('increaseStock', { items: [{ productId: a, quantity: 10 }] })], contended);
    const [second] = await apply([write('deductStock', request)], contended);
    expect(outcomes(first)).toEqual([1, 'INSUFFICIENT_STOCK']);
    expect(outcomes(second)).toEqual([1, 'INSUFFICIENT_STOCK']);
    expect(second).toMatchObject({ verdicts: [{ replayed: true }, { replayed: true }] });
    expect(await onHand(a)).toBe(11);
  });

  test('refuses a key that belongs to other input or to another operation', async () => {
    const a = await newProduct(3);
    const key = { idempotencyKey: `reused-${a}` };
    await apply(
      [write('deductStock', { items: [{ productId: a, quantity: 1 }], ...key })],
      contended,
    );
    const others = [
      write('deductStock', { items: [{ productId: a, quantity: 2 }], ...key }),
      write('increaseStock', { items: [{ productId: a, quantity: 1 }], ...key }),
    ];
    for (const other of others)
      expect(outcomes((await apply([other], contended))[0])).toEqual(['KEY_REUSED']);
    expect(await onHand(a)).toBe(2);
  });
});

test('tells keys apart byte by byte', async () => {
  const a = await newProduct(100);
  const keys = [
    'k',
    'K',
    'k ',
    ' k',
    'ké',
    'ke\u0301',
    '🔑',
    'k\0',
    'x'.repeat(255),
    '🔑'.repeat(255),
  ];
  for (const idempotencyKey of keys) {
    const [result] = await apply([
      write('deductStock', {
        items: [{ productId: a, quantity: 1 }],
        idempotencyKey: idempotencyKey,
      }),
    ]);
    expect(result).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: false }] });
  }
  expect(await onHand(a)).toBe(100 - keys.length);
});

test('takes exactly what is there when many transactions race without any lock', async () => {
  const a = await newProduct(25);
  const results = await Promise.all(
    Array.from({ length: 60 }, () =>
      apply([write('deductStock', { items: [{ productId: a, quantity: 1 }] })]),
    ),
  );
  const applied = results
    .flat()
    .filter((r) => r.outcome === 'DECIDED' && r.verdicts[0]?.outcome === 'APPLIED');
  expect(applied).toHaveLength(25);
  expect(await onHand(a)).toBe(0);
});

test('puts stock at a location where the product never was', async () => {
  const a = await newProduct(1);
  await fresh.sequelize.query(`INSERT INTO locations (id, name) VALUES ('berlin', 'Berlin')`);
  const results = await Promise.all(
    Array.from({ length: 5 }, () =>
      apply([
        write('increaseStock', { items: [{ productId: a, quantity: 2, locationId: 'berlin' }] }),
      ]),
    ),
  );
  expect(results.flat().flatMap(outcomes).sort()).toEqual([10, 2, 4, 6, 8]);
  const levels = await catalogue.levelsByProductIds([a]);
  expect(levels.get(a)?.map((level) => [level.locationId, level.onHand])).toEqual([
    ['berlin', 10],
    ['default', 1],
  ]);
});

test('refuses to fill a level beyond its bound', async () => {
  const a = await newProduct(999_999_999);
  const [result] = await apply([
    write('increaseStock', {
      items: [
        { productId: a, quantity: 2 },
        { productId: a, quantity: 1 },
      ],
    }),
  ]);
  expect(outcomes(result)).toEqual(['INVALID_QUANTITY', 1_000_000_000]);
});
