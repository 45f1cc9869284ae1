/**
 * What every StockStore promises of writes that processes hand to each other: of all attempts at a write one is
 * applied, and none after another one was refused. A suite beside the stores' contract.
 */
import type { ApplyOptions, WriteResult } from '../../src/inventory/stock-store.js';
import type { StockWrite } from '../../src/inventory/stock.js';
import { systemClock } from '../../src/time/clock.js';
import { Deadline } from '../../src/time/deadline.js';
import { useStockStoreBed, type StockStoreBed } from './stock-store-contract.js';
import { applyTo, close, lines, outcomes, reserve, write } from './stock-writes.js';

/** Longer than a test takes. */
const AGE_MS = 600_000;

export function delegatedWritesContract(open: () => Promise<StockStoreBed>): void {
  const { bed, newProduct } = useStockStoreBed(open);

  function apply(
    writes: readonly StockWrite[],
    options: Partial<ApplyOptions> = {},
  ): Promise<readonly WriteResult[]> {
    return applyTo(bed().store, writes, options);
  }

  const attempt = <W extends StockWrite>(of: W, number: number, ageMs = AGE_MS): W => ({
    ...of,
    delegated: { call: callOf(of), attempt: number, ageMs },
  });
  const deduct = (productId: string, quantity: number, idempotencyKey: string | null = null) =>
    write('deductStock', { items: lines({ [productId]: quantity }), idempotencyKey });
  const onHand = async (productId: string) => (await bed().level(productId, 'default'))?.onHand;

  const keys: [string, (id: string) => string | null][] = [
    ['without a key', () => null],
    ['with a key', (id) => `key-${id}`],
  ];

  describe.each(keys)('%s', (_, keyFor) => {
    test('a later attempt finds what an earlier one has applied', async () => {
      const a = await newProduct(10);
      const taken = deduct(a, 3, keyFor(a));
      const [first] = await apply([attempt(taken, 1)]);
      const [second] = await apply([attempt(taken, 2)]);
      expect(second).toEqual(first);
      expect(outcomes(second)).toEqual([7]);
      expect(await onHand(a)).toBe(7);
    });

    test('an earlier attempt that comes after a later one is not applied again', async () => {
      const a = await newProduct(10);
      const taken = deduct(a, 3, keyFor(a));
      await apply([attempt(taken, 2)]);
      await apply([attempt(taken, 1)]);
      expect(await onHand(a)).toBe(7);
    });

    test('attempts at once, in several transactions, have one effect', async () => {
      const a = await newProduct(1_000);
      const writes = Array.from({ length: 12 }, (__, i) => {
        const key = keyFor(a);
        return deduct(a, 1, key === null ? null : `${key}-${i}`);
      });
      const run = (number: number) => apply(writes.map((one) => attempt(one, number)));
      await Promise.all([run(1), run(2), run(3)]);
      expect(await onHand(a)).toBe(988);
      expect((await bed().ledger(a)).length).toBe(13);
    });
  });

  test('an earlier attempt is not applied after a later one was refused', async () => {
    const a = await newProduct(2);
    const taken = deduct(a, 3);
    const [later] = await apply([attempt(taken, 2)]);
    expect(outcomes(later)).toEqual(['INSUFFICIENT_STOCK']);
    await apply([write('increaseStock', { items: lines({ [a]: 10 }) })]);
    const other = deduct(a, 1);
    const [, answer] = await apply([attempt(taken, 1), other]);
    // Its answer is read by no process; what was in the same transaction is carried out.
    expect(outcomes(answer)).toEqual([11]);
    expect(await onHand(a)).toBe(11);
    const [third] = await apply([attempt(taken, 3)]);
    expect(outcomes(third)).toEqual([8]);
  });

  test('a count that changed nothing is not repeated by an earlier attempt', async () => {
    const a = await newProduct(5);
    const [counted] = write('increaseStock', { items: lines({ [a]: 5 }) }).lines;
    if (!counted) throw new Error('It has one line.');
    const change = { type: 'SET', changeFrom: null } as const;
    const count = { ...deduct(a, 5), lines: [{ ...counted, change }] };
    expect(outcomes((await apply([attempt(count, 2)]))[0])).toEqual([5]);
    await apply([deduct(a, 2)]);
    await apply([attempt(count, 1)]);
    expect(await onHand(a)).toBe(3);
  });

  test('a transaction that has read the levels before a withdrawal finds it', async () => {
    const a = await newProduct(2);
    const taken = deduct(a, 2);
    const release = await bed().holdLevel(a);
    // The earlier attempt has read, and waits for the row that it is to change.
    const earlier = apply([attempt(taken, 1)]);
    const later = apply([attempt({ ...taken, lines: taken.lines.map(beyond) }, 2)]);
    await new Promise((resolve) => setTimeout(resolve, 50));
    await release();
    const [first] = await later;
    await earlier;
    const left = await onHand(a);
    // Whichever came first: a refusal is never followed by the effect.
    if (outcomes(first)[0] === 'INSUFFICIENT_STOCK') expect(left).toBe(2);
    else expect(left).toBe(0);
  });

  test('a reservation is made once, and ends once', async () => {
    const a = await newProduct(10);
    const hold = reserve({ [a]: 4 });
    const [first] = await apply([attempt(hold, 1)]);
    const [second] = await apply([attempt(hold, 2)]);
    expect(second).toMatchObject({ reservation: { id: hold.reservationId, status: 'ACTIVE' } });
    expect(first).toMatchObject({ outcome: 'DECIDED' });
    const commit = close(hold, 'COMMITTED');
    await apply([attempt(commit, 1)]);
    expect((await apply([attempt(commit, 2)]))[0]).toMatchObject({ outcome: 'DECIDED' });
    await apply([attempt(hold, 1)]);
    expect(await bed().level(a, 'default')).toEqual({ onHand: 6, reserved: 0 });
  });

  test('an attempt under a key that an earlier request has used is a replay', async () => {
    const a = await newProduct(10);
    await apply([deduct(a, 3, `key-${a}`)]);
    await bed().passTime(60);
    const [again] = await apply([attempt(deduct(a, 3, `key-${a}`), 2, 1_000)]);
    expect(again).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: true }] });
  });

  test('what earlier attempts may have applied is not called refused where rows stay locked', async () => {
    const a = await newProduct(10);
    const release = await bed().holdLevel(a);
    const deadline = Deadline.in(400, systemClock);
    const [result] = await apply([attempt(deduct(a, 1), 2)], { deadline });
    await release();
    expect(result).toMatchObject({ failure: { code: 'UNAVAILABLE', mayHaveApplied: true } });
  });
}

function callOf({ operation }: StockWrite): string {
  return operation.id.toString('hex');
}

/** More than is there. */
function beyond(line: StockWrite['lines'][number]): StockWrite['lines'][number] {
  return { ...line, quantity: 3 };
}
