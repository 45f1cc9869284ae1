/**
 * Three independent Redis: each product's lock belongs to one of them. A Redis that dies takes the locks of its own
 * products away and no others; those products go on under row locks.
 */
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import { parseRedisUrl, serverOf } from '../../src/redis/address.js';
import { closeClient } from '../support/graphql-client.js';
import { describeLockContract, PATIENT } from '../support/lock-contract.js';
import { CollectedLog, deadlineIn, LockServices, uniqueKey } from '../support/lock-services.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { callStock, deduction, linesOf } from '../support/stock-calls.js';
import { until } from '../support/until.js';

const services = new LockServices();
let redises: PrivateServer[];
let url: string;

beforeEach(async () => {
  redises = await Promise.all([1, 2, 3].map(() => startPrivateRedis()));
  url = redises.map((redis) => redis.url).join(',');
});

afterEach(async () => {
  await services.stopAll();
  await Promise.all(redises.map((redis) => redis.stop()));
});

afterAll(closeClient);

/** The place of the Redis that has the key's lock. */
function placeOf(key: string): number {
  const servers = parseRedisUrl(url);
  return servers.indexOf(serverOf(servers, key));
}

function keyAt(place: number): string {
  for (;;) {
    const key = uniqueKey();
    if (placeOf(key) === place) return key;
  }
}

describe('the lock', () => {
  describeLockContract((settings) => services.start({ ...settings, url }));

  test('services that name the servers in another order exclude each other', async () => {
    const one = await services.start({ url });
    const other = await services.start({ url: url.split(',').reverse().join(',') });
    for (const place of [0, 1, 2]) {
      const key = keyAt(place);
      const lease = await one.acquire(key, deadlineIn(0));
      await expect(other.acquire(key, deadlineIn(0))).rejects.toThrow('was not granted');
      const waiting = other.acquire(key, deadlineIn(5_000));
      await one.release(lease);
      const next = await waiting;
      expect(next.fencingToken).toBeGreaterThan(lease.fencingToken);
      await other.release(next);
      const redis = services.redis(redises[place]?.url);
      expect(await redis.exists(`${key}:fence`)).toBe(1);
    }
  });

  test('a server that dies takes its own locks away, is named, and comes back', async () => {
    const log = new CollectedLog();
    const service = await services.start({ ...PATIENT, url, log });
    const [lost, kept] = [keyAt(1), keyAt(2)];
    const lease = await service.acquire(kept, deadlineIn(0));
    await redises[1]?.kill('SIGKILL');
    await until('it is noticed', () => !service.health().available);
    const { reason, servers } = service.health();
    expect(reason).toMatch(/^Redis 2 of 3: /);
    expect(servers.map(({ available }) => available)).toEqual([true, false, true]);
    await expect(service.acquire(lost, deadlineIn(0))).rejects.toMatchObject({
      code: 'LOCK_UNAVAILABLE',
    });
    await service.release(lease);
    await service.release(await service.acquire(kept, deadlineIn(0)));
    await redises[1]?.restart();
    await until('it is back', () => service.health().available);
    await service.release(await service.acquire(lost, deadlineIn(0)));
    expect(log.lines.map(({ message, details }) => [message, details])).toEqual([
      ['Redis does not serve the lock.', expect.objectContaining({ redis: 'Redis 2 of 3' })],
      ['Redis serves the lock again.', expect.objectContaining({ redis: 'Redis 2 of 3' })],
    ]);
  });
});

describe('a server', () => {
  let shop: Shop;
  let server: ServerProcess;

  beforeAll(async () => {
    shop = await Shop.open();
  });
  afterEach(() => server.stop());
  afterAll(() => shop.close());

  async function readiness(): Promise<unknown> {
    const response = await fetch(`${server.origin}/ready`);
    return { status: response.status, ...((await response.json()) as object) };
  }

  test('sells the products of a Redis that is killed under row locks, the others under the lock', async () => {
    server = await shop.startServer('redis', {
      REDIS_URL: url,
      RATE_LIMIT_PER_SECOND: '1000',
      LOG_LEVEL: 'info',
    });
    const products = await shop.newProducts(24, 10_000);
    const buyAll = async () => {
      const answers = await Promise.all(
        products.map((id) => callStock(server.graphqlUrl, deduction({ [id]: 1 }))),
      );
      return new Set(answers.flatMap(linesOf).map(({ outcome }) => outcome));
    };
    const underLock = async (): Promise<Map<string, boolean>> => {
      const lines = await shop.ledger();
      return new Map(lines.map((line) => [line.productId, line.fencingToken !== null]));
    };
    // A Redis that pauses for 300 ms is away to the server, and is back when it answers again.
    const untilAllAreUnderLock = () =>
      until('all products under the lock', async () => {
        expect(await buyAll()).toEqual(new Set(['APPLIED']));
        return [...(await underLock()).values()].every(Boolean);
      });
    await untilAllAreUnderLock();

    await redises[0]?.kill('SIGKILL');
    // The first may find it out by an error, which the row locks answer for. The leases that the server has kept as
    // owner last until their deadlines.
    await until('the products of that Redis alone are without locks', async () => {
      expect(await buyAll()).toEqual(new Set(['APPLIED']));
      return [...(await underLock())].every(
        ([id, isUnderLock]) => isUnderLock === (placeOf(`lock:stock:{${id}}`) !== 0),
      );
    });
    expect(await readiness()).toMatchObject({
      ...{ status: 200, lock: 'partly away', redisAway: ['Redis 1 of 3'] },
      deductionsRunUnder: 'redis or database',
    });
    expect(server.output()).toContain('"redis":"Redis 1 of 3"');

    await redises[0]?.restart();
    await until('/ready says so', async () =>
      JSON.stringify(await readiness()).includes('"lock":"available"'),
    );
    await untilAllAreUnderLock();
    expect(await shop.problems()).toEqual([]);
  });
});
