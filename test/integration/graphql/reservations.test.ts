/**
 * Reservations as a client sees them: held, committed, released, expired, and repeated with the same key. The answers
 * are the same with every STOCK_LOCK. The database's clock decides expiry, so tests change the reservation's rows.
 */
import {
  CommitReservationDocument,
  DeductStockDocument,
  ExtendReservationDocument,
  ProductDocument,
  ReleaseReservationDocument,
  ReservationDocument,
  ReserveStockDocument,
  SetStockDocument,
  StockMovementsDocument,
  type ReserveStockInput,
} from '../../generated/operations.js';
import { givenUrl } from '../../support/fresh-database.js';
import { connectionsInTransaction, holdRow } from '../../support/innodb.js';
import { faultOf } from '../../support/running-app.js';
import { STOCK_LOCKS } from '../../support/shop.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';

const app = useApp(null);

beforeAll(() => app.shop.newLocation('north'));

async function reserve(
  units: Readonly<Record<string, number>>,
  more: Partial<ReserveStockInput> = {},
) {
  const items = Object.entries(units).map(([productId, quantity]) => ({ productId, quantity }));
  const { reserveStock } = await app.dataOf(ReserveStockDocument, { input: { items, ...more } });
  return reserveStock;
}

/** The id of a reservation that must have been made. */
async function held(
  units: Readonly<Record<string, number>>,
  more: Partial<ReserveStockInput> = {},
): Promise<string> {
  const { reservation, failedItems } = await reserve(units, more);
  if (!reservation) throw new Error(JSON.stringify(failedItems));
  return reservation.id;
}

async function commit(reservationId: string, idempotencyKey?: string) {
  const input = { reservationId, ...(idempotencyKey && { idempotencyKey }) };
  return (await app.dataOf(CommitReservationDocument, { input })).commitReservation;
}

async function release(reservationId: string, idempotencyKey?: string) {
  const input = { reservationId, ...(idempotencyKey && { idempotencyKey }) };
  return (await app.dataOf(ReleaseReservationDocument, { input })).releaseReservation;
}

async function levelOf(productId: string): Promise<readonly [number, number, number]> {
  const { product } = await app.dataOf(ProductDocument, { id: productId });
  return [product?.onHand ?? 0, product?.reserved ?? 0, product?.available ?? 0];
}

async function statusOf(id: string): Promise<string | undefined> {
  return (await app.dataOf(ReservationDocument, { id })).reservation?.status;
}

/** Expires now by the database's clock. The lines have a time of their own, so both are set. */
async function letExpire(...ids: string[]): Promise<void> {
  for (const [table, column, key] of [
    ['reservations', 'expires_at', 'id'],
    ['reservation_lines', 'held_until', 'reservation_id'],
  ]) {
    await app.database.sequelize.query(
      `UPDATE ${table} SET ${column} = NOW(6) WHERE ${key} IN (?)`,
      {
        replacements: [ids],
      },
    );
  }
}

async function deduct(productId: string, quantity: number) {
  const { deductStock } = await app.dataOf(DeductStockDocument, {
    input: { items: [{ productId, quantity }] },
  });
  const [result] = deductStock.results;
  return result?.__typename === 'DeductedItem' ? result.remaining : result?.error.code;
}

