import { closeClient } from '../support/graphql-client.js';
import { hasMissedRedis } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { checkStorm } from '../support/storm-checks.js';
import { chooseSeed, planStorm, runStorm } from '../support/storm.js';

afterAll(closeClient);

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  test('[R2] [R4] [R15] a storm of baskets over three processes loses, doubles and oversells nothing', async () => {
    const shop = await Shop.open();
    const products = await shop.newProducts(8, 150);
    await shop.newLocation('annex');
    const initial = await shop.levels();
    const servers = await shop.startServers(3, stockLock);
    const seed = chooseSeed(`storm, STOCK_LOCK=${stockLock}`);
    const plan = planStorm(seed, { operations: 600, products, locations: ['default', 'annex'] });

    const storm = await runStorm(plan, {
      targets: () => servers.map((server) => server.graphqlUrl),
    });
    // What is under way for clients that hung up ends before the processes do.
    await Promise.all(servers.map((server) => server.stop()));

    const { wrong, counts } = await checkStorm(shop, initial, storm);
    const tokens = (await shop.ledger())
      .filter(({ kind }) => kind === 'DEDUCTION')
      .map(({ fencingToken }) => fencingToken);
    await shop.close();
    expect(wrong).toEqual([]);
    const underLock = tokens.filter((token) => token !== null).length;
    if (stockLock !== 'redis') expect(underLock).toBe(0);
    else if (servers.some(hasMissedRedis)) expect(underLock).toBeGreaterThan(tokens.length / 2);
    else expect(underLock).toBe(tokens.length);
    expect(counts.operations).toBe(plan.length);
    // A storm in which nothing happens would pass as well.
    for (const count of [counts.linesApplied, counts.linesRefused, counts.broken]) {
      expect(count).toBeGreaterThan(0);
    }
    // Each of them was true at a moment of its call.
    expect(counts.refusalsJustified).toBeGreaterThan(10);
    expect(counts.readsJustified).toBeGreaterThan(10);
  });
});
