/** What a client with the scope `deduct` may write: much, for one product, for none, and to keep. */
import { QueryTypes } from 'sequelize';
import { bearer } from '../support/api-keys.js';
import { post } from '../support/graphql-client.js';
import { useArena } from '../support/hostile-arena.js';

const arena = useArena();

const DEDUCT = `mutation D($input: DeductStockInput!) {
  deductStock(input: $input) { results { ... on FailedItem { error { __typename } } } }
}`;

interface Deducted {
  readonly deductStock: {
    readonly results: readonly { readonly error?: { readonly __typename: string } }[];
  };
}

async function flood(
  key: string,
  count: number,
  input: (i: number) => object,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  await Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const body = JSON.stringify({ query: DEDUCT, variables: { input: input(i) } });
      const { data, errors } = await post<Deducted>(arena.graphqlUrl, body, {
        headers: bearer(key),
      });
      for (const { error } of data?.deductStock.results ?? []) {
        const outcome = error?.__typename ?? 'taken';
        counts[outcome] = (counts[outcome] ?? 0) + 1;
      }
      for (const { extensions } of errors ?? []) {
        const code = String(extensions?.code);
        counts[code] = (counts[code] ?? 0) + 1;
      }
    }),
  );
  return counts;
}

function lines(productId: string): object[] {
  return Array.from({ length: 100 }, () => ({ productId, quantity: 1 }));
}

test('250 requests of 100 lines each for the product that an honest client buys', async () => {
  const key = await arena.key('flood', ['deduct']);
  const product = arena.victimProduct;
  const counts = await arena.withstands(
    () => flood(key, 250, () => ({ items: lines(product) })),
    'many connections',
  );
  expect(counts.INTERNAL_SERVER_ERROR).toBeUndefined();
});

test('400 requests of 100 lines with long keys for a product that does not exist cost 400 small rows', async () => {
  const key = await arena.key('filler', ['deduct']);
  const before = await storedBytes();
  await arena.withstands(
    () =>
      flood(key, 400, (i) => ({
        items: lines('no-such-product'),
        idempotencyKey: `${'k'.repeat(900)}-${i}`,
      })),
    'many connections',
  );
  expect((await storedBytes()) - before).toBeLessThan(2_000_000);
});

async function storedBytes(): Promise<number> {
  const { sequelize } = arena.shop.database;
  const tables = await sequelize.query<{ name: string }>(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()`,
    { type: QueryTypes.SELECT },
  );
  await sequelize.query(`ANALYZE TABLE ${tables.map(({ name }) => name).join(', ')}`);
  const [row] = await sequelize.query<{ bytes: string }>(
    `SELECT SUM(DATA_LENGTH + INDEX_LENGTH) AS bytes FROM information_schema.TABLES
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME LIKE 'stock\\_operation%'`,
    { type: QueryTypes.SELECT },
  );
  return Number(row?.bytes);
}

test('a key that reserves all units of a product: staff find the reservation and release it', async () => {
  const [hoarder, staff] = [
    await arena.key('hoarder', ['read', 'deduct']),
    await arena.key('staff', ['read', 'deduct', 'manage']),
  ];
  const product = await arena.shop.newProduct(50);
  const ask = <Data>(key: string, query: string) =>
    post<Data>(arena.graphqlUrl, JSON.stringify({ query }), { headers: bearer(key) });
  await arena.withstands(async () => {
    await ask(
      hoarder,
      `mutation { reserveStock(input: {
        items: [{productId: "${product}", quantity: 50}] ttlSeconds: 604800
      }) { reservation { id } } }`,
    );
    const found = await ask<{ reservations: { nodes: { id: string }[] } }>(
      staff,
      `{ reservations(first: 5, filter: {productId: "${product}", status: ACTIVE}) { nodes { id } } }`,
    );
    const [id] = found.data?.reservations.nodes.map((node) => node.id) ?? [];
    const released = await ask<{ releaseReservation: { __typename: string } }>(
      staff,
      `mutation { releaseReservation(input: {reservationId: "${String(id)}"}) { __typename } }`,
    );
    expect(released.data?.releaseReservation.__typename).toBe('ReservationReleased');
  });
});
