/** What every StockStore promises of products that are out of sale: a suite beside the stores' contract. */
import type { StockStore } from '../../src/inventory/stock-store.js';
import type { LineChange, StockWrite } from '../../src/inventory/stock.js';
import { useStockStoreBed, type StockStoreBed } from './stock-store-contract.js';
import { applyTo, close, lines, operations, outcomes, reserve, write } from './stock-writes.js';

export function archivedContract(open: () => Promise<StockStoreBed>): void {
  const { bed, newProduct } = useStockStoreBed(open);

  // Under a lock, so that the store remembers the levels.
  const applyLocked = (store: StockStore, writes: readonly StockWrite[], contended = false) =>
    applyTo(store, writes, { contended, fencingTokenOf: () => 1n });
  const apply = (...writes: readonly StockWrite[]) => applyLocked(bed().store, writes);
  const deduct = (productId: string, quantity = 1, idempotencyKey: string | null = null) =>
    write('deductStock', { items: lines({ [productId]: quantity }), idempotencyKey });
  const changing = (productId: string, change: LineChange, quantity: number): StockWrite => ({
    type: 'LINES',
    operation: operations.withoutKey('setStock', null),
    atomic: true,
    lines: [{ index: 0, productId, locationId: 'default', quantity, change }],
    productIds: [productId],
    reason: null,
    reference: null,
  });

  describe.each([
    ['read without locks first', false],
    ['locked before they are read', true],
  ])('levels that are %s', (_, contended) => {
    test('a store that remembers the level refuses from the archiving on, and sells when restored', async () => {
      const a = await newProduct(10);
      const [first, second] = bed().bounded;
      for (let round = 0; round < 2; round += 1) {
        for (const store of [first, second, first]) {
          const [sold] = await applyLocked(store, [deduct(a)], contended);
          expect(outcomes(sold)).toEqual([expect.any(Number)]);
        }
        await bed().setArchived(a, true);
        for (const store of [first, second, first]) {
          const results = await applyLocked(store, [deduct(a), reserve({ [a]: 1 })], contended);
          expect(results.map(outcomes)).toEqual([['PRODUCT_ARCHIVED'], ['PRODUCT_ARCHIVED']]);
        }
        await bed().setArchived(a, false);
      }
      expect(await bed().level(a, 'default')).toEqual({ onHand: 4, reserved: 0 });
    });
  });

  test('what a buyer has begun ends, and stock is counted, filled and moved out of sale as well', async () => {
    const a = await newProduct(10);
    const [kept, dropped] = [reserve({ [a]: 3 }), reserve({ [a]: 2 })];
    await apply(kept, dropped);
    await bed().setArchived(a, true);
    const results = await apply(
      close(kept, 'COMMITTED'),
      close(dropped, 'RELEASED'),
      write('increaseStock', { items: lines({ [a]: 5 }) }),
      changing(a, { type: 'SET', changeFrom: null }, 20),
      changing(a, { type: 'TAKE', kind: 'TRANSFER_OUT' }, 4),
      deduct(a),
    );
    expect(results.map(outcomes)).toEqual([[5], [7], [12], [20], [16], ['PRODUCT_ARCHIVED']]);
  });

  test('what an expired reservation held is given back, and not sold', async () => {
    const a = await newProduct(10);
    await apply(reserve({ [a]: 4 }, { ttlSeconds: 5 }));
    await bed().setArchived(a, true);
    await bed().passTime(6);
    const results = await apply(deduct(a), write('increaseStock', { items: lines({ [a]: 1 }) }));
    expect(results.map(outcomes)).toEqual([['PRODUCT_ARCHIVED'], [11]]);
  });

  test('a level that is new is out of sale as its product, and back on sale with it', async () => {
    const a = await newProduct(1);
    await bed().createLocation(`at-${a}`);
    const there = { productId: a, locationId: `at-${a}`, quantity: 1 };
    await bed().setArchived(a, true);
    const sell = write('deductStock', { items: [there] });
    expect((await apply(sell)).map(outcomes)).toEqual([['PRODUCT_ARCHIVED']]);
    const fill = write('increaseStock', { items: [{ ...there, quantity: 5 }] });
    expect((await apply(fill)).map(outcomes)).toEqual([[5]]);
    const again = write('deductStock', { items: [there] });
    expect((await apply(again)).map(outcomes)).toEqual([['PRODUCT_ARCHIVED']]);
    await bed().setArchived(a, false);
    const last = write('deductStock', { items: [there] });
    expect((await apply(last)).map(outcomes)).toEqual([[4]]);
  });

  test('one archived line takes back all others of an atomic request', async () => {
    const [a, b] = [await newProduct(10), await newProduct(10)];
    await bed().setArchived(b, true);
    const items = lines({ [a]: 1, [b]: 1 });
    const [result] = await apply(write('deductStock', { items, mode: 'ALL_OR_NOTHING' }));
    expect(outcomes(result)).toEqual(['ABORTED', 'PRODUCT_ARCHIVED']);
    expect(result).toMatchObject({ verdicts: [{ failure: { retryable: false } }, {}] });
    expect(await bed().level(a, 'default')).toEqual({ onHand: 10, reserved: 0 });
  });

  test('the refusal is final for its key, also when the product is restored', async () => {
    const a = await newProduct(10);
    await bed().setArchived(a, true);
    await apply(deduct(a, 1, `key-${a}`));
    await bed().setArchived(a, false);
    const [replayed] = await apply(deduct(a, 1, `key-${a}`));
    expect(outcomes(replayed)).toEqual(['PRODUCT_ARCHIVED']);
    expect(replayed).toMatchObject({ verdicts: [{ replayed: true }] });
    expect((await apply(deduct(a, 1, `other-${a}`))).map(outcomes)).toEqual([[9]]);
  });
}
