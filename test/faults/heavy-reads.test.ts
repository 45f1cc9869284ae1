/** Reads that take long delay no API key, no readiness check, no deduction and no recurring work. */
import { jest } from '@jest/globals';
import { ReservationDocument } from '../generated/operations.js';
import { bearer, newApiKey } from '../support/api-keys.js';
import { post, send } from '../support/graphql-client.js';
import { connectionsInTransaction, holdRow } from '../support/innodb.js';
import { lockTable, type LockedTable } from '../support/table-lock.js';
import { until } from '../support/until.js';
import { useApp } from '../support/use-app.js';

const POOL_MAX = 6;
const COMMITS_MAX = 2;
const READERS = POOL_MAX - COMMITS_MAX - 2;
/** The reads take until the table is let go: what waits for them is never soon. */
const SOON_MS = 5_000;

const app = useApp({
  AUTH: 'keys',
  MYSQL_POOL_MAX: String(POOL_MAX),
  COMMITS_MAX: String(COMMITS_MAX),
});
let key: string;
let locked: LockedTable;

beforeAll(async () => {
  key = await newApiKey(app.database, 'shop', ['read', 'deduct']);
});

/** More reads than there are connections for them, all of which wait at the server. */
async function readForLong(): Promise<Promise<unknown>[]> {
  locked = await lockTable(app.database.url, 'reservations', app.database.sequelize);
  const reads = Array.from({ length: 4 * READERS }, () =>
    send(app.graphqlUrl, ReservationDocument, { id: 'r1' }, { headers: bearer(key) }),
  );
  await locked.untilWaiting(READERS);
  return reads;
}

async function timeOf<T>(work: () => Promise<T>): Promise<{ value: T; tookMs: number }> {
  const beganMs = performance.now();
  const value = await work();
  return { value, tookMs: performance.now() - beganMs };
}

test('while every connection for reads is busy, keys are read, /ready answers, and stock is deducted', async () => {
  const id = await app.shop.newProduct(5);
  const reads = await readForLong();
  try {
    const ready = await timeOf(() => fetch(`${app.origin}/ready`));
    expect(ready.value.status).toBe(200);
    expect(ready.tookMs).toBeLessThan(SOON_MS);

    const query = `mutation { deductStock(input: { items: [{ productId: "${id}", quantity: 2 }] }) {
      results { ... on DeductedItem { remaining } }
    } }`;
    const body = JSON.stringify({ query });
    const deducted = await timeOf(() => post(app.graphqlUrl, body, { headers: bearer(key) }));
    expect(deducted.value.data).toEqual({ deductStock: { results: [{ remaining: 3 }] } });
    expect(deducted.tookMs).toBeLessThan(SOON_MS);

    const unknown = await timeOf(() => {
      return post(app.graphqlUrl, body, { headers: bearer('sk_000000000000.unknown') });
    });
    expect(unknown.value.status).toBe(401);
    expect(unknown.tookMs).toBeLessThan(SOON_MS);
    expect(await locked.waiting()).toHaveLength(READERS);
  } finally {
    await locked.release();
    await Promise.allSettled(reads);
  }
});

test.each(['hangs up', 'has no time left'])(
  'when a client %s, its statement ends soon, and others are served',
  async (how) => {
    // Where the client hangs up, nothing else may end the statement so soon.
    const REQUEST_TIMEOUT_MS = how === 'hangs up' ? '60000' : '1500';
    const server = await app.startAnother({ AUTH: 'keys', REQUEST_TIMEOUT_MS });
    const client = new AbortController();
    const options = { headers: bearer(key), signal: client.signal };
    locked = await lockTable(app.database.url, 'reservations', app.database.sequelize);
    try {
      const reading = send(server.graphqlUrl, ReservationDocument, { id: 'r1' }, options).catch(
        () => null,
      );
      await locked.untilWaiting(1);
      if (how === 'hangs up') client.abort();
      const answer = await reading;
      if (how !== 'hangs up') expect(answer?.errors?.[0]?.extensions?.code).toBe('UNAVAILABLE');
      await until('it has ended', async () => (await locked.waiting()).length === 0, SOON_MS);
    } finally {
      await locked.release();
    }
    const next = await send(
      server.graphqlUrl,
      ReservationDocument,
      { id: 'r1' },
      { headers: bearer(key) },
    );
    expect(next.data).toEqual({ reservation: null });
    expect(server.logged.filter(({ level }) => level >= 50)).toEqual([]);
    await server.stop();
  },
);

test('a deduction that waits for a row when its time is up leaves no statement behind', async () => {
  // Sequelize warns of the connection that was cut.
  jest.spyOn(console, 'warn').mockReturnValue();
  const server = await app.startAnother({ AUTH: 'keys', REQUEST_TIMEOUT_MS: '1000' });
  const id = await app.shop.newProduct(5);
  const held = await holdRow(app.database.url, id);
  try {
    const query = `mutation { deductStock(input: { items: [{ productId: "${id}", quantity: 2 }] }) {
      results { ... on FailedItem { error { code } } }
    } }`;
    const body = JSON.stringify({ query });
    const { value } = await timeOf(() => post(server.graphqlUrl, body, { headers: bearer(key) }));
    const error = { code: 'UNAVAILABLE' };
    expect(value.data).toEqual({ deductStock: { results: [{ error }] } });
    const others = async () => {
      const connections = await connectionsInTransaction(app.database.sequelize);
      return connections.filter((connection) => connection !== held.connectionId);
    };
    // InnoDB looks after its waits once a second, and later where the machine stands still.
    await until('no transaction is left', async () => (await others()).length === 0, 10_000);
  } finally {
    await held.release();
  }
  expect(await app.shop.onHand(id)).toBe(5);
  await server.stop();
});
