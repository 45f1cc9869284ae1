/** `WORKERS=n`: several server processes behind one port, as an operator meets them. */
import { jest } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { createFreshDatabase, givenUrl, type FreshDatabase } from '../support/fresh-database.js';
import { closeClient, post } from '../support/graphql-client.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { until } from '../support/until.js';

jest.setTimeout(90_000);

const PATIENCE_MS = 30_000;

let fresh: FreshDatabase;
let server: ServerProcess | undefined;

beforeAll(async () => {
  fresh = await createFreshDatabase();
});

afterEach(async () => {
  await server?.kill('SIGKILL');
  server = undefined;
});

afterAll(async () => {
  closeClient();
  await fresh.drop();
});

function start(env: Record<string, string> = {}): Promise<ServerProcess> {
  return startServer({
    MYSQL_URL: fresh.url,
    REDIS_URL: givenUrl('REDIS_URL'),
    NODE_ENV: 'test',
    WORKERS: '3',
    LOG_LEVEL: 'info',
    ...env,
  });
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

function mutate(url: string, query: string) {
  return post<Record<string, unknown>>(url, JSON.stringify({ query }));
}

test('serve one stock together, are replaced when they die, and stop in order', async () => {
  server = await start();
  const { graphqlUrl, pid } = server;
  await until(
    'three workers',
    () => server?.output().includes('All workers serve') ?? false,
    PATIENCE_MS,
  );
  const workers = childrenOf(pid);
  expect(workers).toHaveLength(3);

  await mutate(
    graphqlUrl,
    'mutation { createProduct(input: { id: "w", name: "W", quantity: 60 }) { __typename } }',
  );
  const deduct = `mutation {
    deductStock(input: { items: [{ productId: "w", quantity: 1 }] }) { failedItems { index } }
  }`;
  const buy = async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => mutate(graphqlUrl, deduct)),
    );
    return responses.map((response) => response.data);
  };
  const all = [...(await buy())];
  const [victim = 0] = workers;
  process.kill(victim, 'SIGKILL');
  await until(
    'a new worker',
    () => {
      const now = childrenOf(pid);
      return now.length === 3 && !now.includes(victim);
    },
    PATIENCE_MS,
  );
  all.push(...(await buy()), ...(await buy()));
  expect(all).toEqual(Array.from({ length: 60 }, () => ({ deductStock: { failedItems: [] } })));
  const left = await mutate(graphqlUrl, '{ product(id: "w") { onHand } }');
  expect(left.data).toEqual({ product: { onHand: 0 } });
  expect((await fresh.verifyLedger()).problems).toEqual([]);

  const before = childrenOf(pid);
  await server.stop();
  for (const worker of before) expect(() => process.kill(worker, 0)).toThrow();
});

test('say once why they cannot start', async () => {
  const MYSQL_URL = 'mysql://nobody:secret@127.0.0.1:1/shop';
  await expect(start({ MYSQL_URL, MIGRATE_ON_START: 'true' })).rejects.toThrow(
    /MySQL cannot be reached/,
  );
  await expect(start({ REDIS_URL: 'nonsense' })).rejects.toThrow(/REDIS_URL must be/);
});
