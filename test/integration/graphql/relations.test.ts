/** Relations are read in batches: the number of statements grows with the relations, not with the products. */
import {
  CreateProductDocument,
  DeductStockDocument,
  IncreaseStockDocument,
  ProductsWithStockDocument,
} from '../../generated/operations.js';
import { dataOf, post } from '../../support/graphql-client.js';
import { useApp } from '../../support/use-app.js';

const IDS = Array.from({ length: 100 }, (_, i) => `p${String(i).padStart(3, '0')}`);

const app = useApp();

beforeAll(async () => {
  await app.shop.newLocation('north');
  await Promise.all(
    IDS.map((id) => app.dataOf(CreateProductDocument, { input: { id, name: id, quantity: 100 } })),
  );
  const items = IDS.map((productId) => ({ productId, quantity: 7, locationId: 'north' }));
  await app.dataOf(IncreaseStockDocument, { input: { items, mode: 'ALL_OR_NOTHING' } });
});

async function statementsOf(work: () => Promise<unknown>): Promise<string[]> {
  app.statements.length = 0;
  await work();
  return [...app.statements];
}

test('100 products with their levels and ledgers cost three statements, as one product does', async () => {
  const read = (first: number) => app.dataOf(ProductsWithStockDocument, { first, movements: 8 });
  const one = await statementsOf(() => read(1));
  const hundred = await statementsOf(async () => {
    const { nodes } = (await read(100)).products;
    expect(nodes.map((node) => node.id)).toEqual(IDS);
    for (const node of nodes) {
      expect(node.levels.map((level) => level.locationId)).toEqual(['default', 'north']);
      expect(node.movements.nodes.map((movement) => movement.id)).toEqual([
        `${node.id}/north/1`,
        `${node.id}/default/1`,
      ]);
    }
  });
  expect(one).toHaveLength(3);
  expect(hundred).toHaveLength(3);
});

test('different pages of the ledger cost one statement each, for any number of products', async () => {
  const query = `{ products(first: 40) { nodes {
    id newest: movements(first: 1) { nodes { id } } oldest: movements(last: 1) { nodes { id } }
  } } }`;
  const statements = await statementsOf(async () => {
    const response = await post<{
      products: { nodes: { newest: { nodes: object[] }; oldest: { nodes: object[] } }[] };
    }>(app.graphqlUrl, JSON.stringify({ query }));
    for (const { newest, oldest } of dataOf(response).products.nodes) {
      expect(newest.nodes).not.toEqual(oldest.nodes);
    }
  });
  expect(statements).toHaveLength(3);
});

test('the products of 100 lines are read with one statement after COMMIT', async () => {
  const items = IDS.map((productId) => ({ productId, quantity: 1 }));
  const input = { items, mode: 'ALL_OR_NOTHING' as const };
  const statements = await statementsOf(async () => {
    const { deductStock } = await app.dataOf(DeductStockDocument, { input });
    expect(deductStock.results).toHaveLength(100);
    for (const result of deductStock.results) {
      expect(result).toMatchObject({ remaining: 99, product: { available: 106 } });
    }
  });
  const commit = statements.findIndex((sql) => sql.includes('COMMIT'));
  expect(commit).toBeGreaterThan(0);
  const reads = statements.slice(commit + 1);
  expect(reads).toHaveLength(1);
  expect(reads[0]).toContain('FROM products');
});

test('one product in many lines is read once', async () => {
  const items = Array.from({ length: 20 }, () => ({ productId: 'p001', quantity: 1 }));
  const statements = await statementsOf(() =>
    app.dataOf(DeductStockDocument, { input: { items } }),
  );
  const reads = statements.filter((sql) => sql.includes('FROM products p'));
  expect(reads).toHaveLength(1);
});

test('fields that are not selected are not read', async () => {
  const query = 'query One($id: ID!) { product(id: $id) { id available } }';
  const body = JSON.stringify({ query, variables: { id: 'p001' } });
  expect(await statementsOf(() => post(app.graphqlUrl, body))).toHaveLength(1);
  const deduct = `mutation Take($input: DeductStockInput!) {
    deductStock(input: $input) { results { ... on DeductedItem { remaining } } }
  }`;
  const input = { items: [{ productId: 'p001', quantity: 1 }] };
  const take = JSON.stringify({ query: deduct, variables: { input } });
  const statements = await statementsOf(() => post(app.graphqlUrl, take));
  expect(statements.filter((sql) => sql.includes('FROM products p'))).toEqual([]);
  expect(statements.at(-1)).toContain('COMMIT');
});

test('the locations of all levels cost one statement', async () => {
  const query = `{ products(first: 100) { nodes { levels { id location { id name } } } } }`;
  const statements = await statementsOf(async () => {
    const response = await post<{
      products: { nodes: { levels: { id: string; location: { id: string; name: string } }[] }[] };
    }>(app.graphqlUrl, JSON.stringify({ query }));
    const { nodes } = dataOf(response).products;
    expect(nodes.map(({ levels }) => levels.map(({ location }) => location.id))).toEqual(
      IDS.map(() => ['default', 'north']),
    );
    expect(nodes[0]?.levels[0]).toEqual({
      id: `${IDS[0] ?? ''}/default`,
      location: { id: 'default', name: 'Default' },
    });
  });
  expect(statements).toHaveLength(3);
});
