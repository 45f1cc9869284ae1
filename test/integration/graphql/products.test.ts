/** Products: created and read, with their levels and ledgers, page by page. */
import {
  CreateProductDocument,
  DeductStockDocument,
  IncreaseStockDocument,
  ProductDocument,
  ProductMovementsDocument,
  ProductsDocument,
  StockMovementsDocument,
  type CreateProductInput,
  type MovementFilter,
  type ProductFilter,
  type ProductMovementsQueryVariables,
  type ProductsQueryVariables,
} from '../../generated/operations.js';
import { faultOf } from '../../support/running-app.js';
import { useApp } from '../../support/use-app.js';

const app = useApp();

beforeAll(() => app.shop.newLocation('north'));

async function create(input: CreateProductInput) {
  return (await app.dataOf(CreateProductDocument, { input })).createProduct;
}

async function createAll(ids: readonly string[], more: Partial<CreateProductInput> = {}) {
  for (const id of ids) {
    expect((await create({ id, name: `Product ${id}`, ...more })).__typename).toBe('Product');
  }
}

const text = expect.any(String) as string;

/** Of a list that is sorted by so many columns. */
function cursorOf(...values: readonly string[]): string {
  return Buffer.from(JSON.stringify(values), 'utf8').toString('base64url');
}

describe('createProduct', () => {
  test('answers the product with its initial stock and writes the first entry of its ledger', async () => {
    const input = { id: 'new', name: 'New ✓', quantity: 5, lowStockThreshold: 2 };
    const product = await create(input);
    expect(product).toEqual({
      __typename: 'Product',
      id: 'new',
      name: 'New ✓',
      onHand: 5,
      reserved: 0,
      available: 5,
      lowStockThreshold: 2,
      createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
      updatedAt: text,
    });
    const { stockMovements } = await app.dataOf(StockMovementsDocument, { productId: 'new' });
    expect(stockMovements.edges.map(({ node }) => node)).toMatchObject([
      { id: 'new/default/1', kind: 'INITIAL', delta: 5, quantityBefore: 0, quantityAfter: 5 },
    ]);
  });

  test('writes no entry to the ledger for an initial quantity of 0', async () => {
    await createAll(['empty']);
    const { stockMovements } = await app.dataOf(StockMovementsDocument, { productId: 'empty' });
    expect(stockMovements).toEqual({
      edges: [],
      pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
    });
  });

  test('does not change an existing product and answers it', async () => {
    await createAll(['first'], { quantity: 3 });
    expect(await create({ id: 'first', name: 'Second', quantity: 9 })).toEqual({
      __typename: 'ProductAlreadyExistsError',
      message: text,
      product: { id: 'first', name: 'Product first', available: 3 },
    });
  });

  test('10 calls at once create one product', async () => {
    const calls = Array.from({ length: 10 }, () => create({ id: 'raced', name: 'R', quantity: 1 }));
    const names = (await Promise.all(calls)).map((answer) => answer.__typename);
    expect(names.filter((name) => name === 'Product')).toHaveLength(1);
    expect(names.filter((name) => name === 'ProductAlreadyExistsError')).toHaveLength(9);
  });

  test('puts the initial stock at the given location', async () => {
    await createAll(['northern'], { quantity: 4, locationId: 'north' });
    const { product } = await app.dataOf(ProductDocument, { id: 'northern' });
    expect(product?.levels).toEqual([
      {
        id: 'northern/north',
        productId: 'northern',
        locationId: 'north',
        location: { name: 'north' },
        onHand: 4,
        reserved: 0,
        available: 4,
      },
    ]);
  });

  test('treats ids that differ in case as different products', async () => {
    await createAll(['Case', 'case']);
    const { product } = await app.dataOf(ProductDocument, { id: 'CASE' });
    expect(product).toBeNull();
  });

  test.each<[field: string, input: Partial<CreateProductInput>]>([
    ['id', { id: '' }],
    ['id', { id: 'two words' }],
    ['id', { id: 'x'.repeat(65) }],
    ['id', { id: 'crlf\r\nDEL *' }],
    ['id', { id: "'; DROP TABLE products; --" }],
    ['id', { id: 'straße' }],
    ['id', { id: 'аpple' }],
    ['name', { name: '' }],
    ['name', { name: '   ' }],
    ['name', { name: 'x'.repeat(256) }],
    ['name', { name: 'lone \ud800' }],
    ['quantity', { quantity: -1 }],
    ['quantity', { quantity: 1_000_000_001 }],
    ['locationId', { locationId: 'nowhere' }],
    ['locationId', { locationId: 'no where' }],
    ['lowStockThreshold', { lowStockThreshold: -1 }],
  ])('names the field with the wrong value: %s of %j', async (field, input) => {
    const answer = await create({ id: 'never', name: 'Never', ...input });
    expect(answer).toEqual({ __typename: 'InvalidInputError', field, message: text });
    const { product } = await app.dataOf(ProductDocument, { id: 'never' });
    expect(product).toBeNull();
  });
});

