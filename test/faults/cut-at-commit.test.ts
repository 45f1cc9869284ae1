import { closeClient } from '../support/graphql-client.js';
import { untilEachIsSeen } from '../support/interleavings.js';
import { MysqlProxy, type CommitFault } from '../support/mysql-proxy.js';
import type { ServerProcess } from '../support/server-process.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import {
  brief,
  callStock,
  createProduct,
  deduction,
  increase,
  linesOf,
  type StockCall,
} from '../support/stock-calls.js';

afterAll(closeClient);

const CUTS = ['CUT_BEFORE', 'CUT_DURING', 'CUT_AFTER'] as const;
/**
 * Of the server whose database falls silent, which is given up soon. Where a connection is cut a call must have the
 * time for its true answer, whatever else the machine does.
 */
const HASTY_MS = 1_500;

describe.each(STOCK_LOCKS)('under STOCK_LOCK=%s', (stockLock) => {
  let shop: Shop;
  let proxy: MysqlProxy;
  /** Its way to MySQL breaks. */
  let server: ServerProcess;
  /** Its way does not. */
  let other: ServerProcess;
  /** The way of this one falls silent. */
  let hasty: ServerProcess;
  let silent: MysqlProxy;

  beforeAll(async () => {
    shop = await Shop.open();
    proxy = await MysqlProxy.start(shop.database.url);
    silent = await MysqlProxy.start(shop.database.url);
    [server, other, hasty] = await Promise.all([
      shop.startServer(stockLock, { MYSQL_URL: proxy.url }),
      shop.startServer(stockLock),
      shop.startServer(stockLock, {
        MYSQL_URL: silent.url,
        REQUEST_TIMEOUT_MS: String(HASTY_MS),
      }),
    ]);
  });

  afterEach(() => {
    // A fault that did not happen would make a test pass that shows nothing.
    expect([proxy.faultsLeft, silent.faultsLeft]).toEqual([0, 0]);
  });

  afterAll(async () => {
    await Promise.all([server, other, hasty].map((one) => one.stop()));
    await Promise.all([proxy.stop(), silent.stop()]);
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  /** Everything that stands in the ledger of these products, besides how they began. */
  async function effects(...productIds: string[]): Promise<[string, number][]> {
    const lines = await shop.ledger();
    return lines
      .filter((line) => productIds.includes(line.productId) && line.kind !== 'INITIAL')
      .map((line) => [line.productId, line.delta]);
  }

  const calls: readonly [
    string,
    (units: Record<string, number>, rest: object) => StockCall,
    number,
  ][] = [
    ['deductStock', deduction, -1],
    ['increaseStock', increase, 1],
  ];

  describe.each(CUTS)('[B2] a connection that breaks at COMMIT (%s)', (fault) => {
    describe.each(calls)('of %s', (_, callOf, sign) => {
      describe.each(['PARTIAL', 'ALL_OR_NOTHING'])('in mode %s', (mode) => {
        test.each([
          ['with a key', true],
          ['without a key', false],
        ])('gives one true answer and has one effect, %s', async (_, keyed) => {
          const [a = '', b = ''] = await shop.newProducts(2, 10);
          const call = callOf(
            { [b]: 3, [a]: 2 },
            { mode, ...(keyed && { idempotencyKey: `key-${a}` }) },
          );
          proxy.atCommit(fault);
          const answer = await callStock(server.graphqlUrl, call);

          expect(answer).toMatchObject({ kind: 'ANSWERED', replayed: false });
          expect(brief(answer)).toEqual([10 + sign * 3, 10 + sign * 2]);
          expect(await effects(a, b)).toEqual([
            [a, sign * 2],
            [b, sign * 3],
          ]);
          if (!keyed) return;
          const again = await callStock(other.graphqlUrl, call);
          expect(again).toEqual({ ...answer, replayed: true });
          expect(await effects(a, b)).toHaveLength(2);
        });
      });
    });

    test('of createProduct still tells the creating call from a later one', async () => {
      const product = { id: `made-${stockLock}-${fault}`, quantity: 5 };
      proxy.atCommit(fault);
      expect(await createProduct(server.graphqlUrl, product)).toBe('Product');
      expect(await createProduct(other.graphqlUrl, product)).toBe('ProductAlreadyExistsError');
      expect(await shop.onHand(product.id)).toBe(5);
      expect(await shop.ledgerOf(product.id)).toHaveLength(1);
    });

    test('of createProduct beside another call with the same id leaves exactly one creator', async () => {
      await untilEachIsSeen(['created here', 'created there'], async (round) => {
        const id = `both-${stockLock}-${fault}-${round}`;
        proxy.atCommit(fault);
        const create = (at: ServerProcess, quantity: number, afterMs: number) =>
          new Promise((resolve) => setTimeout(resolve, afterMs)).then(() =>
            createProduct(at.graphqlUrl, { id, quantity }),
          );
        // One call leads in even rounds, the other in odd ones, by more from round to round.
        const leadMs = round * round;
        const here = create(server, 5, round % 2 === 0 ? 0 : leadMs);
        const there = create(other, 7, round % 2 === 0 ? leadMs : 0);
        const made = await Promise.all([here, there]);
        expect(made.toSorted()).toEqual(['Product', 'ProductAlreadyExistsError']);
        const isHere = made[0] === 'Product';
        expect(await shop.onHand(id)).toBe(isHere ? 5 : 7);
        // Where the other call was faster there was no COMMIT to cut.
        proxy.forgetFaults();
        return [isHere ? 'created here' : 'created there'];
      });
    });

    test('of a refusal gives the true refusal', async () => {
      const id = await shop.newProduct(1);
      proxy.atCommit(fault);
      const call = deduction({ [id]: 2 }, { idempotencyKey: `refused-${id}` });
      const answer = await callStock(server.graphqlUrl, call);
      expect(brief(answer)).toEqual(['INSUFFICIENT_STOCK']);
      expect(brief(await callStock(other.graphqlUrl, increase({ [id]: 5 })))).toEqual([6]);
      expect(await callStock(other.graphqlUrl, call)).toEqual({ ...answer, replayed: true });
    });

    test('of a replay is still a replay', async () => {
      const [a = '', b = ''] = await shop.newProducts(2, 10);
      const call = deduction(
        { [a]: 4, [b]: 11 },
        { idempotencyKey: `replay-${a}`, mode: 'ALL_OR_NOTHING' },
      );
      const first = await callStock(other.graphqlUrl, call);
      expect(brief(first)).toEqual(['ABORTED', 'INSUFFICIENT_STOCK']);
      proxy.atCommit(fault);
      expect(await callStock(server.graphqlUrl, call)).toEqual({ ...first, replayed: true });
    });

    test('twice in a row has one effect', async () => {
      const id = await shop.newProduct(10);
      proxy.atCommit(fault, fault);
      expect(brief(await callStock(server.graphqlUrl, deduction({ [id]: 4 })))).toEqual([6]);
      expect(await effects(id)).toEqual([[id, -4]]);
    });
  });

  describe.each([
    ['SILENT_BEFORE', 'has not carried out'],
    ['SILENT_AFTER', 'has carried out'],
  ] as [CommitFault, string][])('a COMMIT without an answer that the server %s', (fault, what) => {
    test(`(${what}) is UNAVAILABLE at the deadline and may have been applied; its key settles it`, async () => {
      const id = await shop.newProduct(10);
      const call = deduction({ [id]: 4 }, { idempotencyKey: `silent-${id}` });
      silent.atCommit(fault);
      const answer = await callStock(hasty.graphqlUrl, call);
      expect(linesOf(answer)).toEqual([
        {
          outcome: 'REFUSED',
          index: 0,
          code: 'UNAVAILABLE',
          retryable: true,
          mayHaveApplied: true,
        },
      ]);
      silent.heal();
      const settled = await callStock(other.graphqlUrl, call);
      expect(settled).toMatchObject({ kind: 'ANSWERED', replayed: fault === 'SILENT_AFTER' });
      expect(brief(settled)).toEqual([6]);
      expect(await callStock(hasty.graphqlUrl, call)).toEqual({ ...settled, replayed: true });
      expect(await effects(id)).toEqual([[id, -4]]);
    });

    test(`(${what}) is not to be retried without a key`, async () => {
      const id = await shop.newProduct(10);
      silent.atCommit(fault);
      const answer = await callStock(hasty.graphqlUrl, deduction({ [id]: 4 }));
      expect(linesOf(answer)).toEqual([
        {
          outcome: 'REFUSED',
          index: 0,
          code: 'UNAVAILABLE',
          retryable: false,
          mayHaveApplied: true,
        },
      ]);
      silent.heal();
      expect(await effects(id)).toEqual(fault === 'SILENT_AFTER' ? [[id, -4]] : []);
    });
  });

  test('a database that stops answering delays no caller beyond its deadline', async () => {
    const id = await shop.newProduct(10);
    await callStock(hasty.graphqlUrl, deduction({ [id]: 1 }));
    silent.fallSilent();
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => callStock(hasty.graphqlUrl, deduction({ [id]: 1 }))),
    );
    silent.heal();
    for (const [line] of answers.map(linesOf)) {
      expect(line).toMatchObject({ outcome: 'REFUSED', retryable: true, mayHaveApplied: false });
    }
    expect(await effects(id)).toHaveLength(1);
    expect(brief(await callStock(hasty.graphqlUrl, deduction({ [id]: 1 })))).toEqual([8]);
  });
});
