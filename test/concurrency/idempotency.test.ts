import { closeClient } from '../support/graphql-client.js';
import { idempotencyContract } from '../support/idempotency-contract.js';
import { holdRow, untilRowsAreWaitedFor } from '../support/innodb.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { brief, callStock, deduction } from '../support/stock-calls.js';

afterAll(closeClient);

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;
  let servers: ServerProcess[];

  beforeAll(async () => {
    shop = await Shop.open();
    servers = await shop.startServers(3, stockLock, { LOCK_TTL_MS: '1000' });
  });

  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  idempotencyContract(() => ({ shop, servers }));

  test('[R16] a key whose first call died with its process has one effect when it is sent again', async () => {
    const id = await shop.newProduct(10);
    const victim = await shop.startServer(stockLock, { LOCK_TTL_MS: '1000' });
    const call = deduction({ [id]: 4 }, { idempotencyKey: `killed-${id}` });
    const held = await holdRow(shop.database.url, id);
    const lost = callStock(victim.graphqlUrl, call);
    await untilRowsAreWaitedFor(shop.database.sequelize);
    await victim.kill('SIGKILL');
    await held.release();

    expect((await lost).kind).toBe('UNKNOWN');
    const answers = await Promise.all(servers.map(({ graphqlUrl }) => callStock(graphqlUrl, call)));
    for (const answer of answers) expect(brief(answer)).toEqual([6]);
    expect(await shop.ledgerOf(id)).toHaveLength(2);
  });
});