describe('product', () => {
  test('is null for an unknown id and for an id of the wrong form', async () => {
    for (const id of ['nobody', '', 'two words', 'x'.repeat(10_000), "' OR 1=1", 'a\u0000']) {
      expect(await app.dataOf(ProductDocument, { id })).toEqual({ product: null });
    }
  });

  test('adds up its levels over all locations', async () => {
    await createAll(['spread'], { quantity: 4 });
    const items = [{ productId: 'spread', quantity: 3, locationId: 'north' }];
    await app.dataOf(IncreaseStockDocument, { input: { items } });
    const { product } = await app.dataOf(ProductDocument, { id: 'spread' });
    expect(product).toMatchObject({
      onHand: 7,
      reserved: 0,
      available: 7,
      levels: [
        { locationId: 'default', onHand: 4 },
        { locationId: 'north', onHand: 3 },
      ],
    });
  });

  test('answers a sum beyond the range of an Int as the largest Int', async () => {
    await createAll(['huge'], { quantity: 1_000_000_000 });
    for (const locationId of ['l1', 'l2']) {
      await app.database.sequelize.query('INSERT INTO locations (id, name) VALUES (?, ?)', {
        replacements: [locationId, locationId],
      });
      const items = [{ productId: 'huge', quantity: 1_000_000_000, locationId }];
      await app.dataOf(IncreaseStockDocument, { input: { items } });
    }
    const { product } = await app.dataOf(ProductDocument, { id: 'huge' });
    expect(product).toMatchObject({ onHand: 2_147_483_647, available: 2_147_483_647 });
  });
});

