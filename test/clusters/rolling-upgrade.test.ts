/** Servers of the version before are replaced, one after another, under a storm of baskets. */
import { closeClient, leaveOut } from '../support/graphql-client.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { Shop, type StockLock } from '../support/shop.js';
import { checkStorm } from '../support/storm-checks.js';
import { chooseSeed, planStorm, runStorm } from '../support/storm.js';
import { givenUrl } from '../support/fresh-database.js';
import { versionBefore, type Version } from '../support/version-before.js';

afterAll(closeClient);

const before = versionBefore();
leaveOut(before?.unknownFields ?? []);
if (before) {
  test.each<StockLock>(['redis', 'none'])(
    'servers of two versions side by side lose, double and oversell nothing, under STOCK_LOCK=%s',
    (stockLock) => upgradeUnderStorm(before, stockLock),
  );
} else {
  test('a copy of the project without its history has no version before', () => {
    console.warn('Two versions are not tried side by side.');
    expect(before).toBeNull();
  });
}

async function upgradeUnderStorm(before: Version, stockLock: StockLock): Promise<void> {
  const shop = await Shop.open();
  await forget(shop, before.migrations);
  const products = await shop.newProducts(8, 150);
  const initial = await shop.levels();
  const env = {
    MYSQL_URL: shop.database.url,
    REDIS_URL: givenUrl('REDIS_URL'),
    STOCK_LOCK: stockLock,
  };
  const servers: ServerProcess[] = [];
  for (let i = 0; i < 3; i += 1) servers.push(await startServer(env, before.program));
  const replace = (i: number) => async () => {
    const old = servers[i];
    servers[i] = await startServer(env);
    await old?.stop();
  };
  const seed = chooseSeed(`rolling upgrade, STOCK_LOCK=${stockLock}`);
  const plan = planStorm(seed, { operations: 600, products, locations: ['default'] });

  const storm = await runStorm(plan, {
    clients: 16,
    patienceMs: 60_000,
    targets: () => servers.map((server) => server.graphqlUrl),
    incidents: [0.2, 0.4, 0.6].map((at, i) => ({ at, happens: replace(i) })),
  });
  await Promise.all(servers.map((server) => server.stop()));

  const { wrong, counts } = await checkStorm(shop, initial, storm);
  await shop.close();
  expect(wrong).toEqual([]);
  expect(counts.operations).toBe(plan.length);
  expect(counts.linesApplied).toBeGreaterThan(100);
}

/** As the version before has left the database, for what was only added since. */
async function forget({ database }: Shop, known: readonly string[]): Promise<void> {
  await database.sequelize.query('DROP TABLE commit_probes');
  await database.sequelize.query('DELETE FROM schema_migrations WHERE name NOT IN (?)', {
    replacements: [known],
  });
}
