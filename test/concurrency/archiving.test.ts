/** Several servers sell a product while one of them archives it: no later deduction is granted by any, ever. */
import { ArchiveProductDocument, RestoreProductDocument } from '../generated/operations.js';
import { closeClient, dataOf, send } from '../support/graphql-client.js';
import { STOCK_LOCKS, Shop } from '../support/shop.js';
import { callStock, deduction, linesOf, type LineAnswer } from '../support/stock-calls.js';

const SERVERS = 3;
const BUYERS_OF_EACH = 8;
const ROUNDS = 5;

let shop: Shop;

beforeAll(async () => {
  shop = await Shop.open();
});

afterAll(async () => {
  closeClient();
  const problems = await shop.problems();
  await shop.close();
  expect(problems).toEqual([]);
});

interface Bought {
  /** The product had been archived, and that answered, before the deduction was sent. */
  readonly isLate: boolean;
  readonly line: LineAnswer | undefined;
}

test.each(STOCK_LOCKS)(
  'a deduction that is sent after the answer to archiveProduct is refused by every server, %s',
  async (stockLock) => {
    const servers = await shop.startServers(SERVERS, stockLock);
    const [archiver] = servers;
    if (!archiver) throw new Error('No server was started.');
    for (let round = 0; round < ROUNDS; round += 1) {
      const id = await shop.newProduct(1_000_000);
      const state = { isArchived: false, isOver: false };
      const bought: Bought[] = [];
      const buyers = servers.flatMap(({ graphqlUrl }) =>
        Array.from({ length: BUYERS_OF_EACH }, async () => {
          while (!state.isOver) {
            const isLate = state.isArchived;
            const [line] = linesOf(await callStock(graphqlUrl, deduction({ [id]: 1 })));
            bought.push({ isLate, line });
          }
        }),
      );
      const countOf = (isLate: boolean) => bought.filter((b) => b.isLate === isLate).length;
      const atLeast = async (isLate: boolean) => {
        const from = countOf(isLate);
        while (countOf(isLate) < from + 3 * servers.length * BUYERS_OF_EACH) {
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      };
      await atLeast(false);
      const input = { input: { id } };
      const { archiveProduct } = dataOf(
        await send(archiver.graphqlUrl, ArchiveProductDocument, input),
      );
      state.isArchived = true;
      expect(archiveProduct.__typename).toBe('Product');
      await atLeast(true);
      state.isOver = true;
      await Promise.all(buyers);

      const late = bought.filter(({ isLate }) => isLate).map(({ line }) => line);
      expect(new Set(late.map((line) => line?.outcome === 'REFUSED' && line.code))).toEqual(
        new Set(['PRODUCT_ARCHIVED']),
      );
      const sold = bought.filter(({ line }) => line?.outcome === 'APPLIED').length;
      expect(sold).toBeGreaterThan(0);
      expect(await shop.onHand(id)).toBe(1_000_000 - sold);

      await send(archiver.graphqlUrl, RestoreProductDocument, input);
      for (const { graphqlUrl } of servers) {
        const [line] = linesOf(await callStock(graphqlUrl, deduction({ [id]: 1 })));
        expect(line?.outcome).toBe('APPLIED');
      }
    }
    await Promise.all(servers.map((server) => server.stop()));
  },
);
