import { closeClient } from '../support/graphql-client.js';
import { holdRow, untilRowsAreWaitedFor } from '../support/innodb.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { brief, callStock, deduction } from '../support/stock-calls.js';

afterAll(closeClient);

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  test('[B13] SIGTERM under load: accepted requests are answered, the locks are free, the exit code is 0', async () => {
    const shop = await Shop.open();
    const id = await shop.newProduct(200);
    // Longer than anybody waits: a lock that is not given back is noticed.
    const env = { LOCK_TTL_MS: '60000', LOCK_WAIT_MS: '20000', REQUEST_TIMEOUT_MS: '30000' };
    const [leaving, staying] = await Promise.all([
      shop.startServer(stockLock, env),
      shop.startServer(stockLock, env),
    ]);

    const held = await holdRow(shop.database.url, id);
    const answers = Array.from({ length: 100 }, () =>
      callStock(leaving.graphqlUrl, deduction({ [id]: 1 })),
    );
    await untilRowsAreWaitedFor(shop.database.sequelize);
    // Turn after turn of the server's event loop, so that all that was sent before has arrived.
    for (let turn = 0; turn < 5; turn += 1) await fetch(`${leaving.origin}/live`);
    const exit = leaving.kill('SIGTERM');
    await held.release();

    const remaining = (await Promise.all(answers))
      .flatMap(brief)
      .sort((a, b) => Number(b) - Number(a));
    expect(remaining).toEqual(Array.from({ length: 100 }, (_, i) => 199 - i));
    expect(await exit).toBe(0);
    expect((await callStock(leaving.graphqlUrl, deduction({ [id]: 1 }))).kind).toBe('UNKNOWN');
    expect(brief(await callStock(staying.graphqlUrl, deduction({ [id]: 1 })))).toEqual([99]);
    await staying.stop();
    expect(await shop.problems()).toEqual([]);
    await shop.close();
  });
});
