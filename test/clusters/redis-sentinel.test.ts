/**
 * A server on Redis with Sentinel: the primary is killed or is switched by an operator while deductions go on. None of
 * them fails, the lock is back when the Sentinels have made another primary, and nothing needs a restart.
 */
import { startRedisSentinel, type RedisSentinel } from '../../services/redis-sentinel.js';
import { Buyer, untilLockGoesAway, untilLockIs } from '../support/buyers.js';
import { closeClient } from '../support/graphql-client.js';
import { describeLockContract } from '../support/lock-contract.js';
import { deadlineIn, LockServices } from '../support/lock-services.js';
import type { ServerProcess } from '../support/server-process.js';
import { Shop } from '../support/shop.js';
import { until } from '../support/until.js';

const PASSWORD = 's3cret';
/** Beyond what the Sentinels take themselves, for reconnecting with pauses of up to a second, on a slow machine. */
const BACK_WITHIN_MS = 20_000;

let sentinel: RedisSentinel;
let shop: Shop;
const servers: ServerProcess[] = [];
const services = new LockServices();

beforeAll(async () => {
  sentinel = await startRedisSentinel({ security: { password: PASSWORD } });
  shop = await Shop.open();
});

afterEach(async () => {
  await services.stopAll();
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

afterAll(async () => {
  await sentinel.stop();
  await shop.close();
  closeClient();
});

async function isUnderLock(id: string): Promise<boolean> {
  return Number((await shop.ledgerOf(id)).at(-1)?.fencingToken) > 0;
}

describe('the lock', () => {
  describeLockContract((settings) => services.start({ ...settings, url: sentinel.url }));
});

test.each([
  ['is killed', async () => (await sentinel.primary()).kill('SIGKILL'), true],
  ['hangs and keeps its connections', async () => (await sentinel.primary()).kill('SIGSTOP'), true],
  ['is switched by an operator', () => sentinel.failover(), false],
])(
  'no deduction fails when the primary %s, and the lock comes back',
  async (_, fail, isAwayFirst) => {
    servers.push(
      ...(await shop.startServers(2, 'redis', { REDIS_URL: sentinel.url, LOG_LEVEL: 'info' })),
    );
    const id = await shop.newProduct(1_000_000);
    const killed = await sentinel.primary();
    const buyers = servers.map((server) => new Buyer(server, id));
    await until('deductions under the lock', () => isUnderLock(id));
    const told = servers.slice(0, 1).map((server) => ({ server, printed: server.output().length }));
    const failedMs = performance.now();
    await fail();
    for (const { server, printed } of isAwayFirst ? told : []) {
      await untilLockGoesAway(server, printed);
    }
    expect((await sentinel.primary()).port).not.toBe(killed.port);
    for (const server of servers) await untilLockIs(server, 'available', BACK_WITHIN_MS);
    await until('deductions under the lock', () => isUnderLock(id));
    const backMs = performance.now() - failedMs;
    for (const buyer of buyers) await buyer.stop();
    const pausesMs = buyers.map(({ longestPauseMs }) => Math.round(longestPauseMs)).join(' and ');
    process.stderr.write(
      `The lock was back after ${Math.round(backMs)} ms; the longest pauses of buyers: ${pausesMs} ms.\n`,
    );
    expect(buyers.flatMap((buyer) => buyer.failures)).toEqual([]);
    expect(await shop.problems()).toEqual([]);
    await killed.kill('SIGCONT');
    await killed.restart();
  },
);

test('Sentinels that want another password are told from Redis, and refuse the start', async () => {
  await expect(services.start({ url: sentinel.url.replace(/\?.*/, '') })).rejects.toThrow(
    'The lock cannot use Redis: the Redis Sentinels refuse the user or the password.',
  );
});

test('a name that no Sentinel knows is said, and tried again', async () => {
  const service = services.make({ url: sentinel.url.replace('/stockade', '/unknown') });
  expect(await service.start()).toMatchObject({
    available: false,
    reason: 'no Redis Sentinel names a primary',
  });
  await expect(service.acquire('lock:{k}', deadlineIn(0))).rejects.toMatchObject({
    code: 'LOCK_UNAVAILABLE',
  });
});
