/** Changes of products as a client sees them: names, thresholds, and what is out of sale. */
import {
  ArchiveProductDocument,
  DeductStockDocument,
  ProductDocument,
  ProductsDocument,
  ReserveStockDocument,
  RestoreProductDocument,
  UpdateProductDocument,
  type ProductFilter,
  type UpdateProductInput,
} from '../../generated/operations.js';
import { post } from '../../support/graphql-client.js';
import { faultOf } from '../../support/running-app.js';
import { useApp } from '../../support/use-app.js';

const app = useApp();

async function update(input: UpdateProductInput) {
  return (await app.dataOf(UpdateProductDocument, { input })).updateProduct;
}

async function lowOnes(): Promise<readonly string[]> {
  const { products } = await app.dataOf(ProductsDocument, { filter: { lowStock: true } });
  return products.edges.map(({ node }) => node.id);
}

const text = expect.any(String) as string;

describe('updateProduct', () => {
  test('changes what is given, and leaves the rest as it is', async () => {
    const id = await app.newProduct(5, { name: 'Old', lowStockThreshold: 2 });
    const threshold = { lowStockThreshold: 2 };
    expect(await update({ id, name: 'New ✓' })).toMatchObject({ name: 'New ✓', ...threshold });
    expect(await update({ id, lowStockThreshold: 7 })).toMatchObject({
      name: 'New ✓',
      lowStockThreshold: 7,
    });
    expect(await update({ id })).toMatchObject({ name: 'New ✓', lowStockThreshold: 7 });
    const { product } = await app.dataOf(ProductDocument, { id });
    expect(product).toMatchObject({ name: 'New ✓', lowStockThreshold: 7, onHand: 5 });
  });

  test('can be repeated, and answers the same', async () => {
    const id = await app.newProduct(5);
    const once = await update({ id, name: 'Again' });
    expect(await update({ id, name: 'Again' })).toEqual(once);
  });

  test('with another threshold changes whether stock is low, and null takes it away', async () => {
    const id = await app.newProduct(5, { lowStockThreshold: 2 });
    expect(await lowOnes()).not.toContain(id);
    await update({ id, lowStockThreshold: 5 });
    expect(await lowOnes()).toContain(id);
    expect(await update({ id, lowStockThreshold: null })).toMatchObject({
      lowStockThreshold: null,
    });
    expect(await lowOnes()).not.toContain(id);
  });

  test('at once by many leaves one of their values, in the product and in its levels', async () => {
    const id = await app.newProduct(5);
    await Promise.all(
      Array.from({ length: 10 }, (_, i) => update({ id, name: `N${i}`, lowStockThreshold: i })),
    );
    const { product } = await app.dataOf(ProductDocument, { id });
    expect(product?.name).toBe(`N${product?.lowStockThreshold ?? -1}`);
    // That the levels have the product's threshold is checked by the ledger's verification, after this file.
  });

  test('of a product that does not exist is refused', async () => {
    expect(await update({ id: 'not-there', name: 'X' })).toEqual({
      __typename: 'ProductNotFoundError',
      code: 'PRODUCT_NOT_FOUND',
      message: 'No product has the id not-there. Check the id.',
    });
  });

  test.each<[field: string, wrong: Partial<UpdateProductInput>]>([
    ['name', { name: '' }],
    ['name', { name: '   ' }],
    ['name', { name: 'x'.repeat(256) }],
    ['name', { name: 'lone \ud800' }],
    ['name', { name: null }],
    ['lowStockThreshold', { lowStockThreshold: -1 }],
  ])(
    'names the field with the wrong value, and changes nothing: %s of %j',
    async (field, wrong) => {
      const id = await app.newProduct(5, { name: 'Same' });
      const answer = await update({ id, name: 'Other', lowStockThreshold: 1, ...wrong });
      expect(answer).toEqual({ __typename: 'InvalidInputError', field, message: text });
      const { product } = await app.dataOf(ProductDocument, { id });
      expect(product).toMatchObject({ name: 'Same', lowStockThreshold: null });
    },
  );

  test('of an id of the wrong form is BAD_USER_INPUT', async () => {
    const asked = await app.ask.http(UpdateProductDocument, { input: { id: 'two words' } });
    expect(faultOf(asked)).toBe('BAD_USER_INPUT');
  });
});