describe.each(STOCK_LOCKS)('with STOCK_LOCK=%s', (stockLock) => {
  beforeAll(async () => {
    await app.restart({ STOCK_LOCK: stockLock, REDIS_URL: givenUrl('REDIS_URL') });
  });

  test('[R18] held stock is not available and stays on hand', async () => {
    const id = await app.newProduct(5);
    const { reservation, replayed, failedItems } = await reserve(
      { [id]: 3 },
      { reference: 'cart-1' },
    );
    expect(reservation).toMatchObject({
      status: 'ACTIVE',
      reference: 'cart-1',
      items: [{ productId: id, locationId: 'default', quantity: 3 }],
    });
    expect([replayed, failedItems]).toEqual([false, []]);
    const { createdAt = '', expiresAt = '' } = reservation ?? {};
    expect(Date.parse(expiresAt) - Date.parse(createdAt)).toBe(900_000);
    expect(await levelOf(id)).toEqual([5, 3, 2]);
    expect(await deduct(id, 3)).toBe('INSUFFICIENT_STOCK');
    expect(await deduct(id, 2)).toBe(0);
    const { stockMovements } = await app.dataOf(StockMovementsDocument, { productId: id });
    expect(stockMovements.edges.map(({ node }) => node.kind)).toEqual(['DEDUCTION', 'INITIAL']);
  });

  test('all lines are held or none, and each failed line has its error', async () => {
    const [a, b] = [await app.newProduct(5), await app.newProduct(1)];
    const { reservation, failedItems } = await reserve({ [a]: 2, [b]: 2, 'nobody-knows': 1 });
    expect(reservation).toBeNull();
    expect(failedItems.map(({ index, error }) => [index, error.code, error.retryable])).toEqual([
      [0, 'ABORTED', false],
      [1, 'INSUFFICIENT_STOCK', false],
      [2, 'PRODUCT_NOT_FOUND', false],
    ]);
    expect(await levelOf(a)).toEqual([5, 0, 5]);
    const both = await held({ [a]: 2, [b]: 1 });
    expect([await levelOf(a), await levelOf(b)]).toEqual([
      [5, 2, 3],
      [1, 1, 0],
    ]);
    await release(both);
    expect([await levelOf(a), await levelOf(b)]).toEqual([
      [5, 0, 5],
      [1, 0, 1],
    ]);
  });

  test('[R3] lines of one product hold together, each at its location', async () => {
    const id = await app.newProduct(5);
    const items = [
      { productId: id, quantity: 3 },
      { productId: id, quantity: 3 },
    ];
    const refused = await app.dataOf(ReserveStockDocument, { input: { items } });
    expect(refused.reserveStock.failedItems.map(({ error }) => error.code)).toEqual([
      'ABORTED',
      'INSUFFICIENT_STOCK',
    ]);
    await app.dataOf(SetStockDocument, {
      input: { productId: id, locationId: 'north', quantity: 4, changeFromQuantity: 0 },
    });
    const { reserveStock } = await app.dataOf(ReserveStockDocument, {
      input: {
        items: [
          { productId: id, quantity: 3 },
          { productId: id, quantity: 4, locationId: 'north' },
        ],
      },
    });
    expect(reserveStock.reservation?.items.map(({ locationId }) => locationId)).toEqual([
      'default',
      'north',
    ]);
    expect(await levelOf(id)).toEqual([9, 7, 2]);
  });

  test('a commit deducts what is held and writes one entry to the ledger per line', async () => {
    const [a, b] = [await app.newProduct(5), await app.newProduct(5)];
    const id = await held({ [a]: 3, [b]: 5 }, { reference: 'order-9' });
    expect(await deduct(a, 2)).toBe(0);
    const committed = await commit(id);
    expect(committed).toMatchObject({
      __typename: 'ReservationCommitted',
      replayed: false,
      movementIds: [`${a}/default/3`, `${b}/default/2`],
      reservation: { id, status: 'COMMITTED' },
    });
    expect([await levelOf(a), await levelOf(b)]).toEqual([
      [0, 0, 0],
      [0, 0, 0],
    ]);
    const { stockMovements } = await app.dataOf(StockMovementsDocument, { productId: a, first: 1 });
    expect(stockMovements.edges[0]?.node).toMatchObject({
      kind: 'RESERVATION_COMMIT',
      delta: -3,
      reference: 'order-9',
    });
    expect(await statusOf(id)).toBe('COMMITTED');
    expect(await commit(id)).toMatchObject({
      __typename: 'ReservationNotActiveError',
      status: 'COMMITTED',
    });
    expect(await release(id)).toMatchObject({ status: 'COMMITTED' });
  });

  test('[R11] nothing is locked between a reservation and its end', async () => {
    const a = await app.newProduct(5);
    await held({ [a]: 1 });
    expect(await connectionsInTransaction(app.database.sequelize)).toEqual([]);
    const stranger = await holdRow(app.database.url, a);
    await stranger.release();
  });

  test('a release makes everything available again, once', async () => {
    const a = await app.newProduct(5);
    const id = await held({ [a]: 5 });
    expect(await release(id)).toMatchObject({
      __typename: 'ReservationReleased',
      reservation: { status: 'RELEASED' },
    });
    expect(await levelOf(a)).toEqual([5, 0, 5]);
    expect(await release(id)).toMatchObject({ status: 'RELEASED' });
    expect(await commit(id)).toMatchObject({ status: 'RELEASED' });
    expect(await levelOf(a)).toEqual([5, 0, 5]);
  });

  test('an unknown id and an id of the wrong form are not found', async () => {
    for (const id of ['nobody', 'no such id!', '']) {
      expect(await commit(id)).toMatchObject({ __typename: 'ReservationNotFoundError' });
      expect(await release(id)).toMatchObject({ __typename: 'ReservationNotFoundError' });
      expect(await statusOf(id)).toBeUndefined();
    }
  });

  test.each([0, -1, 604_801])(
    'an extension by %d seconds is BAD_USER_INPUT',
    async (ttlSeconds) => {
      const input = { reservationId: 'any', ttlSeconds };
      const asked = await app.ask.http(ExtendReservationDocument, { input });
      expect(faultOf(asked)).toBe('BAD_USER_INPUT');
    },
  );

  test.each([0, -1, 604_801])('a time of %d seconds is BAD_USER_INPUT', async (ttlSeconds) => {
    const input = { items: [{ productId: 'p', quantity: 1 }], ttlSeconds };
    expect(faultOf(await app.ask.http(ReserveStockDocument, { input }))).toBe('BAD_USER_INPUT');
  });

  test('a quantity out of range fails its line', async () => {
    const a = await app.newProduct(5);
    const { reservation, failedItems } = await reserve({ [a]: 0 });
    expect(reservation).toBeNull();
    expect(failedItems.map(({ error }) => error.code)).toEqual(['INVALID_QUANTITY']);
  });

  describe('[R7] from the moment at which it expires', () => {
    test('readers and buyers have what it held, without a background job', async () => {
      const a = await app.newProduct(5);
      const id = await held({ [a]: 4 });
      await letExpire(id);
      expect(await levelOf(a)).toEqual([5, 0, 5]);
      expect(await statusOf(id)).toBe('EXPIRED');
      expect(await deduct(a, 5)).toBe(0);
      expect(await levelOf(a)).toEqual([0, 0, 0]);
      expect(await commit(id)).toMatchObject({ status: 'EXPIRED' });
      expect(await release(id)).toMatchObject({ status: 'EXPIRED' });
      expect(await levelOf(a)).toEqual([0, 0, 0]);
    });

    test('a count may set less than it held, and another reservation may hold its units', async () => {
      const a = await app.newProduct(5);
      const [first, second] = [await held({ [a]: 2 }), await held({ [a]: 2 })];
      const setTo = async (quantity: number) => {
        const input = { productId: a, quantity, changeFromQuantity: null };
        return (await app.dataOf(SetStockDocument, { input })).setStock;
      };
      expect(await setTo(3)).toMatchObject({ requested: 2, available: 1 });
      await letExpire(first);
      expect(await setTo(3)).toMatchObject({ __typename: 'StockSet' });
      await letExpire(second);
      await held({ [a]: 3 });
      expect(await levelOf(a)).toEqual([3, 3, 0]);
    });

    test('each product gets its units back on its own', async () => {
      const [a, b] = [await app.newProduct(5), await app.newProduct(5)];
      const id = await held({ [a]: 5, [b]: 5 });
      await letExpire(id);
      expect(await deduct(a, 1)).toBe(4);
      expect(await commit(id)).toMatchObject({ status: 'EXPIRED' });
      expect(await deduct(b, 5)).toBe(0);
      expect([await levelOf(a), await levelOf(b)]).toEqual([
        [4, 0, 4],
        [0, 0, 0],
      ]);
    });

    test('the sweeper gives back the units of products without requests', async () => {
      const [a, b] = [await app.newProduct(5), await app.newProduct(5)];
      await letExpire(await held({ [a]: 5, [b]: 2 }), await held({ [b]: 2 }));
      await until('nothing is reserved', async () => {
        const [rows] = await app.database.sequelize.query(
          'SELECT 1 FROM stock_levels WHERE product_id IN (?) AND reserved > 0',
          { replacements: [[a, b]] },
        );
        return rows.length === 0;
      });
      const [rows] = await app.database.sequelize.query(
        `SELECT DISTINCT status FROM reservations WHERE id IN
           (SELECT reservation_id FROM reservation_lines WHERE product_id IN (?))`,
        { replacements: [[a, b]] },
      );
      expect(rows).toEqual([{ status: 'EXPIRED' }]);
    });
  });

  describe('thousands of reservations that expired at once', () => {
    /** Inserts as many expired reservations of one unit each. */
    async function abandoned(productId: string, count: number): Promise<void> {
      const ids = Array.from({ length: count }, (_, i) => `${productId}-${stockLock}-${i}`);
      await app.database.sequelize.query(
        `INSERT INTO reservations (id, created_by, created_at, expires_at) VALUES
         ${ids.map(() => "(?, REPEAT('x', 32), NOW(6) - INTERVAL 1 HOUR, NOW(6) - INTERVAL 1 SECOND)").join(', ')}`,
        { replacements: ids },
      );
      await app.database.sequelize.query(
        `INSERT INTO reservation_lines (reservation_id, line_index, product_id, location_id, quantity, held_until)
         SELECT id, 0, ?, 'default', 1, expires_at FROM reservations WHERE id IN (?)`,
        { replacements: [productId, ids] },
      );
      await app.database.sequelize.query(
        'UPDATE stock_levels SET reserved = ?, version = version + 1 WHERE product_id = ?',
        { replacements: [count, productId] },
      );
    }

    test('withhold nothing from the first buyer', async () => {
      const a = await app.newProduct(2_500);
      await abandoned(a, 2_500);
      expect(await levelOf(a)).toEqual([2_500, 0, 2_500]);
      expect(await deduct(a, 2_500)).toBe(0);
      expect(await levelOf(a)).toEqual([0, 0, 0]);
    });
  });

  describe('with an idempotency key', () => {
    test('a reservation is made once, and a repeated call answers its current state', async () => {
      const a = await app.newProduct(5);
      const once = { idempotencyKey: `reserve-${a}` };
      const first = await reserve({ [a]: 2 }, once);
      const again = await reserve({ [a]: 2 }, once);
      expect([first.replayed, again.replayed]).toEqual([false, true]);
      expect(again.reservation).toEqual(first.reservation);
      expect(await levelOf(a)).toEqual([5, 2, 3]);
      await release(first.reservation?.id ?? '');
      expect((await reserve({ [a]: 2 }, once)).reservation?.status).toBe('RELEASED');
      expect(await levelOf(a)).toEqual([5, 0, 5]);
    });

    test('a refusal is repeated', async () => {
      const a = await app.newProduct(1);
      const once = { idempotencyKey: `refused-${a}` };
      const first = await reserve({ [a]: 2 }, once);
      await app.dataOf(SetStockDocument, {
        input: { productId: a, quantity: 9, changeFromQuantity: 1 },
      });
      const again = await reserve({ [a]: 2 }, once);
      expect(again).toEqual({ ...first, replayed: true });
      expect(again.failedItems[0]?.error).toMatchObject({ requested: 2, available: 1 });
    });

    test.each([
      ['commit', commit, 'ReservationCommitted'],
      ['release', release, 'ReservationReleased'],
    ] as const)('a %s is answered the same when it is repeated', async (name, end, type) => {
      const a = await app.newProduct(5);
      const id = await held({ [a]: 2 });
      const first = await end(id, `${name}-${a}`);
      const again = await end(id, `${name}-${a}`);
      expect(first).toMatchObject({ __typename: type, replayed: false });
      expect(again).toEqual({ ...first, replayed: true });
      expect(await end('nobody', `${name}-nobody-${a}`)).toMatchObject({
        __typename: 'ReservationNotFoundError',
      });
    });

    test('a key that has any answer cannot be used for another request', async () => {
      const a = await app.newProduct(5);
      const id = await held({ [a]: 2 });
      await release(id);
      await commit(id, `late-${a}`);
      await commit('nobody', `lost-${a}`);
      expect(await commit(id, `late-${a}`)).toMatchObject({ status: 'RELEASED' });
      for (const idempotencyKey of [`late-${a}`, `lost-${a}`]) {
        const other = { items: [{ productId: a, quantity: 1 }], idempotencyKey };
        const outcomes = [
          await app.ask.http(ReserveStockDocument, { input: other }),
          await app.ask.http(DeductStockDocument, { input: other }),
          await app.ask.http(ReleaseReservationDocument, {
            input: { reservationId: id, idempotencyKey },
          }),
        ];
        expect(outcomes.map(faultOf)).toEqual(Array(3).fill('IDEMPOTENCY_KEY_REUSED'));
      }
      expect(await levelOf(a)).toEqual([5, 0, 5]);
    });

    test('calls that are sent at once have one effect', async () => {
      const a = await app.newProduct(9);
      const once = { idempotencyKey: `twice-${a}` };
      const both = await Promise.all([reserve({ [a]: 2 }, once), reserve({ [a]: 2 }, once)]);
      expect(both.map(({ replayed }) => replayed).sort()).toEqual([false, true]);
      expect(new Set(both.map(({ reservation }) => reservation?.id)).size).toBe(1);
      const id = both[0].reservation?.id ?? '';
      const ends = await Promise.all([commit(id), commit(id), release(id)]);
      expect(ends.filter((end) => 'reservation' in end)).toHaveLength(1);
      expect(await levelOf(a)).toHaveLength(3);
    });
  });
});
