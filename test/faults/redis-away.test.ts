/**
 * When Redis goes away under a running server, deductions run under the database's row locks, /ready and the log say
 * so, and the server returns to Redis by itself. `lock/redis-away.test.ts` shows
 * the same of the lock alone.
 */
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import { closeClient } from '../support/graphql-client.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction, linesOf } from '../support/stock-calls.js';
import { until } from '../support/until.js';

let shop: Shop;
let redis: PrivateServer;
const servers: ServerProcess[] = [];

beforeEach(async () => {
  shop = await Shop.open();
  redis = await startPrivateRedis();
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  await redis.stop();
  await shop.close();
});

afterAll(closeClient);

async function serve(env: Record<string, string> = {}): Promise<ServerProcess> {
  const server = await shop.startServer('redis', {
    REDIS_URL: redis.url,
    LOG_LEVEL: 'info',
    ...env,
  });
  servers.push(server);
  return server;
}

/** Takes one unit. */
async function buy(server: ServerProcess, id: string, idempotencyKey?: string): Promise<string> {
  const call = deduction({ [id]: 1 }, { idempotencyKey });
  const [line] = linesOf(await callStock(server.graphqlUrl, call));
  return line?.outcome ?? 'no line';
}

async function readiness(server: ServerProcess): Promise<object> {
  const response = await fetch(`${server.origin}/ready`);
  return { status: response.status, ...((await response.json()) as object) };
}

async function untilReadyTells(server: ServerProcess, lock: string): Promise<void> {
  await until(`/ready tells that the lock is ${lock}`, async () =>
    JSON.stringify(await readiness(server)).includes(`"lock":"${lock}"`),
  );
}

/** Of each line taken out: the token of the lock under which that was done, or null. */
async function tokensOf(productId: string): Promise<(string | null)[]> {
  const lines = await shop.ledgerOf(productId);
  return lines.filter(({ kind }) => kind === 'DEDUCTION').map((line) => line.fencingToken);
}

test('deductions succeed while Redis is away, and use its lock again when it is back', async () => {
  const server = await serve();
  const id = await shop.newProduct(100);
  expect(await buy(server, id)).toBe('APPLIED');

  await redis.kill('SIGKILL');
  // At once, all of them: none waits for the lock's time-out, of 10 s.
  const away = await Promise.all(Array.from({ length: 20 }, () => buy(server, id)));
  expect(away).toEqual(Array(20).fill('APPLIED'));
  expect(await readiness(server)).toMatchObject({
    status: 200,
    ready: true,
    lock: 'away',
    deductionsRunUnder: 'database',
  });

  await redis.restart();
  await untilReadyTells(server, 'available');

  const [first = null, ...whileAway] = await tokensOf(id);
  expect(Number(first)).toBeGreaterThan(0);
  // The owner's lease lasts until its deadline. Without one there is no token.
  expect(new Set([...whileAway, first, null])).toEqual(new Set([first, null]));
  let sold = 21;
  await until('a lease that Redis has given now', async () => {
    expect(await buy(server, id)).toBe('APPLIED');
    sold += 1;
    const tokens = await tokensOf(id);
    return Number(tokens.at(-1)) > Number(first);
  });
  expect(await shop.onHand(id)).toBe(100 - sold);
  expect(await shop.problems()).toEqual([]);
  const log = server.output();
  expect(log).toContain('Redis does not serve the lock.');
  expect(log).toContain('deductions run under the row locks of the database');
  expect(log).toContain('Redis serves the lock again.');
});

test('a Redis that hangs delays one request, and none after it', async () => {
  const server = await serve();
  const id = await shop.newProduct(100);
  expect(await buy(server, id)).toBe('APPLIED');

  await redis.kill('SIGSTOP');
  expect(await buy(server, id)).toBe('APPLIED');
  await untilReadyTells(server, 'away');
  const away = await Promise.all([1, 2, 3].map(() => buy(server, id)));
  expect(away).toEqual(['APPLIED', 'APPLIED', 'APPLIED']);

  await redis.kill('SIGCONT');
  await untilReadyTells(server, 'available');
  expect(await buy(server, id)).toBe('APPLIED');
  expect(Number((await tokensOf(id)).at(-1))).toBeGreaterThan(0);
  expect(await shop.onHand(id)).toBe(94);
  expect(await shop.problems()).toEqual([]);
});

test('with LOCK_FALLBACK=fail requests get UNAVAILABLE while Redis is away, and succeed after', async () => {
  const server = await serve({ LOCK_FALLBACK: 'fail' });
  const id = await shop.newProduct(10);
  const call = deduction({ [id]: 1 }, { idempotencyKey: 'order-1' });

  await redis.kill('SIGKILL');
  expect(await callStock(server.graphqlUrl, call)).toMatchObject({
    kind: 'ANSWERED',
    lines: [{ outcome: 'REFUSED', code: 'UNAVAILABLE', retryable: true, mayHaveApplied: false }],
  });
  expect(await readiness(server)).toMatchObject({ status: 503, ready: false, lock: 'away' });
  expect(await shop.onHand(id)).toBe(10);

  await redis.restart();
  await untilReadyTells(server, 'available');
  expect(await readiness(server)).toMatchObject({ status: 200, ready: true });
  expect(await buy(server, id, 'order-1')).toBe('APPLIED');
  expect(await shop.onHand(id)).toBe(9);
});
