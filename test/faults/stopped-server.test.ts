import { closeClient } from '../support/graphql-client.js';
import { untilRowsAreWaitedFor } from '../support/innodb.js';
import { MysqlProxy } from '../support/mysql-proxy.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { brief, callStock, deduction } from '../support/stock-calls.js';

afterAll(closeClient);

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;
  let proxy: MysqlProxy;
  let stopped: ServerProcess;
  let other: ServerProcess;

  beforeAll(async () => {
    shop = await Shop.open();
    proxy = await MysqlProxy.start(shop.database.url);
    const LOCK_TTL_MS = '1000';
    [stopped, other] = await Promise.all([
      shop.startServer(stockLock, { LOCK_TTL_MS, MYSQL_URL: proxy.url }),
      shop.startServer(stockLock, { LOCK_TTL_MS }),
    ]);
  });

  afterAll(async () => {
    await Promise.all([stopped.stop(), other.stop()]);
    await proxy.stop();
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  test('[B3] [F6] an owner that is stopped beyond its lease after its decision cannot write it any more', async () => {
    const id = await shop.newProduct(10);
    // By then it has read that there are ten, and has decided to take them.
    const decided = proxy.holdAt(stockLock === 'database' ? /^SELECT.*stock_levels/s : /^UPDATE/);
    const late = callStock(stopped.graphqlUrl, deduction({ [id]: 10 }));
    await decided;
    stopped.signal('SIGSTOP');
    // Has its turn when the lease has run out.
    expect(brief(await callStock(other.graphqlUrl, deduction({ [id]: 7 })))).toEqual([3]);
    stopped.signal('SIGCONT');
    proxy.letGo();

    expect(brief(await late)).toEqual(['INSUFFICIENT_STOCK']);
    expect(await shop.onHand(id)).toBe(3);
    expect(brief(await callStock(stopped.graphqlUrl, deduction({ [id]: 3 })))).toEqual([0]);
  });

  test('an owner that is stopped right before COMMIT delays the others, and all get true answers', async () => {
    const id = await shop.newProduct(10);
    const written = proxy.holdAt(/^COMMIT/);
    const first = callStock(stopped.graphqlUrl, deduction({ [id]: 6 }));
    await written;
    stopped.signal('SIGSTOP');
    const second = callStock(other.graphqlUrl, deduction({ [id]: 3 }));
    const third = callStock(other.graphqlUrl, deduction({ [id]: 6 }));
    await untilRowsAreWaitedFor(shop.database.sequelize);
    stopped.signal('SIGCONT');
    proxy.letGo();

    expect(brief(await first)).toEqual([4]);
    expect([brief(await second), brief(await third)]).toEqual([[1], ['INSUFFICIENT_STOCK']]);
    expect(await shop.onHand(id)).toBe(1);
  });
});
