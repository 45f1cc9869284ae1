import { QueryTypes } from 'sequelize';
import { ReserveStockDocument } from '../generated/operations.js';
import { expireReservationsOf } from '../support/expired-reservations.js';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import { holdRow, untilRowsAreWaitedFor } from '../support/innodb.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { brief, callStock, deduction } from '../support/stock-calls.js';
import { checkStorm } from '../support/storm-checks.js';
import { chooseSeed, planStorm, runStorm } from '../support/storm.js';
import { until } from '../support/until.js';

afterAll(closeClient);

/** Short, so that a dead holder's lock is free soon. */
const LOCK_TTL_MS = '1000';

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;

  beforeEach(async () => {
    shop = await Shop.open();
  });

  afterEach(async () => {
    await shop.close();
  });

  test('[B13] [R16] a process killed in a storm loses no acknowledged line, and keys settle the others', async () => {
    const products = await shop.newProducts(8, 150);
    await shop.newLocation('annex');
    const initial = await shop.levels();
    const servers = await shop.startServers(3, stockLock, { LOCK_TTL_MS });
    const seed = chooseSeed(`a process is killed, STOCK_LOCK=${stockLock}`);
    const plan = planStorm(seed, { operations: 500, products, locations: ['default', 'annex'] });

    const storm = await runStorm(plan, {
      targets: () => servers.map((server) => server.graphqlUrl),
      incidents: [
        {
          at: 0.3,
          happens: async () => {
            await servers[1]?.kill('SIGKILL');
          },
        },
        {
          at: 0.6,
          happens: async () => {
            [servers[1]] = (await shop.startServers(1, stockLock, { LOCK_TTL_MS })) as [
              ServerProcess,
            ];
          },
        },
      ],
    });
    await Promise.all(servers.map((server) => server.stop()));

    const { wrong, counts } = await checkStorm(shop, initial, storm);
    expect(wrong).toEqual([]);
    // Clients that were connected to it, besides those that hung up.
    expect(counts.broken).toBeGreaterThan(
      storm.records.filter(({ operation }) => operation.hangsUpAfterMs).length,
    );
    expect(counts.linesApplied).toBeGreaterThan(0);
  });

  test('[F2] [R5] an owner killed in its transaction leaves no partial effect, and the next gets it', async () => {
    const id = await shop.newProduct(10);
    const [holder, next] = (await shop.startServers(2, stockLock, { LOCK_TTL_MS })) as [
      ServerProcess,
      ServerProcess,
    ];

    // The holder has the lock and waits in the middle of its transaction for a row that is not to be had.
    const held = await holdRow(shop.database.url, id);
    const lost = callStock(holder.graphqlUrl, deduction({ [id]: 1 }));
    await untilRowsAreWaitedFor(shop.database.sequelize);
    const waiting = callStock(next.graphqlUrl, deduction({ [id]: 1 }));
    await holder.kill('SIGKILL');
    await held.release();

    expect((await lost).kind).toBe('UNKNOWN');
    expect(brief(await waiting)).toEqual([9]);
    expect(await shop.onHand(id)).toBe(9);
    expect(await shop.problems()).toEqual([]);
    await next.stop();
  });

  test('another process completes a sweep whose process was killed', async () => {
    const id = await shop.newProduct(10);
    const { sequelize } = shop.database;
    const sweeping = await shop.startServer(stockLock, { LOCK_TTL_MS });
    const input = { items: [{ productId: id, quantity: 4 }], ttlSeconds: 600 };
    dataOf(await send(sweeping.graphqlUrl, ReserveStockDocument, { input }));
    const held = await holdRow(shop.database.url, id);
    // Not before the row is held: a sweep in between would need no other process.
    await expireReservationsOf(sequelize, id);
    await untilRowsAreWaitedFor(sequelize);
    await sweeping.kill('SIGKILL');
    await held.release();
    expect(await reservedOf(id)).toBe(4);

    const next = await shop.startServer(stockLock, { LOCK_TTL_MS });
    await until('nothing is reserved', async () => (await reservedOf(id)) === 0);
    expect(await shop.problems()).toEqual([]);
    await next.stop();
  });

  async function reservedOf(productId: string): Promise<number | undefined> {
    const [row] = await shop.database.sequelize.query<{ reserved: number }>(
      'SELECT reserved FROM stock_levels WHERE product_id = ?',
      { replacements: [productId], type: QueryTypes.SELECT },
    );
    return row?.reserved;
  }

  test('[F19] [R1] an owner whose work fails releases the lock at once', async () => {
    const id = await shop.newProduct(10);
    // Longer than anybody waits: if the lock were only free after its time, the second call would time out.
    const env = { LOCK_TTL_MS: '60000', LOCK_WAIT_MS: '5000' };
    const [holder, next] = (await shop.startServers(2, stockLock, env)) as [
      ServerProcess,
      ServerProcess,
    ];

    const { sequelize } = shop.database;
    await sequelize.query('RENAME TABLE stock_movements TO out_of_reach');
    expect(await callStock(holder.graphqlUrl, deduction({ [id]: 1 }))).toEqual({
      kind: 'FAULT',
      code: 'INTERNAL_SERVER_ERROR',
    });
    await sequelize.query('RENAME TABLE out_of_reach TO stock_movements');

    expect(brief(await callStock(next.graphqlUrl, deduction({ [id]: 1 })))).toEqual([9]);
    expect(await shop.problems()).toEqual([]);
    await Promise.all([holder.stop(), next.stop()]);
  });
});