describe('pages of products', () => {
  const ids = Array.from({ length: 25 }, (_, i) => `page-${String(i * 2 + 10)}`);
  const filter: ProductFilter = { nameStartsWith: 'Product page-' };

  beforeAll(() => createAll(ids));

  async function page(variables: ProductsQueryVariables) {
    return (await app.dataOf(ProductsDocument, variables)).products;
  }

  /** Reads the whole list page by page and calls `between` between two pages. */
  async function walk(
    direction: 'forward' | 'backward',
    filtered: ProductFilter,
    between: (pageNumber: number) => Promise<void> = () => Promise.resolve(),
  ): Promise<string[]> {
    const seen: string[] = [];
    let cursor: string | null = null;
    for (let number = 1; number <= 50; number += 1) {
      const { edges, pageInfo } = await page(
        direction === 'forward'
          ? { first: 4, after: cursor, filter: filtered }
          : { last: 4, before: cursor, filter: filtered },
      );
      const nodes = edges.map((edge) => edge.node.id);
      if (direction === 'forward') seen.push(...nodes);
      else seen.unshift(...nodes);
      expect(pageInfo.startCursor).toBe(edges[0]?.cursor ?? null);
      expect(pageInfo.endCursor).toBe(edges.at(-1)?.cursor ?? null);
      if (direction === 'forward') {
        expect(pageInfo.hasPreviousPage).toBe(number > 1);
        if (!pageInfo.hasNextPage) return seen;
        cursor = pageInfo.endCursor;
      } else {
        expect(pageInfo.hasNextPage).toBe(number > 1);
        if (!pageInfo.hasPreviousPage) return seen;
        cursor = pageInfo.startCursor;
      }
      await between(number);
    }
    throw new Error('The list has no end.');
  }

  test.each(['forward', 'backward'] as const)(
    'read %s have each product once, in order',
    async (way) => {
      expect(await walk(way, filter)).toEqual(ids);
      expect(await walk(way, { ids })).toEqual(ids);
    },
  );

  test.each(['forward', 'backward'] as const)(
    'read %s repeat and omit nothing while products are added',
    async (way) => {
      const added: string[] = [];
      const seen = await walk(way, filter, async (number) => {
        const between = [11 + number * 2, 59 - number * 2].map((n) => `page-${n}-${way}`);
        added.push(...between);
        await createAll(between);
      });
      expect(new Set(seen).size).toBe(seen.length);
      expect(seen.filter((id) => ids.includes(id))).toEqual(ids);
      expect([...seen].sort()).toEqual(seen);
      expect(
        seen.every((id) => ids.includes(id) || added.includes(id) || id.endsWith('-forward')),
      ).toBe(true);
    },
  );

  test('have 20 entries by default and 100 at most', async () => {
    expect((await page({})).edges).toHaveLength(20);
    expect((await page({ after: null })).edges).toHaveLength(20);
    expect((await page({ last: 3 })).edges).toHaveLength(3);
    expect((await page({ first: 100 })).pageInfo.hasNextPage).toBe(false);
  });

  test('are filtered by ids, by the start of the name and by low stock, together', async () => {
    await createAll(['low-1'], { quantity: 1, lowStockThreshold: 1 });
    await createAll(['low-2'], { quantity: 2, lowStockThreshold: 1 });
    await createAll(['low-3'], { quantity: 0 });
    const found = async (given: ProductFilter) =>
      (await page({ first: 100, filter: given })).edges.map(({ node }) => node.id);
    const low = ['low-1', 'low-2', 'low-3', 'nobody'];
    expect(await found({ ids: low })).toEqual(['low-1', 'low-2', 'low-3']);
    expect(await found({ ids: low, lowStock: true })).toEqual(['low-1']);
    expect(await found({ ids: low, lowStock: false })).toEqual(['low-2', 'low-3']);
    expect(await found({ ids: low, lowStock: null, nameStartsWith: 'Product low-2' })).toEqual([
      'low-2',
    ]);
    expect(await found({ ids: [] })).toEqual([]);
    expect(await found({ nameStartsWith: '%' })).toEqual([]);
    expect(await found({ nameStartsWith: 'Product_low' })).toEqual([]);
    expect(await found({ nameStartsWith: "'" })).toEqual([]);
  });

  test.each<[why: string, variables: ProductsQueryVariables]>([
    ['no entries', { first: 0 }],
    ['a negative number of entries', { first: -1 }],
    ['more than 100 entries', { first: 101 }],
    ['more than 100 entries from the back', { last: 101 }],
    ['both directions', { first: 1, last: 1 }],
    ['first with before', { first: 1, before: 'WyJhIl0' }],
    ['last with after', { last: 1, after: 'WyJhIl0' }],
    ['text that is not a cursor', { first: 1, after: 'nonsense' }],
    ['an empty cursor', { first: 1, after: '' }],
    ['the cursor of another list', { first: 1, after: 'WyJhIiwiYiJd' }],
    ['a cursor with other values', { first: 1, after: 'WzFd' }],
    ['a cursor with another id than there can be', { first: 1, after: cursorOf('é') }],
    ['such a cursor among low stock', { after: cursorOf('é'), filter: { lowStock: true } }],
    ['such a cursor among words', { last: 1, before: cursorOf('é'), filter: { search: 'a' } }],
    ['such a cursor among names', { after: cursorOf('é', 'é'), filter: { nameStartsWith: 'a' } }],
    ['an id of the wrong form in the filter', { filter: { ids: ['two words'] } }],
    ['more than 100 ids', { filter: { ids: Array.from({ length: 101 }, (_, i) => `id-${i}`) } }],
  ])('are refused for %s', async (_, variables) => {
    expect(faultOf(await app.ask.http(ProductsDocument, variables))).toBe('BAD_USER_INPUT');
    expect(faultOf(await app.ask.resolvers(ProductsDocument, variables))).toBe('BAD_USER_INPUT');
  });
});