describe('an archived product', () => {
  const archive = async (id: string) =>
    (await app.dataOf(ArchiveProductDocument, { input: { id } })).archiveProduct;
  const restore = async (id: string) =>
    (await app.dataOf(RestoreProductDocument, { input: { id } })).restoreProduct;
  const listed = async (filter: ProductFilter) => {
    const { products } = await app.dataOf(ProductsDocument, { filter, first: 100 });
    return products.edges.map(({ node }) => node.id);
  };

  test('says since when, keeps its first moment when it is archived again, and none when restored', async () => {
    const id = await app.newProduct(5);
    const first = await archive(id);
    expect(first).toEqual({ __typename: 'Product', id, archivedAt: text });
    expect(await archive(id)).toEqual(first);
    expect(await restore(id)).toEqual({ __typename: 'Product', id, archivedAt: null });
    expect(await restore(id)).toMatchObject({ archivedAt: null });
  });

  test('is refused to buyers, line by line, until it is restored', async () => {
    const [id, other] = [await app.newProduct(5), await app.newProduct(5)];
    const items = [id, other].map((productId) => ({ productId, quantity: 1 }));
    await archive(id);
    const { deductStock } = await app.dataOf(DeductStockDocument, { input: { items } });
    expect(deductStock.results).toMatchObject([
      {
        __typename: 'FailedItem',
        error: {
          __typename: 'ProductArchivedError',
          code: 'PRODUCT_ARCHIVED',
          retryable: false,
          message: `The product ${id} is archived: it is out of sale. Restore it first.`,
        },
      },
      { __typename: 'DeductedItem' },
    ]);
    const { reserveStock } = await app.dataOf(ReserveStockDocument, { input: { items } });
    expect(reserveStock.reservation).toBeNull();
    expect(reserveStock.failedItems.map(({ error }) => error.code)).toEqual([
      'PRODUCT_ARCHIVED',
      'ABORTED',
    ]);
    await restore(id);
    const again = await app.dataOf(DeductStockDocument, { input: { items } });
    expect(again.deductStock.results).toMatchObject([
      { __typename: 'DeductedItem', remaining: 4 },
      { __typename: 'DeductedItem', remaining: 3 },
    ]);
  });

  test('is read by its id, and listed only among archived ones, by every filter', async () => {
    const more = { name: 'Kept apart', lowStockThreshold: 9 };
    const id = await app.newProduct(5, more);
    const filters = [{ ids: [id] }, { nameStartsWith: 'kept' }, { lowStock: true }, {}];
    for (const filter of filters) expect(await listed(filter)).toContain(id);
    await archive(id);
    for (const filter of filters) {
      expect(await listed(filter)).not.toContain(id);
      expect(await listed({ ...filter, archived: true })).toContain(id);
    }
    const { product } = await app.dataOf(ProductDocument, { id });
    expect(product).toMatchObject({ onHand: 5, archivedAt: text });
    await restore(id);
    for (const filter of filters) {
      expect(await listed(filter)).toContain(id);
      expect(await listed({ ...filter, archived: true })).not.toContain(id);
    }
  });

  test('costs a deduction no further statement', async () => {
    const id = await app.newProduct(5);
    const buy = () =>
      app.dataOf(DeductStockDocument, { input: { items: [{ productId: id, quantity: 1 }] } });
    await buy();
    app.statements.length = 0;
    await buy();
    const read = app.statements.filter((sql) => /\b(FROM|JOIN) products\b/.test(sql));
    expect(app.statements.length).toBeGreaterThan(2);
    // The product is read once, for the answer.
    expect(read.filter((sql) => !sql.includes('FROM products p WHERE p.id IN'))).toEqual([]);
  });

  test('that does not exist is refused', async () => {
    expect(await archive('not-there')).toMatchObject({ __typename: 'ProductNotFoundError' });
    expect(await restore('not-there')).toMatchObject({ __typename: 'ProductNotFoundError' });
    const asked = await app.ask.http(ArchiveProductDocument, { input: { id: 'two words' } });
    expect(faultOf(asked)).toBe('BAD_USER_INPUT');
  });
});

test('what a change answers with is read before COMMIT, after which nothing can fail', async () => {
  const id = 'answered-at-commit';
  const changes = [
    `createProduct(input: { id: "${id}", name: "Old", quantity: 5, lowStockThreshold: 5 })`,
    `updateProduct(input: { id: "${id}", name: "New" })`,
    `archiveProduct(input: { id: "${id}" })`,
    `restoreProduct(input: { id: "${id}" })`,
  ];
  for (const change of changes) {
    app.statements.length = 0;
    const query = `mutation { change: ${change} {
      ... on Product { id name onHand available lowStockThreshold archivedAt createdAt updatedAt } } }`;
    const { data, errors } = await post<{ change: unknown }>(
      app.graphqlUrl,
      JSON.stringify({ query }),
    );
    expect(errors).toBeUndefined();
    expect(app.statements.at(-1)).toContain('COMMIT');
    const { data: read } = await post<{ product: unknown }>(
      app.graphqlUrl,
      JSON.stringify({
        query: `{ product(id: "${id}") {
          id name onHand available lowStockThreshold archivedAt createdAt updatedAt } }`,
      }),
    );
    expect(data?.change).toEqual(read?.product);
  }
});
