import { ProductsDocument } from '../generated/operations.js';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import {
  connectionsInTransaction,
  deadlocksIn,
  holdRow,
  untilRowsAreWaitedFor,
} from '../support/innodb.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { brief, callStock, deduction, isFinal, linesOf } from '../support/stock-calls.js';

afterAll(closeClient);

/** Room for a session's wait for a row, two seconds that MySQL ends up to a second late, and for a second try. */
const REQUEST_TIMEOUT_MS = '6000';
/** The same where the second try must succeed, and MySQL may end the wait some seconds late. */
const PATIENT_MS = '9000';
const COMMITS_MAX = 2;
/** A call without an answer by then hangs. */
const HANGS_AFTER_MS = 18_000;

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;
  let server: ServerProcess;

  beforeAll(async () => {
    shop = await Shop.open();
    server = await shop.startServer(stockLock, {
      REQUEST_TIMEOUT_MS,
      COMMITS_MAX: String(COMMITS_MAX),
    });
  });

  afterAll(async () => {
    await server.stop();
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  const ask = (call: Parameters<typeof callStock>[1], at = server) =>
    callStock(at.graphqlUrl, call, { signal: AbortSignal.timeout(HANGS_AFTER_MS) });

  const refused = { outcome: 'REFUSED', code: 'LOCK_TIMEOUT', retryable: true };

  test('[R12] a line whose row stays locked gets LOCK_TIMEOUT, and the other line is taken', async () => {
    const [a = '', b = ''] = await shop.newProducts(2, 10);
    const patient = await shop.startServer(stockLock, { REQUEST_TIMEOUT_MS: PATIENT_MS });
    const held = await holdRow(shop.database.url, b);
    try {
      const answer = await ask(deduction({ [b]: 2, [a]: 3 }), patient);
      expect(linesOf(answer)).toMatchObject([refused, { outcome: 'APPLIED', remaining: 7 }]);
    } finally {
      await held.release();
      await patient.stop();
    }
    expect(brief(await ask(deduction({ [b]: 2 })))).toEqual([8]);
    expect([await shop.onHand(a), await shop.onHand(b)]).toEqual([7, 8]);
  });

  test('[R12] with a key, the whole request can be sent again: each line is taken once', async () => {
    const [a = '', b = ''] = await shop.newProducts(2, 10);
    const held = await holdRow(shop.database.url, b);
    const call = deduction({ [b]: 2, [a]: 3 }, { idempotencyKey: `partial-${a}` });
    const [ofB, ofA] = linesOf(await ask(call));
    // A transaction that waits for b's row holds the key, so a's line may have waited for it in vain.
    const taken = ofA?.outcome === 'APPLIED';
    expect(await shop.onHand(a)).toBe(taken ? 7 : 10);
    await held.release();

    expect(ofB).toMatchObject(refused);
    expect(brief(await ask(call))).toEqual([8, 7]);
    expect([await shop.onHand(a), await shop.onHand(b)]).toEqual([7, 8]);
  });

  test('a row that stays locked delays only the requests for its product', async () => {
    const ids = await shop.newProducts(32, 10);
    const locked = 20;
    const held = await holdRow(shop.database.url, ids[locked] ?? '');
    const answers = await Promise.all(ids.map((id) => ask(deduction({ [id]: 1 }))));
    await held.release();
    const outcomes = answers.flatMap(brief);
    expect(outcomes).toEqual(ids.map((_, i) => (i === locked ? 'LOCK_TIMEOUT' : 9)));
  });

  test('all lines or none are none while one row stays locked, and all when it is free', async () => {
    const [a = '', b = ''] = await shop.newProducts(2, 10);
    const held = await holdRow(shop.database.url, b);
    const call = deduction(
      { [b]: 2, [a]: 3 },
      { mode: 'ALL_OR_NOTHING', idempotencyKey: `all-${a}` },
    );
    const answer = await ask(call);
    expect([await shop.onHand(a), await shop.onHand(b)]).toEqual([10, 10]);
    await held.release();

    expect(linesOf(answer)).toMatchObject([refused, refused]);
    expect(brief(await ask(call))).toEqual([8, 7]);
    expect([await shop.onHand(a), await shop.onHand(b)]).toEqual([7, 8]);
  });

  test.each(['QUERY', 'CONNECTION'])(
    'KILL %s during a deduction is repaired by a retry',
    async (what) => {
      const id = await shop.newProduct(10);
      const { sequelize } = shop.database;
      const held = await holdRow(shop.database.url, id);
      const answer = ask(deduction({ [id]: 4 }));
      await untilRowsAreWaitedFor(sequelize);
      const victims = await connectionsInTransaction(sequelize);
      const [victim] = victims.filter((connection) => connection !== held.connectionId);
      await sequelize.query(`KILL ${what} ${String(victim)}`);
      await held.release();

      expect(brief(await answer)).toEqual([6]);
      expect(await shop.ledgerOf(id)).toHaveLength(2);
    },
  );

  test('[B16] [R12] a transaction that a deadlock with another session rolled back is run again', async () => {
    const { sequelize } = shop.database;
    const round = async () => {
      const [a = '', b = ''] = await shop.newProducts(2, 10);
      const held = await holdRow(shop.database.url, b);
      await held.changeMuch();
      const answer = ask(deduction({ [a]: 1, [b]: 1 }, { mode: 'ALL_OR_NOTHING' }));
      // It has the row of a and waits for that of b; now the stranger wants a.
      await untilRowsAreWaitedFor(sequelize);
      await held.lock(a);
      await held.release();

      expect(brief(await answer)).toEqual([9, 9]);
      expect([...(await shop.ledgerOf(a)), ...(await shop.ledgerOf(b))]).toHaveLength(4);
    };
    expect(await deadlocksIn(sequelize, round)).toBe('OWN');
  });

  test('[B15] two hundred requests that wait for a row delay no read and hold few connections', async () => {
    const id = await shop.newProduct(200);
    const { sequelize } = shop.database;
    const held = await holdRow(shop.database.url, id);
    const calls = Array.from({ length: 200 }, (_, buyer) =>
      deduction({ [id]: 1 }, { idempotencyKey: `waits-${id}-${buyer}` }),
    );
    const buyers = calls.map((call) => ask(call));
    await untilRowsAreWaitedFor(sequelize);

    const reads = await Promise.all(
      Array.from({ length: 20 }, () =>
        send(
          server.graphqlUrl,
          ProductsDocument,
          {},
          { signal: AbortSignal.timeout(HANGS_AFTER_MS) },
        ),
      ),
    );
    for (const read of reads) expect(dataOf(read).products.edges.length).toBeGreaterThan(0);
    const writing = (await connectionsInTransaction(sequelize)).filter(
      (connection) => connection !== held.connectionId,
    );
    await held.release();

    expect(writing.length).toBeGreaterThan(0);
    expect(writing.length).toBeLessThanOrEqual(COMMITS_MAX);
    // Calls that timed out are repeated under the same key.
    const first = await Promise.all(buyers);
    let unserved = calls.filter((_, i) => !first[i] || !isFinal(first[i]));
    for (let round = 0; unserved.length > 0 && round < 10; round += 1) {
      const answers = await Promise.all(unserved.map((call) => ask(call)));
      unserved = unserved.filter((_, i) => !answers[i] || !isFinal(answers[i]));
    }
    expect(unserved).toEqual([]);
    expect(await shop.onHand(id)).toBe(0);
    expect(await shop.ledgerOf(id)).toHaveLength(1 + 200);
  });
});
