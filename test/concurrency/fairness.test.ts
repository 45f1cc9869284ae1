/**
 * Four processes that all want one product: the lock goes round among them, so none is served at the cost of another,
 * however large its own queue is.
 */
import { closeClient } from '../support/graphql-client.js';
import { heldOnce } from '../support/held-once.js';
import { hasMissedRedis, type ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction } from '../support/stock-calls.js';

const PROCESSES = 4;
const BUYERS_EACH = 25;
const DEDUCTIONS = 3_000;
/** A pause of one process takes from its share once; a lock that is not fair does so each time. */
const RUNS_MAX = 3;

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

/** How many deductions of a new product each process has served. */
async function sharesOf(id: string): Promise<readonly number[]> {
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
  return shares;
}

/** The tokens under which its lines were written, in their order; those without the lock have none. */
async function tokensOf(id: string): Promise<readonly bigint[]> {
  const deductions = (await shop.ledgerOf(id)).filter((line) => line.sequence > 1);
  const tokens = deductions.flatMap(({ fencingToken }) => fencingToken ?? []);
  if (!servers.some(hasMissedRedis)) expect(tokens).toHaveLength(deductions.length);
  return tokens.map(BigInt);
}

test('[B9] [F15] each process gets at least half of an equal share of a hot product, and serves it', async () => {
  const runs: (readonly number[])[] = [];
  const isFair = await heldOnce(RUNS_MAX, async () => {
    const id = await shop.newProduct(1_000_000);
    const shares = await sharesOf(id);
    runs.push(shares);
    // All of it under the lock: each line has the token of a lease, and tokens only grow along the ledger.
    const tokens = await tokensOf(id);
    expect(tokens.length).toBeGreaterThan(DEDUCTIONS / 2);
    expect(tokens.every((token, i) => token > 0n && token >= (tokens[i - 1] ?? 0n))).toBe(true);
    const equalShare = shares.reduce((sum, share) => sum + share, 0) / PROCESSES;
    return shares.every((share) => share >= equalShare / 2);
  });
  expect({ runs, isFair }).toMatchObject({ isFair: true });
  expect(await shop.problems()).toEqual([]);
});
