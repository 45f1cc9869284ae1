/**
 * Reservations under contention, through several processes: a flash sale, an end and an expiry that race, and
 * everything against everything, with the ledger and what is held verified after each.
 */
import {
  CommitReservationDocument,
  DeductStockDocument,
  ExtendReservationDocument,
  ReleaseReservationDocument,
  ReserveStockDocument,
  SetStockDocument,
  TransferStockDocument,
} from '../generated/operations.js';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import { deadlocksIn } from '../support/innodb.js';
import { untilEachIsSeen } from '../support/interleavings.js';
import { SeededRandom } from '../../src/simulation/seeded-random.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';

afterAll(closeClient);

/** A crowd on a slow machine shall be answered by stock, not by the clock. */
const PATIENT = { LOCK_WAIT_MS: '40000', REQUEST_TIMEOUT_MS: '50000' };

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;
  let servers: ServerProcess[];

  beforeAll(async () => {
    shop = await Shop.open();
    servers = await shop.startServers(3, stockLock, PATIENT);
    await shop.newLocation('north');
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  const urlOf = (buyer: number) => servers[buyer % servers.length]?.graphqlUrl ?? '';

  async function reserve(buyer: number, productIds: readonly string[], ttlSeconds = 900) {
    const items = productIds.map((productId) => ({ productId, quantity: 1 }));
    const input = { items, ttlSeconds };
    return dataOf(await send(urlOf(buyer), ReserveStockDocument, { input })).reserveStock;
  }

  async function commit(buyer: number, reservationId: string) {
    const input = { reservationId };
    return dataOf(await send(urlOf(buyer), CommitReservationDocument, { input })).commitReservation;
  }

  async function release(buyer: number, reservationId: string) {
    const input = { reservationId };
    return dataOf(await send(urlOf(buyer), ReleaseReservationDocument, { input }))
      .releaseReservation;
  }

  async function extend(buyer: number, reservationId: string, ttlSeconds = 900) {
    const input = { reservationId, ttlSeconds };
    return dataOf(await send(urlOf(buyer), ExtendReservationDocument, { input })).extendReservation;
  }

  async function deduct(buyer: number, productId: string, quantity = 1) {
    const input = { items: [{ productId, quantity }] };
    const { deductStock } = dataOf(await send(urlOf(buyer), DeductStockDocument, { input }));
    return deductStock.results[0]?.__typename;
  }

  test('[R2] [R9] of a thousand reservations of a hundred units exactly a hundred are made and committed', async () => {
    const id = await shop.newProduct(100);
    const answers = await Promise.all(
      Array.from({ length: 1_000 }, (_, buyer) => reserve(buyer, [id])),
    );
    const winners = answers.flatMap(({ reservation }) => (reservation ? [reservation.id] : []));
    expect(new Set(winners).size).toBe(100);
    const reasons = answers.flatMap(({ failedItems }) => failedItems.map((i) => i.error.code));
    expect(reasons).toEqual(Array(900).fill('INSUFFICIENT_STOCK'));
    const commits = await Promise.all(winners.map((winner, buyer) => commit(buyer, winner)));
    expect(new Set(commits.map(({ __typename }) => __typename))).toEqual(
      new Set(['ReservationCommitted']),
    );
    expect(await shop.onHand(id)).toBe(0);
    expect(await shop.problems()).toEqual([]);
  });

  test('[R13] of a commit and an expiry at the same moment exactly one takes effect', async () => {
    await aroundExpiry('committed', commitAtExpiry);
  });

  test('of an extension and an expiry at the same moment exactly one takes effect', async () => {
    await aroundExpiry('extended', extendAtExpiry);
  });

  /** Until the reservation was saved in one round or case, and has expired in another. */
  async function aroundExpiry(
    saved: string,
    race: (id: string, at: number, shiftMs: number) => Promise<string>,
  ) {
    let shiftMs = 0;
    await untilEachIsSeen([saved, 'expired'], async () => {
      const ids = await shop.newProducts(12, 1);
      const outcomes = await Promise.all(ids.map((id, at) => race(id, at, shiftMs)));
      // Where one side always came first, the next round begins earlier or later.
      if (!outcomes.includes('expired')) shiftMs += 15;
      if (!outcomes.includes(saved)) shiftMs -= 15;
      return outcomes;
    });
  }

  /** Reserves the only unit for a second, and waits for about the moment of the expiry. */
  async function reserveUntilExpiry(id: string, at: number, shiftMs: number) {
    const { reservation } = await reserve(at, [id], 1);
    if (!reservation) throw new Error('There was one unit.');
    const leftMs = Date.parse(reservation.expiresAt) - Date.now();
    await new Promise((resolve) => setTimeout(resolve, leftMs - 12 + at * 2 + shiftMs));
    return reservation.id;
  }

  /** Extends around the moment of the expiry, while other buyers want the same unit. */
  async function extendAtExpiry(id: string, at: number, shiftMs: number) {
    const reservationId = await reserveUntilExpiry(id, at, shiftMs);
    const [extended, ...bought] = await Promise.all([
      extend(at, reservationId),
      deduct(at + 1, id),
      deduct(at + 2, id),
    ]);
    const isBought = (await deduct(at, id)) === 'DeductedItem' || bought.includes('DeductedItem');
    const isExtended = extended.__typename === 'Reservation';
    expect(isBought).toBe(!isExtended);
    const end = await commit(at + 1, reservationId);
    expect(end).toMatchObject(
      isExtended
        ? { __typename: 'ReservationCommitted' }
        : { __typename: 'ReservationNotActiveError', status: 'EXPIRED' },
    );
    expect(await shop.onHand(id)).toBe(0);
    return isExtended ? 'extended' : 'expired';
  }

  /** Commits around the moment of the expiry, while another buyer wants the same unit. */
  async function commitAtExpiry(id: string, at: number, shiftMs: number) {
    const reservationId = await reserveUntilExpiry(id, at, shiftMs);
    const [end, bought] = await Promise.all([commit(at, reservationId), deduct(at + 1, id)]);
    const isCommitted = end.__typename === 'ReservationCommitted';
    const isBought = bought === 'DeductedItem';
    expect(isCommitted && isBought).toBe(false);
    expect(await shop.onHand(id)).toBe(isCommitted || isBought ? 0 : 1);
    return isCommitted ? 'committed' : 'expired';
  }

  test('of a commit and a release at the same moment exactly one takes effect', async () => {
    await untilEachIsSeen(['committed', 'released'], async () => {
      const id = await shop.newProduct(20);
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, async (_, buyer) => {
          const { reservation } = await reserve(buyer, [id]);
          const reservationId = reservation?.id ?? '';
          const [byCommit, byRelease] = await Promise.all([
            commit(buyer, reservationId),
            release(buyer + 1, reservationId),
          ]);
          const isCommitted = byCommit.__typename === 'ReservationCommitted';
          expect([byCommit.__typename, byRelease.__typename]).toEqual(
            isCommitted
              ? ['ReservationCommitted', 'ReservationNotActiveError']
              : ['ReservationNotActiveError', 'ReservationReleased'],
          );
          return isCommitted ? 'committed' : 'released';
        }),
      );
      const committed = outcomes.filter((outcome) => outcome === 'committed').length;
      expect(await shop.onHand(id)).toBe(20 - committed);
      return outcomes;
    });
  });

  test('a reservation that has ended is not extended, and one that was extended is ended', async () => {
    await untilEachIsSeen(['first extended', 'first ended'], async () => {
      const id = await shop.newProduct(20);
      return Promise.all(
        Array.from({ length: 20 }, async (_, buyer) => {
          const { reservation } = await reserve(buyer, [id]);
          const reservationId = reservation?.id ?? '';
          const [end, extended] = await Promise.all([
            buyer % 2 ? commit(buyer, reservationId) : release(buyer, reservationId),
            extend(buyer + 1, reservationId),
          ]);
          const status = buyer % 2 ? 'COMMITTED' : 'RELEASED';
          expect(end.__typename).toBe(buyer % 2 ? 'ReservationCommitted' : 'ReservationReleased');
          expect(await extend(buyer, reservationId)).toMatchObject({ status });
          if (extended.__typename === 'Reservation') return 'first extended';
          expect(extended).toMatchObject({ __typename: 'ReservationNotActiveError', status });
          return 'first ended';
        }),
      );
    });
  });

  async function allOperationsAtOnce() {
    const ids = await shop.newProducts(4, 40);
    const random = new SeededRandom(20_261_125);
    const pick = <T>(from: readonly T[]): T => from[random.integer(0, from.length - 1)] as T;
    const open: string[] = [];
    await Promise.all(
      Array.from({ length: 240 }, async (_, at) => {
        const [a, b] = [pick(ids), pick(ids)];
        const kind = pick([
          'reserve',
          'basket',
          'extend',
          'end',
          'deduct',
          'move',
          'count',
        ] as const);
        if (kind === 'reserve' || kind === 'basket') {
          const wanted = kind === 'basket' ? [a, b] : [a];
          const { reservation } = await reserve(at, wanted, pick([1, 900]));
          if (reservation) open.push(reservation.id);
        } else if (kind === 'extend') {
          await extend(at, open.at(-1) ?? 'no-reservation', pick([1, 900]));
        } else if (kind === 'end') {
          const id = open.pop() ?? 'no-reservation';
          await (at % 2 ? commit(at, id) : release(at, id));
        } else if (kind === 'deduct') {
          await deduct(at, a);
        } else if (kind === 'move') {
          const [from, to] = at % 2 ? ['default', 'north'] : ['north', 'default'];
          const input = { productId: a, fromLocationId: from, toLocationId: to, quantity: 1 };
          dataOf(await send(urlOf(at), TransferStockDocument, { input }));
        } else {
          const input = { productId: a, quantity: 40, changeFromQuantity: null };
          dataOf(await send(urlOf(at), SetStockDocument, { input }));
        }
      }),
    );
  }

  test('[R10] all operations at once never deadlock over levels, and the ledger explains every unit', async () => {
    expect(await deadlocksIn(shop.database.sequelize, allOperationsAtOnce)).toBe('NONE');
    expect(await shop.problems()).toEqual([]);
  });
});
