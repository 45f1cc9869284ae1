/** Locations, counts and transfers as a client sees them: the same answers with every STOCK_LOCK. */
import {
  CreateLocationDocument,
  DeductStockDocument,
  LocationsDocument,
  ReserveStockDocument,
  SetStockDocument,
  StockMovementsDocument,
  TransferStockDocument,
  UpdateLocationDocument,
  type SetStockInput,
  type TransferStockInput,
} from '../../generated/operations.js';
import { givenUrl } from '../../support/fresh-database.js';
import { post } from '../../support/graphql-client.js';
import { faultOf } from '../../support/running-app.js';
import { STOCK_LOCKS } from '../../support/shop.js';
import { useApp } from '../../support/use-app.js';

const app = useApp(null);

beforeAll(async () => {
  await app.shop.newLocation('north', 'North');
  await app.shop.newLocation('south', 'South');
});

async function setStock(input: SetStockInput) {
  return (await app.dataOf(SetStockDocument, { input })).setStock;
}

async function transfer(input: TransferStockInput) {
  return (await app.dataOf(TransferStockDocument, { input })).transferStock;
}

async function ledgerOf(productId: string) {
  const { stockMovements } = await app.dataOf(StockMovementsDocument, { productId, first: 100 });
  return stockMovements.edges.map(({ node }) => [node.locationId, node.kind, node.delta]);
}

