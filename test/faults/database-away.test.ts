import { startPrivateMysql } from '../../services/private-mysql.js';
import type { PrivateServer } from '../../services/private-server.js';
import { closeClient } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import {
  brief,
  callStock,
  createProduct,
  deduction,
  isFinal,
  linesOf,
  type Answer,
  type StockCall,
} from '../support/stock-calls.js';
import { checkStorm } from '../support/storm-checks.js';
import { until } from '../support/until.js';
import { chooseSeed, planStorm, runStorm } from '../support/storm.js';

/** Of the tests' own: others need theirs to stay. */
let mysql: PrivateServer;

beforeAll(async () => {
  mysql = await startPrivateMysql();
});

afterAll(async () => {
  closeClient();
  await mysql.stop();
});

/** So soon after the fault has ended every call must succeed again, without a restart. */
const RECOVERS_WITHIN_MS = 10_000;

async function askUntilFinal(server: ServerProcess, call: StockCall): Promise<Answer> {
  const giveUpMs = performance.now() + RECOVERS_WITHIN_MS;
  for (;;) {
    const answer = await callStock(server.graphqlUrl, call);
    if (isFinal(answer) || performance.now() > giveUpMs) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;

  beforeAll(async () => {
    shop = await Shop.open(mysql.url);
  });

  afterAll(async () => {
    await shop.close();
  });

  test('a database that is killed in a storm keeps every acknowledged line', async () => {
    const products = await shop.newProducts(8, 150);
    await shop.newLocation('annex');
    const initial = await shop.levels();
    const servers = await shop.startServers(3, stockLock, { LOCK_TTL_MS: '1000' });
    const seed = chooseSeed(`MySQL is killed, STOCK_LOCK=${stockLock}`);
    const plan = planStorm(seed, { operations: 250, products, locations: ['default', 'annex'] });
    const storm = await runStorm(plan, {
      targets: () => servers.map((server) => server.graphqlUrl),
      patienceMs: 40_000,
      incidents: [
        {
          at: 0.4,
          happens: async () => {
            await mysql.kill('SIGKILL');
            await mysql.restart();
          },
        },
      ],
    });
    // No process is restarted: each has reconnected.
    for (const [i, server] of servers.entries()) {
      const call = deduction({ 'nobody-knows': 1 }, { idempotencyKey: `back-${i}` });
      expect(brief(await askUntilFinal(server, call))).toEqual(['PRODUCT_NOT_FOUND']);
    }
    await Promise.all(servers.map((server) => server.stop()));
    const { wrong, counts } = await checkStorm(shop, initial, storm);
    expect(wrong).toEqual([]);
    expect(counts.linesApplied).toBeGreaterThan(0);
  });

  test('a read-only database gives UNAVAILABLE and applies nothing; calls succeed once it is writable', async () => {
    const server = await shop.startServer(stockLock);
    const id = await shop.newProduct(10);
    const call = deduction({ [id]: 4 }, { idempotencyKey: `read-only-${id}` });
    const { sequelize } = shop.database;
    await sequelize.query('SET GLOBAL super_read_only = ON');
    let answer: Answer;
    let made: string;
    try {
      answer = await callStock(server.graphqlUrl, call);
      made = await createProduct(server.graphqlUrl, { id: `made-${id}`, quantity: 1 });
    } finally {
      await sequelize.query('SET GLOBAL read_only = OFF');
    }

    expect(linesOf(answer)).toEqual([
      { outcome: 'REFUSED', index: 0, code: 'UNAVAILABLE', retryable: true, mayHaveApplied: false },
    ]);
    expect(made).toBe('UNAVAILABLE');
    expect(await shop.onHand(id)).toBe(10);
    expect(brief(await askUntilFinal(server, call))).toEqual([6]);
    expect(await createProduct(server.graphqlUrl, { id: `made-${id}`, quantity: 1 })).toBe(
      'Product',
    );
    expect(await shop.problems()).toEqual([]);
    await server.stop();
  });

  test('a database that is away gives UNAVAILABLE at once, and calls succeed once it is back', async () => {
    const server = await shop.startServer(stockLock);
    const id = await shop.newProduct(10);
    await mysql.kill('SIGKILL');
    const calls = Array.from({ length: 20 }, (_, buyer) =>
      deduction({ [id]: 1 }, { idempotencyKey: `away-${id}-${buyer}` }),
    );
    const answers = await Promise.all(calls.map((call) => callStock(server.graphqlUrl, call)));
    const ready = await fetch(`${server.origin}/ready`);
    const live = await fetch(`${server.origin}/live`);
    await mysql.restart();
    await until('the server is ready', async () => {
      return (await fetch(`${server.origin}/ready`)).status === 200;
    });

    for (const [line] of answers.map(linesOf)) {
      expect(line).toMatchObject({ code: 'UNAVAILABLE', retryable: true, mayHaveApplied: false });
    }
    expect([ready.status, live.status]).toEqual([503, 200]);
    expect(await ready.json()).toMatchObject({ ready: false, writes: 'away' });
    const settled = await Promise.all(calls.map((call) => askUntilFinal(server, call)));
    expect(settled.flatMap(brief).filter((outcome) => typeof outcome === 'number')).toHaveLength(
      10,
    );
    expect(await shop.onHand(id)).toBe(0);
    expect(await shop.problems()).toEqual([]);
    await server.stop();
  });
});
