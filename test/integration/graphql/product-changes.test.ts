/** Changes of products as a client sees them: names and thresholds. */
import {
  ProductDocument,
  ProductsDocument,
  UpdateProductDocument,
  type UpdateProductInput,
} from '../../generated/operations.js';
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
