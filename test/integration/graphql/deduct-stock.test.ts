/**
 * deductStock and increaseStock as a client sees them, called directly and over HTTP: a result per line, all or
 * nothing, idempotency keys. The answers are the same with every STOCK_LOCK.
 */
import {
  DeductStockDocument,
  IncreaseStockDocument,
  StockMovementsDocument,
  type DeductStockMutation,
} from '../../generated/operations.js';
import { givenUrl } from '../../support/fresh-database.js';
import { faultOf, type Ask } from '../../support/running-app.js';
import { STOCK_LOCKS } from '../../support/shop.js';
import { useApp } from '../../support/use-app.js';

type Result = DeductStockMutation['deductStock']['results'][number];

interface Line {
  readonly productId: string;
  readonly quantity: number;
  readonly locationId?: string;
}

const app = useApp(null);

beforeAll(() => app.shop.newLocation('north'));

/** What remains after each applied line, or the code of a failed one. */
function brief(results: readonly Result[]): (number | string)[] {
  return results.map((r) => (r.__typename === 'DeductedItem' ? r.remaining : r.error.code));
}

async function ledgerOf(productId: string) {
  const { stockMovements } = await app.dataOf(StockMovementsDocument, { productId, first: 100 });
  return stockMovements.edges.map((edge) => edge.node);
}

const WAYS = STOCK_LOCKS.flatMap((stockLock) =>
  (['resolvers', 'http'] as const).map((level) => ({ stockLock, level })),
);

