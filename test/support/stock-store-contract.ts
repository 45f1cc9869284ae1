/**
 * What every StockStore promises, as one suite: test/simulation runs it on the store in memory, test/integration on
 * MySQL. A store that passes may stand behind the lanes.
 */
import { Deadline } from '../../src/time/deadline.js';
import { systemClock } from '../../src/time/clock.js';
import type { Reservation } from '../../src/inventory/reservation.js';
import { sweepOf } from '../../src/inventory/reservation-sweep.js';
import {
  RowsLockedError,
  type ApplyOptions,
  type StockStore,
  type WriteResult,
} from '../../src/inventory/stock-store.js';
import type { ClosingWrite, StockWrite } from '../../src/inventory/stock.js';
import { newProductId } from './product-ids.js';
import {
  applyTo,
  close,
  lines,
  operations,
  outcomes,
  reservationOf,
  reserve,
  write,
} from './stock-writes.js';

export interface LedgerEntry {
  readonly sequence: number;
  readonly kind: string;
  readonly delta: number;
  readonly quantityBefore: number;
  readonly quantityAfter: number;
  readonly idempotencyKey: string | null;
  readonly fencingToken: string | null;
  readonly reason: string | null;
}

/** A store with what a test needs to see behind it and to do to it. */
export interface StockStoreBed {
  readonly store: StockStore;
  /** Two further ones, in which one principal may hold HELD_UNITS_MAX units of a product. */
  readonly bounded: readonly [StockStore, StockStore];
  createProduct(productId: string, quantity: number): Promise<void>;
  createLocation(locationId: string): Promise<void>;
  setArchived(productId: string, archived: boolean): Promise<void>;
  /** As it is written, with what expired reservations hold; null where there is none. */
  level(
    productId: string,
    locationId: string,
  ): Promise<{ onHand: number; reserved: number } | null>;
  /** Of the default location, oldest first. */
  ledger(productId: string): Promise<readonly LedgerEntry[]>;
  reservation(id: string): Promise<Reservation | null>;
  /** For reservations and stored answers. */
  passTime(seconds: number): Promise<void>;
  /** Drops stored answers that are older than a day. */
  expireAnswers(): Promise<void>;
  /** The next COMMIT is sent, and its answer lost. */
  loseNextCommit(how: 'APPLIED' | 'ROLLED_BACK'): void;
  /** Another transaction locks the product's level; resolves with what ends it. */
  holdLevel(productId: string): Promise<() => Promise<void>>;
  /** What is inconsistent between levels and ledger. */
  problems(): Promise<readonly unknown[]>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 10_000;
export const HELD_UNITS_MAX = 5;

/** The bed of a suite, open from before its first test until after its last one; levels and ledger must then agree. */
export function useStockStoreBed(open: () => Promise<StockStoreBed>): {
  readonly bed: () => StockStoreBed;
  readonly newProduct: (quantity?: number) => Promise<string>;
} {
  let bed: StockStoreBed;

  beforeAll(async () => {
    bed = await open();
  });

  afterAll(async () => {
    const problems = await bed.problems();
    await bed.close();
    expect(problems).toEqual([]);
  });

  return {
    bed: () => bed,
    newProduct: async (quantity = 1_000) => {
      const id = newProductId();
      await bed.createProduct(id, quantity);
      return id;
    },
  };
}

export function stockStoreContract(open: () => Promise<StockStoreBed>): void {
  const { bed, newProduct } = useStockStoreBed(open);

  function apply(
    writes: readonly StockWrite[],
    options: Partial<ApplyOptions> = {},
  ): Promise<readonly WriteResult[]> {
    return applyTo(bed().store, writes, {
      deadline: Deadline.in(TIMEOUT_MS, systemClock),
      ...options,
    });
  }

  const available = async (productId: string, locationId = 'default') => {
    const level = await bed().level(productId, locationId);
    return level && level.onHand - level.reserved;
  };

  describe.each([
    ['read without locks first', false],
    ['locked before they are read', true],
  ])('levels that are %s', (_, contended) => {
    test('each line gets its own verdict, in the order of arrival', async () => {
      const [a, b] = [await newProduct(5), await newProduct(0)];
      const items = [
        { productId: a, quantity: 3 },
        { productId: a, quantity: 3 },
        { productId: a, quantity: 2 },
        { productId: b, quantity: 1 },
        { productId: 'no-such-product', quantity: 1 },
        { productId: a, quantity: 1, locationId: 'no-such-location' },
        { productId: a, quantity: 0 },
      ];
      const [result] = await apply([write('deductStock', { items })], { contended });
      expect(outcomes(result)).toEqual([
        2,
        'INSUFFICIENT_STOCK',
        0,
        'INSUFFICIENT_STOCK',
        'PRODUCT_NOT_FOUND',
        'LOCATION_NOT_FOUND',
        'INVALID_QUANTITY',
      ]);
      expect(await bed().level(a, 'default')).toEqual({ onHand: 0, reserved: 0 });
    });

    test('several writes over several products are decided on top of each other', async () => {
      const [a, b] = [await newProduct(10), await newProduct(10)];
      const results = await apply(
        [
          write('deductStock', { items: lines({ [b]: 4, [a]: 1 }) }),
          write('increaseStock', { items: lines({ [a]: 5 }) }),
          write('deductStock', { mode: 'ALL_OR_NOTHING', items: lines({ [a]: 14, [b]: 7 }) }),
          write('deductStock', { items: lines({ [b]: 6 }) }),
        ],
        { contended },
      );
      expect(results.map(outcomes)).toEqual([[6, 9], [14], ['ABORTED', 'INSUFFICIENT_STOCK'], [0]]);
    });

    test('an answer is stored under its key, repeated as a replay, and has one effect', async () => {
      const a = await newProduct(3);
      const items = [...lines({ [a]: 2 }), ...lines({ [a]: 2 })];
      const request = { items, idempotencyKey: `key-${a}` };
      const [first] = await apply([write('deductStock', request)], { contended });
      await apply([write('increaseStock', { items: lines({ [a]: 10 }) })], { contended });
      const [second] = await apply([write('deductStock', request)], { contended });
      expect(outcomes(first)).toEqual([1, 'INSUFFICIENT_STOCK']);
      expect(first).toMatchObject({ verdicts: [{ replayed: false }, { replayed: false }] });
      expect(outcomes(second)).toEqual([1, 'INSUFFICIENT_STOCK']);
      expect(second).toMatchObject({ verdicts: [{ replayed: true }, { replayed: true }] });
      expect(await available(a)).toBe(11);
    });

    test('a key that belongs to other input or another operation is refused', async () => {
      const a = await newProduct(3);
      const key = { idempotencyKey: `reused-${a}` };
      await apply([write('deductStock', { items: lines({ [a]: 1 }), ...key })], { contended });
      const others = [
        write('deductStock', { items: lines({ [a]: 2 }), ...key }),
        write('increaseStock', { items: lines({ [a]: 1 }), ...key }),
      ];
      for (const other of others) {
        const [result] = await apply([other], { contended });
        expect(result).toEqual({ outcome: 'KEY_REUSED', answerExpired: false });
      }
      expect(await available(a)).toBe(2);
    });

    test('a reservation holds, is committed once, and its lines become deductions', async () => {
      const a = await newProduct(5);
      const create = reserve({ [a]: 3 });
      const [made] = await apply([create], { contended });
      expect(made).toMatchObject({ outcome: 'DECIDED', reservation: { status: 'ACTIVE' } });
      expect(await bed().level(a, 'default')).toEqual({ onHand: 5, reserved: 3 });
      const [tooMuch] = await apply([write('deductStock', { items: lines({ [a]: 3 }) })]);
      expect(outcomes(tooMuch)).toEqual(['INSUFFICIENT_STOCK']);

      const results = await apply([close(create, 'COMMITTED'), close(create, 'RELEASED')], {
        contended,
      });
      expect(results.map((result) => result.outcome)).toEqual(['DECIDED', 'REFUSED']);
      expect(results[1]).toMatchObject({
        failure: { code: 'RESERVATION_NOT_ACTIVE', status: 'COMMITTED' },
      });
      expect(await bed().level(a, 'default')).toEqual({ onHand: 2, reserved: 0 });
      expect((await bed().reservation(create.reservationId))?.status).toBe('COMMITTED');
      const [, sold] = await bed().ledger(a);
      expect(sold).toMatchObject({ kind: 'RESERVATION_COMMIT', delta: -3, quantityBefore: 5 });
    });

    test('an operation with a key has one reservation, under the id that its first call was given', async () => {
      const a = await newProduct(5);
      const key = `reserve-${a}`;
      const [first] = await apply([reserve({ [a]: 2 }, { key })], { contended });
      const [again] = await apply([reserve({ [a]: 2 }, { key })], { contended });
      expect(first).toMatchObject({ verdicts: [{ replayed: false }] });
      expect(again).toMatchObject({
        verdicts: [{ replayed: true }],
        reservation: { id: reservationOf(first).id, status: 'ACTIVE' },
      });
      expect(await bed().level(a, 'default')).toEqual({ onHand: 5, reserved: 2 });
    });

    test('a principal ends its own reservations, and those of others only where it may manage', async () => {
      const a = await newProduct(5);
      const create = reserve({ [a]: 2 }, { principal: 'owner' });
      await apply([create], { contended });
      const others = [
        close(create, 'RELEASED', { principal: 'other' }),
        close(create, 'COMMITTED', { principal: null }),
      ];
      for (const result of await apply(others, { contended })) {
        expect(result).toMatchObject({ failure: { code: 'RESERVATION_NOT_FOUND' } });
      }
      expect(await bed().level(a, 'default')).toEqual({ onHand: 5, reserved: 2 });
      const [ended, late] = await apply(
        [
          { ...close(create, 'RELEASED', { principal: 'staff' }), mayManage: true },
          close(create, 'COMMITTED', { principal: 'owner' }),
        ],
        { contended },
      );
      expect(ended).toMatchObject({ outcome: 'DECIDED' });
      expect(late).toMatchObject({ failure: { code: 'RESERVATION_NOT_ACTIVE' } });
      expect(await bed().level(a, 'default')).toEqual({ onHand: 5, reserved: 0 });
    });

    test('what a reservation held is available again when it is released', async () => {
      const a = await newProduct(2);
      const create = reserve({ [a]: 2 });
      await apply([create], { contended });
      await apply([close(create, 'RELEASED')], { contended });
      const [result] = await apply([write('deductStock', { items: lines({ [a]: 2 }) })], {
        contended,
      });
      expect(outcomes(result)).toEqual([0]);
      expect((await bed().reservation(create.reservationId))?.status).toBe('RELEASED');
    });

    test('what an expired reservation held is given back before anything is decided', async () => {
      const a = await newProduct(2);
      const create = reserve({ [a]: 2 }, { ttlSeconds: 5 });
      await apply([create], { contended });
      const [early] = await apply([write('deductStock', { items: lines({ [a]: 1 }) })]);
      expect(outcomes(early)).toEqual(['INSUFFICIENT_STOCK']);
      await bed().passTime(6);
      expect((await bed().reservation(create.reservationId))?.status).toBe('EXPIRED');
      const [late] = await apply([write('deductStock', { items: lines({ [a]: 2 }) })], {
        contended,
      });
      expect(outcomes(late)).toEqual([0]);
      const [tooLate] = await apply([close(create, 'COMMITTED')], { contended });
      expect(tooLate).toMatchObject({
        outcome: 'REFUSED',
        failure: { code: 'RESERVATION_NOT_ACTIVE', status: 'EXPIRED' },
        replayed: false,
      });
    });
  });

  test('a reservation that does not exist is refused, and that answer is kept under its key', async () => {
    const operation = operations.identify('releaseReservation', null, 'no-such', ['r']);
    const nothing = { lines: [], productIds: [], reason: null, reference: null } as const;
    const closing: ClosingWrite = {
      type: 'CLOSING',
      operation,
      atomic: true,
      reservationId: 'no-such-reservation',
      closeAs: 'RELEASED',
      mayManage: false,
      ...nothing,
    };
    const refusal = { outcome: 'REFUSED', failure: { code: 'RESERVATION_NOT_FOUND' } };
    expect(await apply([closing])).toEqual([{ ...refusal, replayed: false }]);
    expect(await apply([closing])).toEqual([{ ...refusal, replayed: true }]);
  });

  test('a sweep gives back what expired reservations hold, and writes their end down', async () => {
    const a = await newProduct(4);
    const create = reserve({ [a]: 4 }, { ttlSeconds: 5 });
    await apply([create]);
    await bed().passTime(6);
    expect(await bed().level(a, 'default')).toEqual({ onHand: 4, reserved: 4 });
    await apply([sweepOf([a])]);
    expect(await bed().level(a, 'default')).toEqual({ onHand: 4, reserved: 0 });
  });

  test('a key whose answer has expired is known for ever', async () => {
    const a = await newProduct(3);
    const request = { items: lines({ [a]: 1 }), idempotencyKey: `old-${a}` };
    await apply([write('deductStock', request)]);
    await bed().passTime(2 * 86_400);
    await bed().expireAnswers();
    const [result] = await apply([write('deductStock', request)]);
    expect(result).toEqual({ outcome: 'KEY_REUSED', answerExpired: true });
    expect(await available(a)).toBe(2);
  });

  test('the ledger has each change once, with its fencing token, key and reason', async () => {
    const a = await newProduct(3);
    const request = { items: lines({ [a]: 2 }), idempotencyKey: `why-${a}`, reason: 'sold' };
    await apply([write('deductStock', request)], { fencingTokenOf: () => 77n });
    await apply([write('deductStock', { items: lines({ [a]: 2 }) })]);
    expect(await bed().ledger(a)).toMatchObject([
      { sequence: 1, kind: 'INITIAL', delta: 3, quantityBefore: 0, quantityAfter: 3 },
      {
        sequence: 2,
        kind: 'DEDUCTION',
        delta: -2,
        quantityBefore: 3,
        quantityAfter: 1,
        fencingToken: '77',
        idempotencyKey: `why-${a}`,
        reason: 'sold',
      },
    ]);
    expect(await bed().ledger(a)).toHaveLength(2);
  });

  test('transactions that race without any lock take exactly what is there', async () => {
    const a = await newProduct(25);
    const results = await Promise.all(
      Array.from({ length: 60 }, () => apply([write('deductStock', { items: lines({ [a]: 1 }) })])),
    );
    const verdicts = results.flat().flatMap(outcomes);
    expect(verdicts.filter((verdict) => typeof verdict === 'number')).toHaveLength(25);
    expect(verdicts.filter((verdict) => verdict === 'INSUFFICIENT_STOCK')).toHaveLength(35);
    expect(await available(a)).toBe(0);
  });

  test('stock can be put at a location where the product never was, by several at once', async () => {
    const a = await newProduct(1);
    await bed().createLocation(`at-${a}`);
    const items = [{ productId: a, quantity: 2, locationId: `at-${a}` }];
    const results = await Promise.all(
      Array.from({ length: 5 }, () => apply([write('increaseStock', { items })])),
    );
    expect(
      results
        .flat()
        .flatMap(outcomes)
        .map(Number)
        .sort((x, y) => x - y),
    ).toEqual([2, 4, 6, 8, 10]);
    expect(await available(a, `at-${a}`)).toBe(10);
  });

  describe.each(['APPLIED', 'ROLLED_BACK'] as const)('a COMMIT that is lost and %s', (how) => {
    test.each([
      ['with a key', true],
      ['without a key', false],
    ])('is settled with one effect and a first answer, %s', async (_, keyed) => {
      const a = await newProduct(5);
      const key = keyed ? { idempotencyKey: `lost-${a}` } : {};
      bed().loseNextCommit(how);
      const [result] = await apply([write('deductStock', { items: lines({ [a]: 2 }), ...key })]);
      expect(result).toMatchObject({ verdicts: [{ outcome: 'APPLIED', replayed: false }] });
      expect(outcomes(result)).toEqual([3]);
      expect(await available(a)).toBe(3);
      expect(await bed().ledger(a)).toHaveLength(2);
    });

    test('of a reservation is settled: it is there once, and ends once', async () => {
      const a = await newProduct(5);
      const create = reserve({ [a]: 2 });
      bed().loseNextCommit(how);
      const [made] = await apply([create]);
      expect(made).toMatchObject({ outcome: 'DECIDED', reservation: { status: 'ACTIVE' } });
      expect(await bed().level(a, 'default')).toEqual({ onHand: 5, reserved: 2 });
      bed().loseNextCommit(how);
      const [committed] = await apply([close(create, 'COMMITTED')]);
      expect(committed).toMatchObject({
        outcome: 'DECIDED',
        verdicts: [{ outcome: 'APPLIED', replayed: false }],
      });
      expect(await bed().level(a, 'default')).toEqual({ onHand: 3, reserved: 0 });
      expect(await bed().ledger(a)).toHaveLength(2);
    });

    test('is settled with one effect when the next COMMITs are lost as well', async () => {
      const a = await newProduct(5);
      bed().loseNextCommit(how);
      bed().loseNextCommit(how);
      bed().loseNextCommit(how);
      const request = { items: lines({ [a]: 2 }), idempotencyKey: `late-${a}` };
      const [first] = await apply([write('deductStock', request)]);
      const [again] = await apply([write('deductStock', request)]);
      expect(first?.outcome).toBe('DECIDED');
      expect(outcomes(again)).toEqual([3]);
      expect(await available(a)).toBe(3);
    });
  });

  test('a locked row is LOCK_TIMEOUT at the deadline for a patient caller, and nothing is applied', async () => {
    const a = await newProduct(5);
    const release = await bed().holdLevel(a);
    // MySQL ends a wait of two seconds up to some seconds late; a deadline before that names no locked row.
    const deadline = Deadline.in(8_000, systemClock);
    const [result] = await apply([write('deductStock', { items: lines({ [a]: 1 }) })], {
      deadline,
      contended: true,
    });
    await release();
    expect(outcomes(result)).toEqual(['LOCK_TIMEOUT']);
    expect(await available(a)).toBe(5);
  });

  test('a locked row rejects an impatient caller and names the products that are locked', async () => {
    const [a, b] = [await newProduct(5), await newProduct(5)];
    const release = await bed().holdLevel(a);
    const failure: unknown = await apply(
      [write('deductStock', { items: lines({ [a]: 1, [b]: 1 }) })],
      { contended: true, impatient: true },
    ).catch((error: unknown) => error);
    await release();
    expect(failure).toBeInstanceOf(RowsLockedError);
    expect([...(failure as RowsLockedError).productIds]).toEqual([a]);
    expect(await available(b)).toBe(5);
  });

  test('a deadline that has passed applies nothing', async () => {
    const a = await newProduct(5);
    const [result] = await apply([write('deductStock', { items: lines({ [a]: 1 }) })], {
      deadline: Deadline.in(0, systemClock),
    });
    expect(result).toMatchObject({
      outcome: 'REFUSED',
      failure: { code: 'UNAVAILABLE', mayHaveApplied: false, retryable: true },
    });
    expect(await available(a)).toBe(5);
  });
}
