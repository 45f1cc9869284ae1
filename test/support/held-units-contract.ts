/** What every StockStore promises of the bound on what one principal may hold: a suite beside the stores' contract. */
import type { WriteResult } from '../../src/inventory/stock-store.js';
import type { CreatingWrite, StockWrite } from '../../src/inventory/stock.js';
import { HELD_UNITS_MAX, useStockStoreBed, type StockStoreBed } from './stock-store-contract.js';
import { applyTo, close, outcomes, reserve, write } from './stock-writes.js';

export function heldUnitsContract(open: () => Promise<StockStoreBed>): void {
  const { bed, newProduct } = useStockStoreBed(open);

  const apply = (...writes: readonly StockWrite[]): Promise<readonly WriteResult[]> =>
    applyTo(bed().bounded[0], writes);

  const anna = { principal: 'anna' };
  const at = (locationId: string, create: CreatingWrite): CreatingWrite => ({
    ...create,
    lines: create.lines.map((line) => ({ ...line, locationId })),
  });
  const isGranted = (result: WriteResult | undefined) =>
    result?.outcome === 'DECIDED' && result.reservation !== undefined;

  test('a reservation beyond the bound is OVERLOADED as a whole and holds nothing', async () => {
    const [a, b] = [await newProduct(), await newProduct()];
    const [first] = await apply(reserve({ [a]: HELD_UNITS_MAX - 1 }, anna));
    expect(isGranted(first)).toBe(true);
    const [beyond] = await apply(reserve({ [a]: 2, [b]: 1 }, anna));
    expect(beyond).toMatchObject({
      verdicts: [
        { failure: { code: 'OVERLOADED', retryAfterMs: 10_000, of: 'HELD_UNITS' } },
        { failure: { code: 'ABORTED', retryable: true } },
      ],
    });
    expect(await bed().level(a, 'default')).toMatchObject({ reserved: HELD_UNITS_MAX - 1 });
    expect(await bed().level(b, 'default')).toMatchObject({ reserved: 0 });
    expect(isGranted((await apply(reserve({ [a]: 1 }, anna)))[0])).toBe(true);
  });

  test('it counts each principal by itself, byte by byte, and none without a principal', async () => {
    const a = await newProduct();
    for (const principal of ['anna', 'ANNA', 'anna ', 'änna']) {
      const [all] = await apply(reserve({ [a]: HELD_UNITS_MAX }, { principal }));
      const [more] = await apply(reserve({ [a]: 1 }, { principal }));
      expect([principal, isGranted(all), outcomes(more)]).toEqual([
        principal,
        true,
        ['OVERLOADED'],
      ]);
    }
    expect(isGranted((await apply(reserve({ [a]: 10 * HELD_UNITS_MAX })))[0])).toBe(true);
  });

  test('it counts a product over all its locations and all lines of a request', async () => {
    const a = await newProduct();
    await bed().createLocation(`at-${a}`);
    const there = { productId: a, quantity: 100, locationId: `at-${a}` };
    await apply(write('increaseStock', { items: [there] }));
    const [here] = await apply(reserve({ [a]: 3 }, anna));
    const [beyond] = await apply(at(`at-${a}`, reserve({ [a]: 3 }, anna)));
    const [within] = await apply(at(`at-${a}`, reserve({ [a]: 2 }, anna)));
    expect([isGranted(here), outcomes(beyond), isGranted(within)]).toEqual([
      true,
      ['OVERLOADED'],
      true,
    ]);
    const split = reserve({ [a]: 3 }, { principal: 'ben' });
    const twice = {
      ...split,
      lines: [0, 1].flatMap((index) => split.lines.map((l) => ({ ...l, index }))),
    };
    expect(outcomes((await apply(twice))[0])).toEqual(['OVERLOADED', 'OVERLOADED']);
  });

  test('writes of one transaction count together, and what ends in it makes room', async () => {
    const a = await newProduct();
    const first = reserve({ [a]: 3 }, anna);
    const [made, beyond] = await apply(first, reserve({ [a]: 3 }, anna));
    expect([isGranted(made), outcomes(beyond)]).toEqual([true, ['OVERLOADED']]);
    const all = reserve({ [a]: HELD_UNITS_MAX }, anna);
    const results = await apply(close(first, 'RELEASED', anna), all, reserve({ [a]: 1 }, anna));
    expect(results.slice(1).map(isGranted)).toEqual([true, false]);
    const [, again] = await apply(close(all, 'COMMITTED', anna), reserve({ [a]: 1 }, anna));
    expect(isGranted(again)).toBe(true);
  });

  test('what has expired is not counted', async () => {
    const a = await newProduct();
    await apply(reserve({ [a]: HELD_UNITS_MAX }, { ...anna, ttlSeconds: 60 }));
    await bed().passTime(61);
    expect(isGranted((await apply(reserve({ [a]: HELD_UNITS_MAX }, anna)))[0])).toBe(true);
  });

  test('a refusal is not stored under the key: the same request is granted when there is room', async () => {
    const a = await newProduct();
    const first = reserve({ [a]: HELD_UNITS_MAX }, anna);
    await apply(first);
    const request = () => reserve({ [a]: 2 }, { ...anna, key: `held-${a}` });
    expect(outcomes((await apply(request()))[0])).toEqual(['OVERLOADED']);
    expect(outcomes((await apply(request()))[0])).toEqual(['OVERLOADED']);
    await apply(close(first, 'RELEASED', anna));
    const [granted] = await apply(request());
    const [again] = await apply(request());
    expect(granted).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: false }] });
    expect(again).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: true }] });
    expect(await bed().level(a, 'default')).toMatchObject({ reserved: 2 });
  });

  test('too little stock is said first, and for good', async () => {
    const a = await newProduct(2);
    const request = () => reserve({ [a]: HELD_UNITS_MAX + 1 }, { ...anna, key: `few-${a}` });
    expect(outcomes((await apply(request()))[0])).toEqual(['INSUFFICIENT_STOCK']);
    expect((await apply(request()))[0]).toMatchObject({ verdicts: [{ replayed: true }] });
  });

  test('transactions that race without any lock hold the bound together, at several locations', async () => {
    const a = await newProduct();
    await bed().createLocation(`at-${a}`);
    const there = { productId: a, quantity: 100, locationId: `at-${a}` };
    await apply(write('increaseStock', { items: [there] }));
    const results = await Promise.all(
      Array.from({ length: 24 }, (_, i) => {
        const create = reserve({ [a]: 1 }, { principal: i % 3 === 0 ? 'ben' : 'anna' });
        const store = bed().bounded[i % 2 === 0 ? 0 : 1];
        return applyTo(store, [i % 4 < 2 ? create : at(`at-${a}`, create)]);
      }),
    );
    const codes = results
      .flat()
      .flatMap((result) => (isGranted(result) ? 'GRANTED' : outcomes(result)));
    expect(new Set(codes)).toEqual(new Set(['GRANTED', 'OVERLOADED']));
    expect(codes.filter((code) => code === 'GRANTED')).toHaveLength(2 * HELD_UNITS_MAX);
  });
}
