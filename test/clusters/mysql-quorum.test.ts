/** A member that has lost the others takes no writes, and the server says so: UNAVAILABLE, and /ready is 503. */
import type { MysqlCluster } from '../../services/mysql-cluster.js';
import { startGalera } from '../../services/mysql-galera.js';
import { startMysqlGroup } from '../../services/mysql-group.js';
import { ProductDocument } from '../generated/operations.js';
import { closeClient, send } from '../support/graphql-client.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { brief, callStock, deduction, isFinal, linesOf } from '../support/stock-calls.js';
import { until } from '../support/until.js';

afterAll(closeClient);

const GALERA = 'a Galera cluster';
const STARTS: readonly (readonly [string, () => Promise<MysqlCluster>])[] = [
  ['a group', () => startMysqlGroup({ mode: 'multi-primary' })],
  [GALERA, () => startGalera()],
];

test.each(STARTS)(
  'where two of three members of %s are killed, the answer is UNAVAILABLE and /ready is 503',
  async (kind, start) => {
    const cluster = await start();
    const [survivor, ...others] = cluster.members;
    if (!survivor) throw new Error('There are three members.');
    const shop = await Shop.open(survivor.url);
    const id = await shop.newProduct(10);
    const server = await startServer({
      MYSQL_URL: shop.database.url,
      STOCK_LOCK: 'none',
      REQUEST_TIMEOUT_MS: '4000',
    });
    const take = () => callStock(server.graphqlUrl, deduction({ [id]: 1 }));
    expect(brief(await take())).toEqual([9]);
    await until('it is ready', async () => (await statusOf(server)) === 200, 10_000);

    await Promise.all(others.map((member) => member.kill('SIGKILL')));
    await until('it is not ready', async () => (await statusOf(server)) === 503, 30_000);
    const answer = await take();
    expect(brief(answer)).toEqual(['UNAVAILABLE']);
    if (kind === GALERA) await recover();
    await server.kill('SIGKILL');
    await cluster.stop();

    async function recover(): Promise<void> {
      // The node refuses everything at once (1047), so nothing can have been applied.
      expect(linesOf(answer)).toMatchObject([{ retryable: true, mayHaveApplied: false }]);
      const { errors } = await send(server.graphqlUrl, ProductDocument, { id });
      expect(errors?.[0]?.extensions?.code).toBe('UNAVAILABLE');
      await survivor?.rejoin();
      await until('it takes writes again', async () => isFinal(await take()), 30_000);
      await until('it is ready again', async () => (await statusOf(server)) === 200, 10_000);
      expect(await shop.onHand(id)).toBe(8);
      expect(await shop.problems()).toEqual([]);
    }
  },
);

async function statusOf(server: ServerProcess): Promise<number> {
  const response = await fetch(`${server.origin}/ready`, { signal: AbortSignal.timeout(10_000) });
  await response.arrayBuffer();
  return response.status;
}