describe('pages of the ledger', () => {
  const sell = async (id: string, times: number) => {
    for (let i = 0; i < times; i += 1) {
      const items = [{ productId: id, quantity: 1 }];
      await app.dataOf(DeductStockDocument, { input: { items } });
    }
  };

  beforeAll(async () => {
    await createAll(['sold', 'also-sold'], { quantity: 100 });
    await sell('sold', 6);
    await sell('also-sold', 2);
    await sell('sold', 3);
  });

  interface LedgerPage {
    readonly sequences: number[];
    readonly hasNextPage: boolean;
    readonly hasPreviousPage: boolean;
    readonly startCursor: string | null;
    readonly endCursor: string | null;
  }

  async function ledgerPage(page: Omit<ProductMovementsQueryVariables, 'id'>): Promise<LedgerPage> {
    const { product } = await app.dataOf(ProductMovementsDocument, { id: 'sold', ...page });
    if (!product) throw new Error('The product is gone.');
    const { edges, pageInfo } = product.movements;
    return { ...pageInfo, sequences: edges.map(({ node }) => node.sequence) };
  }

  test('of one product are newest first in both directions while it is being sold', async () => {
    const forward: number[] = [];
    let after: string | null = null;
    do {
      const page = await ledgerPage({ first: 3, after });
      forward.push(...page.sequences);
      after = page.hasNextPage ? page.endCursor : null;
      await sell('sold', 1);
    } while (after !== null);
    expect(forward).toEqual([10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);

    const backward: number[] = [];
    let before: string | null = null;
    do {
      const page = await ledgerPage({ last: 4, before });
      backward.unshift(...page.sequences);
      before = page.hasPreviousPage ? page.startCursor : null;
      await sell('sold', 1);
    } while (before !== null);
    expect(backward).toEqual(
      Array.from({ length: backward.length }, (_, i) => backward.length - i),
    );
    expect(backward.length).toBeGreaterThan(forward.length);
  });

  test('of all products are one list, newest first', async () => {
    const { stockMovements } = await app.dataOf(StockMovementsDocument, { first: 100 });
    const lines = stockMovements.edges.map(({ node }) => node);
    for (const id of ['sold', 'also-sold']) {
      const alone = await app.dataOf(StockMovementsDocument, { productId: id, first: 100 });
      expect(lines.filter((line) => line.productId === id)).toEqual(
        alone.stockMovements.edges.map(({ node }) => node),
      );
    }
    const times = lines.map((line) => line.createdAt);
    expect([...times].sort().reverse()).toEqual(times);
  });

  test('are empty for an unknown product and refused for an id of the wrong form', async () => {
    const { stockMovements } = await app.dataOf(StockMovementsDocument, { productId: 'nobody' });
    expect(stockMovements.edges).toEqual([]);
    const outcome = await app.ask.http(StockMovementsDocument, { productId: 'two words' });
    expect(faultOf(outcome)).toBe('BAD_USER_INPUT');
    const cursor = await app.ask.http(StockMovementsDocument, { after: 'WyJhIl0' });
    expect(faultOf(cursor)).toBe('BAD_USER_INPUT');
  });

  test('are filtered by reference, kind, location and time, of one product and of all', async () => {
    await createAll(['searched'], { quantity: 9 });
    const items = [{ productId: 'searched', quantity: 1 }];
    await app.dataOf(DeductStockDocument, { input: { items, reference: 'order-9' } });
    await app.dataOf(DeductStockDocument, { input: { items, reference: 'Order-9' } });
    const ofAll = async (filter: MovementFilter) => {
      const { stockMovements } = await app.dataOf(StockMovementsDocument, { filter });
      return stockMovements.edges.map(({ node }) => node.id);
    };
    const ofProduct = async (filter: MovementFilter) => {
      const { product } = await app.dataOf(ProductMovementsDocument, { id: 'searched', filter });
      return product?.movements.edges.map(({ node }) => node.id);
    };
    expect(await ofAll({ reference: 'order-9' })).toEqual(['searched/default/2']);
    expect(await ofProduct({ reference: 'Order-9' })).toEqual(['searched/default/3']);
    expect(await ofProduct({ kinds: ['INITIAL'] })).toEqual(['searched/default/1']);
    expect(await ofProduct({ locationId: 'north' })).toEqual([]);
    expect(await ofProduct({ since: '2026-01-01T00:00:00+01:00' })).toHaveLength(3);
    expect(await ofProduct({ until: '2026-01-01T00:00:00.000Z' })).toEqual([]);
    expect(
      await ofProduct({ since: '1000-01-01T00:00:00Z', until: '9999-12-31T23:59:59Z' }),
    ).toHaveLength(3);
    expect(await ofProduct({})).toHaveLength(3);
    expect(await ofAll({ kinds: [] })).toEqual([]);
  });

  test.each<[what: string, filter: MovementFilter]>([
    ['a location of the wrong form', { locationId: 'no such!' }],
    ['a reference that is too long', { reference: 'x'.repeat(256) }],
    ['a moment without a zone', { since: '2026-01-01T00:00:00' }],
    ['a day', { since: '2026-01-01' }],
    ['no moment', { until: 'yesterday' }],
    ['a moment that is none', { until: '2026-13-01T00:00:00Z' }],
    ['a moment out of range', { until: '9999-12-31T23:59:59-01:00' }],
  ])('are refused for %s in the filter', async (_, filter) => {
    expect(faultOf(await app.ask.http(StockMovementsDocument, { filter }))).toBe('BAD_USER_INPUT');
  });
});
