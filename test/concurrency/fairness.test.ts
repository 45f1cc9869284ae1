/**
 * Four processes that all want one product: the lock goes round among them, so none is served at the cost of another,
 * however large its own queue is.
 */
import { closeClient } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction } from '../support/stock-calls.js';

const PROCESSES = 4;
const BUYERS_EACH = 25;
const DEDUCTIONS = 3_000;

let shop: Shop;
let servers: ServerProcess[] = [];

beforeAll(async () => {
  shop = await Shop.open();
  servers = await shop.startServers(PROCESSES, 'redis');
});

afterAll(async () => {
  closeClient();
  for (const server of servers) await server.stop();
  await shop.close();
});

test('[B9] [F15] each process gets at least half of an equal share of a hot product, and serves it', async () => {
  const id = await shop.newProduct(1_000_000);
  const shares = servers.map(() => 0);
  let begun = 0;
  const buyer = async ({ graphqlUrl }: ServerProcess, process: number) => {
    while (begun < DEDUCTIONS) {
      begun += 1;
      const answer = await callStock(graphqlUrl, deduction({ [id]: 1 }));
      expect(answer).toMatchObject({ kind: 'ANSWERED', lines: [{ outcome: 'APPLIED' }] });
      shares[process] = (shares[process] ?? 0) + 1;
    }
  };
  await Promise.all(
    servers.flatMap((server, process) =>
      Array.from({ length: BUYERS_EACH }, () => buyer(server, process)),
    ),
  );
  const equalShare = shares.reduce((sum, share) => sum + share, 0) / PROCESSES;
  for (const share of shares) expect(share).toBeGreaterThanOrEqual(equalShare / 2);
  expect(await shop.problems()).toEqual([]);

  // All of it under the lock: each line has the token of a lease, and tokens only grow along the ledger.
  const ledger = await shop.ledger();
  const tokens = ledger
    .filter((line) => line.sequence > 1)
    .map((line) => BigInt(line.fencingToken ?? -1));
  expect(tokens.every((token, i) => token > 0n && token >= (tokens[i - 1] ?? 0n))).toBe(true);
});
