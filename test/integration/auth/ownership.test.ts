/** A reservation belongs to the principal that made it. Other principals need the scope `manage` to read or end it. */
import { Operations } from '../../../src/inventory/operation.js';
import { derivedReservationId } from '../../../src/inventory/reservation.js';
import { systemRandomBytes } from '../../../src/time/clock.js';
import {
  CommitReservationDocument,
  ExtendReservationDocument,
  ReleaseReservationDocument,
  ReservationDocument,
  ReservationsDocument,
  ReserveStockDocument,
  type ReservationFilter,
} from '../../generated/operations.js';
import { bearer, newApiKey } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { dataOf, send } from '../../support/graphql-client.js';
import { useApp } from '../../support/use-app.js';

const app = useApp({
  NODE_ENV: 'production',
  REDIS_URL: givenUrl('REDIS_URL'),
  AUTH: 'keys',
});
let owner: string;
let other: string;
let staff: string;

beforeAll(async () => {
  owner = await newApiKey(app.database, 'owner', ['read', 'deduct']);
  other = await newApiKey(app.database, 'other', ['read', 'deduct']);
  staff = await newApiKey(app.database, 'staff', ['read', 'deduct', 'manage']);
});

async function reserve(productId: string, idempotencyKey?: string): Promise<string> {
  const input = { items: [{ productId, quantity: 2 }], ttlSeconds: 600, idempotencyKey };
  const options = { headers: bearer(owner) };
  const answer = dataOf(await send(app.graphqlUrl, ReserveStockDocument, { input }, options));
  const id = answer.reserveStock.reservation?.id;
  if (id === undefined) throw new Error('The reservation was not made.');
  return id;
}

async function read(id: string, credential: string) {
  const options = { headers: bearer(credential) };
  return dataOf(await send(app.graphqlUrl, ReservationDocument, { id }, options)).reservation;
}

async function commit(reservationId: string, credential: string, idempotencyKey?: string) {
  const input = { reservationId, idempotencyKey };
  const options = { headers: bearer(credential) };
  return dataOf(await send(app.graphqlUrl, CommitReservationDocument, { input }, options))
    .commitReservation;
}

async function release(reservationId: string, credential: string, idempotencyKey?: string) {
  const input = { reservationId, idempotencyKey };
  const options = { headers: bearer(credential) };
  return dataOf(await send(app.graphqlUrl, ReleaseReservationDocument, { input }, options))
    .releaseReservation;
}

async function extend(reservationId: string, credential: string) {
  const input = { reservationId, ttlSeconds: 1_200 };
  const options = { headers: bearer(credential) };
  return dataOf(await send(app.graphqlUrl, ExtendReservationDocument, { input }, options))
    .extendReservation;
}

test('a principal extends its own reservation, and with manage any; for others it does not exist', async () => {
  const id = await reserve(await app.shop.newProduct(5));
  const before = await read(id, owner);
  expect(await extend(id, other)).toEqual({
    __typename: 'ReservationNotFoundError',
    message: `No reservation has the id ${id}. Check the id.`,
  });
  expect(await read(id, owner)).toEqual(before);
  for (const credential of [owner, staff]) {
    expect(await extend(id, credential)).toMatchObject({ __typename: 'Reservation', id });
  }
  expect(await extend('no-such-one', staff)).toMatchObject({
    __typename: 'ReservationNotFoundError',
  });
});

test('for another principal a reservation does not exist, and it stays as it is', async () => {
  const product = await app.shop.newProduct(5);
  const id = await reserve(product);
  expect(await read(id, other)).toBeNull();
  for (const key of [undefined, `key-${product}`]) {
    expect(await commit(id, other, key)).toMatchObject({ __typename: 'ReservationNotFoundError' });
    expect(await release(id, other, key && `${key}-release`)).toMatchObject({
      __typename: 'ReservationNotFoundError',
    });
  }
  expect(await read(id, owner)).toMatchObject({ id, status: 'ACTIVE' });
  expect(await commit(id, owner)).toMatchObject({ __typename: 'ReservationCommitted' });
});

test('a refusal of another principal is kept under its key, also once the reservation has ended', async () => {
  const product = await app.shop.newProduct(5);
  const id = await reserve(product);
  const key = `kept-${product}`;
  expect(await commit(id, other, key)).toMatchObject({ __typename: 'ReservationNotFoundError' });
  expect(await commit(id, owner)).toMatchObject({ __typename: 'ReservationCommitted' });
  expect(await commit(id, other, key)).toMatchObject({ __typename: 'ReservationNotFoundError' });
});

test('with the scope manage a principal reads and ends every reservation', async () => {
  const product = await app.shop.newProduct(5);
  const first = await reserve(product);
  expect(await read(first, staff)).toMatchObject({ id: first, status: 'ACTIVE' });
  expect(await release(first, staff)).toMatchObject({ __typename: 'ReservationReleased' });
  expect(await read(first, owner)).toMatchObject({ status: 'RELEASED' });
  const second = await reserve(product);
  expect(await commit(second, staff, `staff-${product}`)).toMatchObject({
    __typename: 'ReservationCommitted',
  });
});

test('the id of a reservation cannot be computed from principal and key, and a replay tells it', async () => {
  const product = await app.shop.newProduct(5);
  const key = `guess-${product}`;
  const id = await reserve(product, key);
  const guess = derivedReservationId(
    new Operations(systemRandomBytes).identify('reserveStock', 'owner', key, []),
  );
  expect(guess).not.toBe(id);
  expect(await read(guess, staff)).toBeNull();
  expect(await reserve(product, key)).toBe(id);
});

async function list(credential: string, filter: ReservationFilter = {}): Promise<string[]> {
  const variables = { first: 100, filter };
  const options = { headers: bearer(credential) };
  const answer = dataOf(
    await send(app.graphqlUrl, ReservationsDocument, variables, options),
  ).reservations;
  return answer.edges.map(({ node }) => node.id);
}

test('a principal lists its own reservations, and with manage those of all, to find and end one', async () => {
  const product = await app.shop.newProduct(2);
  // It holds all there is of the product.
  const held = await reserve(product);
  expect(await list(owner)).toContain(held);
  expect(await list(other)).toEqual([]);
  expect(await list(other, { productId: product })).toEqual([]);
  expect(await list(owner, { productId: product })).toEqual([held]);
  expect(await list(staff)).toContain(held);

  expect(await list(staff, { productId: product, status: 'ACTIVE' })).toEqual([held]);
  expect(await release(held, staff)).toMatchObject({ __typename: 'ReservationReleased' });
  expect(await list(staff, { productId: product, status: 'ACTIVE' })).toEqual([]);
  expect(await list(staff, { productId: product, status: 'RELEASED' })).toEqual([held]);
  expect(await reserve(product)).not.toBe(held);
});

test('the list needs the scope read', async () => {
  const selling = await newApiKey(app.database, 'selling', ['deduct']);
  const answer = await send(app.graphqlUrl, ReservationsDocument, {}, { headers: bearer(selling) });
  expect(answer.errors?.[0]?.extensions?.code).toBe('FORBIDDEN');
});