describe.each(STOCK_LOCKS)('with STOCK_LOCK=%s', (stockLock) => {
  beforeAll(async () => {
    await app.restart({ STOCK_LOCK: stockLock, REDIS_URL: givenUrl('REDIS_URL') });
  });

  describe('a count', () => {
    test('writes the difference to the ledger as a correction, up and down', async () => {
      const id = await app.newProduct(5);
      const counted = await setStock({
        productId: id,
        quantity: 8,
        changeFromQuantity: 5,
        reason: 'cycle count',
      });
      expect(counted).toEqual({
        __typename: 'StockSet',
        movementId: `${id}/default/2`,
        replayed: false,
        product: { id, onHand: 8, available: 8 },
      });
      await setStock({ productId: id, quantity: 0, changeFromQuantity: null });
      expect(await ledgerOf(id)).toEqual([
        ['default', 'CORRECTION', -8],
        ['default', 'CORRECTION', 3],
        ['default', 'INITIAL', 5],
      ]);
    });

    test('[R19] that another change has overtaken is refused as stale and changes nothing', async () => {
      const id = await app.newProduct(5);
      const counted = await setStock({ productId: id, quantity: 8, changeFromQuantity: 4 });
      expect(counted).toMatchObject({
        __typename: 'StaleQuantityError',
        code: 'STALE_QUANTITY',
        retryable: false,
        expected: 4,
        actual: 5,
      });
      expect(await ledgerOf(id)).toHaveLength(1);
    });

    test('of the quantity on hand writes no entry to the ledger', async () => {
      const id = await app.newProduct(5);
      const counted = await setStock({ productId: id, quantity: 5, changeFromQuantity: 5 });
      expect(counted).toMatchObject({ __typename: 'StockSet', movementId: null });
      const empty = { productId: id, locationId: 'south', changeFromQuantity: 0 };
      expect(await setStock({ ...empty, quantity: 0 })).toMatchObject({ movementId: null });
      expect(await setStock({ ...empty, quantity: 2 })).toMatchObject({
        movementId: `${id}/south/1`,
      });
      expect(await ledgerOf(id)).toHaveLength(2);
    });

    test('never sets less than what is reserved', async () => {
      const id = await app.newProduct(5);
      const items = [{ productId: id, quantity: 3 }];
      await app.dataOf(ReserveStockDocument, { input: { items } });
      const below = await setStock({ productId: id, quantity: 2, changeFromQuantity: 5 });
      expect(below).toMatchObject({ code: 'INSUFFICIENT_STOCK', requested: 3, available: 2 });
      expect(await setStock({ productId: id, quantity: 3, changeFromQuantity: 5 })).toMatchObject({
        product: { onHand: 3, available: 0 },
      });
    });

    test.each([
      [{ quantity: -1 }, 'INVALID_QUANTITY'],
      [{ quantity: 1_000_000_001 }, 'INVALID_QUANTITY'],
      [{ productId: 'nobody-knows' }, 'PRODUCT_NOT_FOUND'],
      [{ locationId: 'nowhere' }, 'LOCATION_NOT_FOUND'],
    ])('of %j is refused as %s', async (wrong, code) => {
      const productId = await app.newProduct(5);
      const input = { productId, quantity: 1, changeFromQuantity: null, ...wrong };
      expect(await setStock(input)).toMatchObject({ code, retryable: false });
      expect(await ledgerOf(productId)).toHaveLength(1);
    });

    test('must send changeFromQuantity, null included', async () => {
      const productId = await app.newProduct(5);
      const silent = await app.ask.http(SetStockDocument, { input: { productId, quantity: 1 } });
      expect(faultOf(silent)).toBe('BAD_USER_INPUT');
      // Also where the input is a literal in the operation.
      const query = `mutation { setStock(input: { productId: "${productId}", quantity: 1 }) { __typename } }`;
      const { errors } = await post(app.graphqlUrl, JSON.stringify({ query }));
      expect(errors?.[0]?.extensions?.code).toBe('BAD_USER_INPUT');
    });

    test('with an idempotency key is made once, and a stale one stays stale', async () => {
      const id = await app.newProduct(5);
      const once = { productId: id, quantity: 8, changeFromQuantity: 5, idempotencyKey: `s-${id}` };
      const first = await setStock(once);
      expect(await setStock({ ...once })).toEqual({ ...first, replayed: true });
      const stale = { ...once, idempotencyKey: `stale-${id}` };
      expect(await setStock(stale)).toMatchObject({ expected: 5, actual: 8 });
      await setStock({ productId: id, quantity: 5, changeFromQuantity: 8 });
      expect(await setStock(stale)).toMatchObject({ expected: 5, actual: 8 });
      const other = await app.ask.http(SetStockDocument, {
        input: { ...once, changeFromQuantity: null },
      });
      expect(faultOf(other)).toBe('IDEMPOTENCY_KEY_REUSED');
    });

    test('that expects less than nothing is stale, also when it is repeated under its key', async () => {
      const id = await app.newProduct(5);
      const input = {
        productId: id,
        quantity: 8,
        changeFromQuantity: -1,
        idempotencyKey: `n-${id}`,
      };
      for (let repetition = 0; repetition < 2; repetition += 1) {
        expect(await setStock(input)).toMatchObject({ expected: -1, actual: 5 });
      }
    });

    test('of two counts at once that expect the same quantity exactly one succeeds', async () => {
      const id = await app.newProduct(50);
      const counts = [10, 20].map((quantity) =>
        setStock({ productId: id, quantity, changeFromQuantity: 50 }),
      );
      const answers = await Promise.all(counts);
      expect(answers.map(({ __typename }) => __typename).sort()).toEqual([
        'StaleQuantityError',
        'StockSet',
      ]);
    });
  });

  describe('a transfer', () => {
    const route = { fromLocationId: 'default', toLocationId: 'north' };

    test('moves stock and writes one entry to the ledger per location', async () => {
      const id = await app.newProduct(5);
      const moved = await transfer({ ...route, productId: id, quantity: 2, reference: 'T-1' });
      expect(moved).toEqual({
        __typename: 'StockTransferred',
        movementIds: [`${id}/default/2`, `${id}/north/1`],
        replayed: false,
        product: {
          id,
          levels: [
            { locationId: 'default', onHand: 3, available: 3 },
            { locationId: 'north', onHand: 2, available: 2 },
          ],
        },
      });
      expect((await ledgerOf(id)).sort()).toEqual([
        ['default', 'INITIAL', 5],
        ['default', 'TRANSFER_OUT', -2],
        ['north', 'TRANSFER_IN', 2],
      ]);
      const items = [{ productId: id, locationId: 'north', quantity: 3 }];
      const { deductStock } = await app.dataOf(DeductStockDocument, { input: { items } });
      expect(deductStock.results[0]).toMatchObject({ error: { available: 2 } });
    });

    test.each([
      [{ quantity: 6 }, { code: 'INSUFFICIENT_STOCK', requested: 6, available: 5 }],
      [{ quantity: 0 }, { code: 'INVALID_QUANTITY' }],
      [{ productId: 'nobody-knows' }, { code: 'PRODUCT_NOT_FOUND' }],
      [{ toLocationId: 'nowhere' }, { code: 'LOCATION_NOT_FOUND' }],
      [{ fromLocationId: 'nowhere' }, { code: 'LOCATION_NOT_FOUND' }],
    ])('of %j is refused and changes nothing', async (wrong, error) => {
      const productId = await app.newProduct(5);
      const refused = await transfer({ ...route, productId, quantity: 1, ...wrong });
      expect(refused).toMatchObject({ ...error, retryable: false });
      expect(await ledgerOf(productId)).toHaveLength(1);
    });

    test('[R8] never moves what is reserved', async () => {
      const id = await app.newProduct(5);
      const items = [{ productId: id, quantity: 3 }];
      await app.dataOf(ReserveStockDocument, { input: { items } });
      const refused = await transfer({ ...route, productId: id, quantity: 3 });
      expect(refused).toMatchObject({ code: 'INSUFFICIENT_STOCK', available: 2 });
    });

    test('from a location to itself, or with an id of the wrong form, is BAD_USER_INPUT', async () => {
      for (const wrong of [{ toLocationId: 'default' }, { toLocationId: 'no such!' }]) {
        const input = { ...route, productId: 'p', quantity: 1, ...wrong };
        expect(faultOf(await app.ask.http(TransferStockDocument, { input }))).toBe(
          'BAD_USER_INPUT',
        );
      }
    });

    test('with an idempotency key is made once', async () => {
      const id = await app.newProduct(5);
      const once = { ...route, productId: id, quantity: 2, idempotencyKey: `t-${id}` };
      const first = await transfer(once);
      expect(await transfer(once)).toEqual({ ...first, replayed: true });
      expect(await ledgerOf(id)).toHaveLength(3);
    });

    test('in opposite directions at once loses no unit', async () => {
      const id = await app.newProduct(20);
      await transfer({ ...route, productId: id, quantity: 10 });
      const back = { fromLocationId: 'north', toLocationId: 'default' };
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, i) =>
          transfer({ ...(i % 2 ? route : back), productId: id, quantity: 1 }),
        ),
      );
      expect(new Set(answers.map(({ __typename }) => __typename))).toEqual(
        new Set(['StockTransferred']),
      );
    });
  });
});