describe.each(WAYS)('with STOCK_LOCK=$stockLock, by $level', ({ stockLock, level }) => {
  let ask: Ask;

  beforeAll(async () => {
    await app.restart({ STOCK_LOCK: stockLock, REDIS_URL: givenUrl('REDIS_URL') });
    ask = app.ask[level];
  });

  async function deduct(items: Line[], more: Record<string, unknown> = {}) {
    const outcome = await ask(DeductStockDocument, { input: { items, ...more } });
    if (outcome.errors || !outcome.data) throw new Error(JSON.stringify(outcome.errors));
    return outcome.data.deductStock;
  }

  test('deducts available stock and answers what remains, with the product as it is now', async () => {
    const id = await app.newProduct(10);
    const { results, replayed } = await deduct([{ productId: id, quantity: 3 }]);
    expect(results).toEqual([
      {
        __typename: 'DeductedItem',
        index: 0,
        productId: id,
        locationId: 'default',
        quantity: 3,
        remaining: 7,
        movementId: `${id}/default/2`,
        product: { id, name: id, available: 7 },
      },
    ]);
    expect(replayed).toBe(false);
  });

  test('answers each line on its own in the order of the input, whatever the order of locking', async () => {
    const [a, b] = [await app.newProduct(5), await app.newProduct(5)];
    const { results } = await deduct([
      { productId: b, quantity: 5 },
      { productId: 'nobody', quantity: 1 },
      { productId: a, quantity: 6 },
      { productId: a, quantity: 2 },
      { productId: b, quantity: 1 },
      { productId: a, quantity: 0 },
      { productId: a, quantity: 1, locationId: 'nowhere' },
      { productId: a, quantity: 1, locationId: 'north' },
    ]);
    expect(results.map((r) => r.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(results.map((r) => r.productId)).toEqual([b, 'nobody', a, a, b, a, a, a]);
    expect(brief(results)).toEqual([
      0,
      'PRODUCT_NOT_FOUND',
      'INSUFFICIENT_STOCK',
      3,
      'INSUFFICIENT_STOCK',
      'INVALID_QUANTITY',
      'LOCATION_NOT_FOUND',
      'INSUFFICIENT_STOCK',
    ]);
  });

  test('answers for each failed line the type, code, retryability and figures of its error', async () => {
    const id = await app.newProduct(2);
    const { results } = await deduct([
      { productId: id, quantity: 3 },
      { productId: 'nobody', quantity: 1 },
      { productId: id, quantity: -1 },
      { productId: id, quantity: 1, locationId: 'nowhere' },
      { productId: id, quantity: 1, locationId: 'north' },
    ]);
    const message = expect.any(String) as string;
    const errors = results.map((r) => (r.__typename === 'FailedItem' ? r.error : null));
    expect(errors).toEqual([
      {
        __typename: 'InsufficientStockError',
        code: 'INSUFFICIENT_STOCK',
        retryable: false,
        requested: 3,
        available: 2,
        message,
      },
      { __typename: 'ProductNotFoundError', code: 'PRODUCT_NOT_FOUND', retryable: false, message },
      { __typename: 'InvalidQuantityError', code: 'INVALID_QUANTITY', retryable: false, message },
      {
        __typename: 'LocationNotFoundError',
        code: 'LOCATION_NOT_FOUND',
        retryable: false,
        message,
      },
      {
        __typename: 'InsufficientStockError',
        code: 'INSUFFICIENT_STOCK',
        retryable: false,
        requested: 1,
        available: 0,
        message,
      },
    ]);
  });

  test('applies several lines of one product in their order, a smaller one after one that was too large', async () => {
    const id = await app.newProduct(10);
    const quantities = [4, 7, 5, 2, 1, 1];
    const { results } = await deduct(quantities.map((quantity) => ({ productId: id, quantity })));
    expect(brief(results)).toEqual([
      6,
      'INSUFFICIENT_STOCK',
      1,
      'INSUFFICIENT_STOCK',
      0,
      'INSUFFICIENT_STOCK',
    ]);
  });

  test('all or nothing applies all lines in one transaction', async () => {
    const [a, b] = [await app.newProduct(5), await app.newProduct(5)];
    const { results } = await deduct(
      [
        { productId: b, quantity: 1 },
        { productId: a, quantity: 2 },
        { productId: b, quantity: 1 },
      ],
      { mode: 'ALL_OR_NOTHING' },
    );
    expect(brief(results)).toEqual([4, 3, 3]);
  });

  test('all or nothing applies no line where one fails, and names the line that failed', async () => {
    const [a, b] = [await app.newProduct(5), await app.newProduct(5)];
    const { results } = await deduct(
      [
        { productId: a, quantity: 1 },
        { productId: b, quantity: 6 },
        { productId: a, quantity: 1 },
      ],
      { mode: 'ALL_OR_NOTHING' },
    );
    expect(brief(results)).toEqual(['ABORTED', 'INSUFFICIENT_STOCK', 'ABORTED']);
    for (const result of results) {
      expect(result).toMatchObject({ __typename: 'FailedItem', error: { retryable: false } });
    }
    expect(await ledgerOf(a)).toHaveLength(1);
    expect(await ledgerOf(b)).toHaveLength(1);
  });

  test('all or nothing adds up the lines of one product', async () => {
    const id = await app.newProduct(5);
    const { results } = await deduct(
      [
        { productId: id, quantity: 3 },
        { productId: id, quantity: 3 },
      ],
      { mode: 'ALL_OR_NOTHING' },
    );
    expect(brief(results)).toEqual(['ABORTED', 'INSUFFICIENT_STOCK']);
  });

  test('keeps locations apart, and adds stock at a location that had none', async () => {
    const id = await app.newProduct(5);
    const items = [{ productId: id, quantity: 4, locationId: 'north' }];
    const put = await ask(IncreaseStockDocument, { input: { items, reason: 'delivery' } });
    expect(put.data?.increaseStock.results).toMatchObject([
      { __typename: 'IncreasedItem', remaining: 4, product: { id, available: 9 } },
    ]);
    const { results } = await deduct([
      { productId: id, quantity: 5, locationId: 'north' },
      { productId: id, quantity: 3, locationId: 'north' },
      { productId: id, quantity: 5, locationId: 'default' },
    ]);
    expect(brief(results)).toEqual(['INSUFFICIENT_STOCK', 1, 0]);
  });

  test('writes reason, reference and idempotency key to the ledger', async () => {
    const id = await app.newProduct(5);
    await deduct([{ productId: id, quantity: 2 }], {
      reason: 'sale',
      reference: 'order 17',
      idempotencyKey: `key of ${id} ✓`,
    });
    expect((await ledgerOf(id))[0]).toMatchObject({
      productId: id,
      locationId: 'default',
      sequence: 2,
      kind: 'DEDUCTION',
      delta: -2,
      quantityBefore: 5,
      quantityAfter: 3,
      reason: 'sale',
      reference: 'order 17',
      idempotencyKey: `key of ${id} ✓`,
      principal: null,
      fencingToken: stockLock === 'redis' ? (expect.stringMatching(/^\d+$/) as string) : null,
    });
  });

  test('answers a repeated key as the first time, with the product as it is now', async () => {
    const id = await app.newProduct(5);
    const items = [
      { productId: id, quantity: 2 },
      { productId: id, quantity: 9 },
      { productId: id, quantity: 0 },
      { productId: `none-${id}`, quantity: 1 },
    ];
    const first = await deduct(items, { idempotencyKey: `replay ${id}` });
    await deduct([{ productId: id, quantity: 1 }]);
    const second = await deduct(items, { idempotencyKey: `replay ${id}` });
    expect(first.replayed).toBe(false);
    expect(second.replayed).toBe(true);
    expect(second.results[0]).toMatchObject({ remaining: 3, product: { available: 2 } });
    expect(second.results.map((r) => ({ ...r, product: null }))).toEqual(
      first.results.map((r) => ({ ...r, product: null })),
    );
    expect(await ledgerOf(id)).toHaveLength(3);
  });

  test('repeats a refusal under its key after stock was added', async () => {
    const id = await app.newProduct(0);
    const items = [{ productId: id, quantity: 1 }];
    await deduct(items, { idempotencyKey: `refused ${id}` });
    await ask(IncreaseStockDocument, { input: { items } });
    const again = await deduct(items, { idempotencyKey: `refused ${id}` });
    expect(brief(again.results)).toEqual(['INSUFFICIENT_STOCK']);
    expect(again.replayed).toBe(true);
  });

  test('a key belongs to one request: an absent value equals its default, another value is refused', async () => {
    const id = await app.newProduct(9);
    const items = [{ productId: id, quantity: 1 }];
    const idempotencyKey = `one request ${id}`;
    await deduct(items, { idempotencyKey });
    const same = await deduct([{ quantity: 1, productId: id, locationId: 'default' }], {
      mode: 'PARTIAL',
      reason: null,
      idempotencyKey,
    });
    expect(same.replayed).toBe(true);
    const others: Record<string, unknown>[] = [
      { items: [{ productId: id, quantity: 2 }] },
      { items: [{ productId: id, quantity: 1, locationId: 'north' }] },
      { items: [...items, ...items] },
      { items, mode: 'ALL_OR_NOTHING' },
      { items, reason: 'another' },
      { items, reference: 'another' },
    ];
    for (const other of others) {
      const input = { items, ...other, idempotencyKey };
      expect(faultOf(await ask(DeductStockDocument, { input }))).toBe('IDEMPOTENCY_KEY_REUSED');
    }
    const increase = await ask(IncreaseStockDocument, { input: { items, idempotencyKey } });
    expect(faultOf(increase)).toBe('IDEMPOTENCY_KEY_REUSED');
    expect(await ledgerOf(id)).toHaveLength(2);
  });

  test('20 calls at once with one key have one effect and one answer', async () => {
    const id = await app.newProduct(100);
    const calls = Array.from({ length: 20 }, () =>
      deduct([{ productId: id, quantity: 1 }], { idempotencyKey: `at once ${id}` }),
    );
    const answers = await Promise.all(calls);
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1);
    expect(new Set(answers.map((answer) => JSON.stringify(brief(answer.results))))).toEqual(
      new Set(['[99]']),
    );
    expect(await ledgerOf(id)).toHaveLength(2);
  });

  test('50 buyers of 30 units leave none, and 20 get INSUFFICIENT_STOCK', async () => {
    const id = await app.newProduct(30);
    const calls = Array.from({ length: 50 }, () => deduct([{ productId: id, quantity: 1 }]));
    const codes = (await Promise.all(calls)).flatMap((answer) => brief(answer.results));
    expect(codes.filter((code) => code === 'INSUFFICIENT_STOCK')).toHaveLength(20);
    const remaining = codes.filter((code) => typeof code === 'number');
    expect(remaining.sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  });

  test('refuses to raise a level above its maximum and leaves it unchanged', async () => {
    const id = await app.newProduct(999_999_999);
    const items = [
      { productId: id, quantity: 2 },
      { productId: id, quantity: 1 },
      { productId: id, quantity: 1_000_000_001 },
      { productId: id, quantity: 2_147_483_647 },
    ];
    const { data } = await ask(IncreaseStockDocument, { input: { items } });
    expect(data?.increaseStock.results).toMatchObject([
      { error: { code: 'INVALID_QUANTITY', retryable: false } },
      { remaining: 1_000_000_000, product: { available: 1_000_000_000 } },
      { error: { code: 'INVALID_QUANTITY' } },
      { error: { code: 'INVALID_QUANTITY' } },
    ]);
  });

  test('lists the successful and the failed lines separately, too', async () => {
    const id = await app.newProduct(1);
    const query = `mutation Split($input: DeductStockInput!) {
      deductStock(input: $input) { successfulItems { index } failedItems { index } results { __typename } }
    }`;
    const items = [2, 1, 3].map((quantity) => ({ productId: id, quantity }));
    const response = await fetch(app.graphqlUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { input: { items } } }),
    });
    expect(await response.json()).toEqual({
      data: {
        deductStock: {
          successfulItems: [{ index: 1 }],
          failedItems: [{ index: 0 }, { index: 2 }],
          results: ['FailedItem', 'DeductedItem', 'FailedItem'].map((__typename) => ({
            __typename,
          })),
        },
      },
    });
  });
});
