/** Parsed documents in a server with a small heap: what a hostile client sends is not held, what others send is. */
import { createFreshDatabase, type FreshDatabase } from '../../support/fresh-database.js';
import { closeClient, post } from '../../support/graphql-client.js';
import { startServer, type ServerProcess } from '../../support/server-process.js';
import { until } from '../../support/until.js';

const MEGABYTE = 1_048_576;

let database: FreshDatabase;
let server: ServerProcess;

beforeAll(async () => {
  database = await createFreshDatabase();
  server = await startServer({
    MYSQL_URL: database.url,
    STOCK_LOCK: 'none',
    NODE_OPTIONS: '--max-old-space-size=96 --import=./test/support/heap-report.mjs',
  });
});

afterAll(async () => {
  await server.stop();
  closeClient();
  await database.drop();
});

async function heapBytes(): Promise<number> {
  const reports = () => [...server.output().matchAll(/^heap (\d+)$/gm)];
  const before = reports().length;
  server.signal('SIGUSR2');
  await until('a report of the heap', () => reports().length > before);
  return Number(reports().at(-1)?.[1]);
}

async function lookups(): Promise<Record<'hit' | 'miss', number>> {
  const text = await (await fetch(`${server.origin}/metrics`)).text();
  const count = (outcome: string) => {
    const line = new RegExp(
      `^stockade_document_lookups_total\\{outcome="${outcome}"\\} (\\d+)$`,
      'm',
    );
    return Number(line.exec(text)?.[1]);
  };
  return { hit: count('hit'), miss: count('miss') };
}

async function ask(query: string): Promise<void> {
  const { status, errors } = await post(server.graphqlUrl, JSON.stringify({ query }));
  expect({ status, errors }).toEqual({ status: 200, errors: undefined });
}

const HONEST = Array.from(
  { length: 20 },
  (_, i) => `query Honest${i} { product(id: "a") { id name } }`,
);

test.each<[what: string, count: number, times: number, text: (i: number) => string]>([
  [
    'of 99 kB, nearly all comments',
    200,
    1,
    (i) => `query H${i} { __typename }\n${'#\n'.repeat(33_000)}`,
  ],
  [
    'of 99 kB, each sent twice',
    100,
    2,
    (i) => `query T${i} { __typename }\n${'#\n'.repeat(33_000)}`,
  ],
  [
    'of almost 10 kB and almost 1,000 tokens, each sent twice',
    150,
    2,
    (i) => `query D${i} { ${'... {__typename}'.repeat(190)} }${'#'.repeat(6_500)}`,
  ],
])(
  'unique documents %s: the heap does not grow, and what others send stays in the store',
  async (_, count, times, text) => {
    for (let round = 0; round < 5; round += 1) await Promise.all(HONEST.map(ask));
    const heapBefore = await heapBytes();
    const before = await lookups();
    let honest = 0;
    for (let i = 0; i < count; i += 1) {
      for (let time = 0; time < times; time += 1) await ask(text(i));
      await ask(HONEST[i % HONEST.length] ?? '');
      honest += 1;
    }
    const after = await lookups();
    expect(after.hit - before.hit).toBeGreaterThanOrEqual(honest);
    expect(after.miss - before.miss).toBeLessThanOrEqual(count * times);
    await Promise.all(HONEST.map(ask));
    expect(await lookups()).toEqual({ ...after, hit: after.hit + HONEST.length });
    expect((await heapBytes()) - heapBefore).toBeLessThan(24 * MEGABYTE);
  },
);