describe('locations', () => {
  beforeAll(async () => {
    await app.restart({});
  });

  test('are listed with the default one first, then by id', async () => {
    const { locations } = await app.dataOf(LocationsDocument, {});
    expect(locations).toEqual([
      { id: 'default', name: 'Default', isDefault: true },
      { id: 'north', name: 'North', isDefault: false },
      { id: 'south', name: 'South', isDefault: false },
    ]);
  });

  test('are created once, and a second call changes nothing', async () => {
    const create = async (name: string) => {
      const input = { id: 'attic', name };
      return (await app.dataOf(CreateLocationDocument, { input })).createLocation;
    };
    const both = await Promise.all([create('Attic'), create('Attic')]);
    expect(both.map(({ __typename }) => __typename).sort()).toEqual([
      'Location',
      'LocationAlreadyExistsError',
    ]);
    expect(await create('Loft')).toEqual({
      __typename: 'LocationAlreadyExistsError',
      message: 'A location with the id attic exists. Choose another id.',
      location: { id: 'attic', name: 'Attic' },
    });
  });

  test.each([
    [{ id: 'no such!', name: 'x' }, 'id'],
    [{ id: 'ok', name: ' ' }, 'name'],
    [{ id: 'ok', name: 'x'.repeat(256) }, 'name'],
  ])('of %j have the wrong form', async (input, field) => {
    const { createLocation } = await app.dataOf(CreateLocationDocument, { input });
    expect(createLocation).toMatchObject({ __typename: 'InvalidInputError', field });
  });

  test('are renamed, and the name is all that changes', async () => {
    const rename = async (id: string, name: string) =>
      (await app.dataOf(UpdateLocationDocument, { input: { id, name } })).updateLocation;
    await app.shop.newLocation('cellar');
    const renamed = { __typename: 'Location', id: 'cellar', name: 'Cellar ✓', isDefault: false };
    expect(await rename('cellar', 'Cellar ✓')).toEqual(renamed);
    expect(await rename('cellar', 'Cellar ✓')).toEqual(renamed);
    expect(await rename('default', 'Main')).toMatchObject({ name: 'Main', isDefault: true });
    const { locations } = await app.dataOf(LocationsDocument, {});
    expect(locations.map(({ id, name }) => [id, name])).toEqual(
      expect.arrayContaining([
        ['default', 'Main'],
        ['cellar', 'Cellar ✓'],
      ]),
    );
    expect(await rename('nowhere', 'X')).toEqual({
      __typename: 'LocationNotFoundError',
      code: 'LOCATION_NOT_FOUND',
      message: 'No location has the id nowhere. Check the id.',
    });
    expect(await rename('cellar', ' ')).toMatchObject({
      __typename: 'InvalidInputError',
      field: 'name',
    });
    const input = { id: 'no such!', name: 'x' };
    expect(faultOf(await app.ask.http(UpdateLocationDocument, { input }))).toBe('BAD_USER_INPUT');
  });
});
