/** The pages of a list that looks at a bounded number of products, as a client meets them. */
import { ProductsDocument, type ProductsQuery } from '../../generated/operations.js';
import { useApp } from '../../support/use-app.js';

const app = useApp();
const TEN = Array.from({ length: 10 }, (_, d) => `SELECT ${d} AS d`).join(' UNION ALL ');

test('a page may be empty while the list goes on, and its cursors lead to what is low, both ways', async () => {
  const { sequelize } = app.database;
  // Each level is at or below the threshold, and their sum above it; of the last product it is not.
  await app.shop.newLocation('annex');
  const numbers = `(SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n
    FROM (${TEN}) AS a, (${TEN}) AS b, (${TEN}) AS c, (${TEN}) AS e) AS numbers`;
  await sequelize.query(
    `INSERT INTO products (id, name, low_stock_threshold) SELECT CONCAT('p', LPAD(n, 4, '0')), 'P', 5
     FROM ${numbers} WHERE n BETWEEN 1 AND 5000`,
  );
  for (const location of ['annex', 'default']) {
    await sequelize.query(
      `INSERT INTO stock_levels (product_id, location_id, low_stock_threshold)
       SELECT id, '${location}', 5 FROM products`,
    );
  }
  const level = { productId: 'p4990', locationId: 'annex' };
  await sequelize.query('UPDATE stock_levels SET on_hand = 3 WHERE product_id <> ?', {
    replacements: [level.productId],
  });
  const filter = { lowStock: true };
  const forward: number[] = [];
  const ids: string[] = [];
  for (let after: string | null | undefined = null; ;) {
    const variables = { first: 5, after, filter };
    const answer: ProductsQuery = await app.dataOf(ProductsDocument, variables);
    const { products } = answer;
    const { hasNextPage, endCursor } = products.pageInfo;
    forward.push(products.edges.length);
    ids.push(...products.edges.map(({ node }) => node.id));
    if (!hasNextPage) break;
    expect(endCursor).not.toBeNull();
    after = endCursor;
  }
  expect(ids).toEqual(['p4990']);
  expect(forward).toEqual([0, 0, 1]);

  const back = await app.dataOf(ProductsDocument, { last: 5, filter });
  expect(back.products.edges.map(({ node }) => node.id)).toEqual(['p4990']);
  const { hasPreviousPage, startCursor } = back.products.pageInfo;
  expect(hasPreviousPage).toBe(true);
  const before = startCursor;
  const further = await app.dataOf(ProductsDocument, { last: 5, before, filter });
  expect(further.products).toMatchObject({ edges: [], pageInfo: { hasPreviousPage: true } });
  expect(further.products.pageInfo.startCursor).not.toBe(before);
  // The ledger has no lines for what this test has written.
  await sequelize.query('DELETE FROM stock_levels');
});
