/**
 * The beds of the other tests: Redis with Sentinel, as a Cluster, as several independent servers, with a password and
 * TLS, and Valkey. What each does when a server dies or an operator switches it.
 */
import { Cluster, Redis } from 'ioredis';
import { readFileSync } from 'node:fs';
import { startPrivateRedis } from '../../services/private-redis.js';
import type { PrivateServer } from '../../services/private-server.js';
import { startRedisCluster, type RedisClusterNodes } from '../../services/redis-cluster.js';
import { startRedisSentinel, type RedisSentinel } from '../../services/redis-sentinel.js';
import { startSeveralRedis } from '../../services/redis-several.js';
import { makeCertificates } from '../support/certificates.js';
import { describeLockContract } from '../support/lock-contract.js';
import { deadlineIn, LockServices, uniqueKey } from '../support/lock-services.js';
import { until } from '../support/until.js';

const QUIET = { retryStrategy: () => 20, maxRetriesPerRequest: null } as const;
const KEY = 'stock:{lamp}';

describe('Sentinel', () => {
  let sentinel: RedisSentinel;
  let client: Redis;

  beforeAll(async () => {
    sentinel = await startRedisSentinel({ security: { password: 's3cret' } });
    client = new Redis({
      ...QUIET,
      sentinels: sentinel.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
      name: 'stockade',
      password: 's3cret',
      sentinelPassword: 's3cret',
    });
    client.on('error', () => undefined);
  });

  afterAll(async () => {
    client.disconnect();
    await sentinel.stop();
  });

  test('its address names the sentinels and the master', () => {
    const ports = sentinel.sentinels.map(({ port }) => `127.0.0.1:${port}`);
    expect(sentinel.url).toBe(
      `redis+sentinel://:s3cret@${ports.join(',')}/stockade?sentinel-password=s3cret`,
    );
  });

  test('a planned switch makes a replica the primary and keeps what was written', async () => {
    const before = await sentinel.primary();
    await client.set(KEY, 'planned');
    await client.wait(2, 5_000);
    await sentinel.failover();
    const after = await sentinel.primary();
    expect(after.port).not.toBe(before.port);
    await until('the value at the new primary', async () => (await client.get(KEY)) === 'planned');
  });

  test('a killed primary is replaced, and comes back as a replica', async () => {
    const killed = await sentinel.primary();
    await client.set(KEY, 'unplanned');
    await client.wait(1, 5_000);
    await killed.kill('SIGKILL');
    const next = await sentinel.primary();
    expect(next.port).not.toBe(killed.port);
    await until('writes at the new primary', () =>
      client.set(KEY, 'again').then(
        () => true,
        () => false,
      ),
    );
    await killed.restart();
    const old = new Redis(killed.port, { ...QUIET, password: 's3cret' });
    const role = async () => /^role:(\w+)/m.exec(await old.info('replication'))?.[1];
    await until('its role', async () => (await role()) === 'slave', 60_000);
    await until('the value there', async () => (await old.get(KEY)) === 'again', 60_000);
    old.disconnect();
  });
});

describe('Cluster', () => {
  let nodes: RedisClusterNodes;
  let cluster: Cluster;

  beforeAll(async () => {
    nodes = await startRedisCluster();
    const { servers } = nodes;
    cluster = new Cluster(servers.map(({ port }) => ({ host: '127.0.0.1', port })));
    cluster.on('error', () => undefined);
  });

  afterAll(async () => {
    cluster.disconnect();
    await nodes.stop();
  });

  test('its keys lie at three masters', async () => {
    const keys = Array.from({ length: 30 }, (_, i) => `stock:{${i}}`);
    const masters = await Promise.all(keys.map((key) => nodes.masterOf(key)));
    expect(new Set(masters.map(({ port }) => port)).size).toBe(3);
    await Promise.all(keys.map((key) => cluster.set(key, key)));
    expect(await Promise.all(keys.map((key) => cluster.get(key)))).toEqual(keys);
  });

  test('a planned switch makes the replica the master of the slots', async () => {
    const before = await nodes.masterOf(KEY);
    await cluster.set(KEY, 'planned');
    await nodes.failover(KEY);
    expect((await nodes.masterOf(KEY)).port).not.toBe(before.port);
    expect(await cluster.get(KEY)).toBe('planned');
  });

  test('a killed master is replaced by its replica', async () => {
    const killed = await nodes.masterOf(KEY);
    await killed.kill('SIGKILL');
    const next = await nodes.masterOf(KEY);
    expect(next.port).not.toBe(killed.port);
    await until(
      'writes at the new master',
      () =>
        cluster.set(KEY, 'x').then(
          () => true,
          () => false,
        ),
      60_000,
    );
  });
});

test('several independent servers have addresses that are separated by commas', async () => {
  const several = await startSeveralRedis(3);
  try {
    const clients = several.url.split(',').map((url) => new Redis(url));
    await Promise.all(clients.map((client, i) => client.set('number', i)));
    expect(await Promise.all(clients.map((client) => client.get('number')))).toEqual([
      '0',
      '1',
      '2',
    ]);
    for (const client of clients) client.disconnect();
  } finally {
    await several.stop();
  }
});

test('servers with TLS and ACL users serve clients of their CA, and no others', async () => {
  const certificates = await makeCertificates();
  const { server, client: own, ca } = certificates;
  const security = {
    password: 'p@ss',
    users: { reader: 'on >r3ader ~stock:* +get +ping' },
    tls: { ca, ...server, requiresClient: true },
  };
  const cluster = await startRedisCluster({ security });
  try {
    const { port } = await cluster.masterOf(KEY);
    expect(cluster.url).toMatch(
      /^rediss\+cluster:\/\/:p%40ss@127\.0\.0\.1:\d+,127\S+\?tls-ca=\S+&tls-cert=/,
    );
    const tls = { ca: readFileSync(ca), cert: readFileSync(own.cert), key: readFileSync(own.key) };
    const login = { username: 'reader', password: 'r3ader', port };
    const reader = new Redis({ ...login, tls, enableReadyCheck: false });
    expect(await reader.get(KEY)).toBeNull();
    await expect(reader.set(KEY, '1')).rejects.toThrow(/NOPERM/);
    reader.disconnect();
    const stranger = new Redis({
      ...login,
      tls: { ...tls, ca: readFileSync(certificates.foreignCa) },
      retryStrategy: () => null,
    });
    stranger.on('error', () => undefined);
    await expect(stranger.get(KEY)).rejects.toThrow();
    stranger.disconnect();
    const services = new LockServices();
    const [one, other] = await Promise.all([1, 2].map(() => services.start({ url: cluster.url })));
    for (const key of Array.from({ length: 24 }, () => uniqueKey())) {
      const lease = await one?.acquire(key, deadlineIn(0));
      const waiting = other?.acquire(key, deadlineIn(5_000));
      if (lease) await one?.release(lease);
      expect((await waiting)?.state).toBe('held');
    }
    await services.stopAll();
    await expect(services.start({ url: cluster.url.replace('p%40ss', 'wrong') })).rejects.toThrow(
      'Redis refuses the password',
    );
  } finally {
    await cluster.stop();
    certificates.remove();
  }
});

describe('Valkey', () => {
  const services = new LockServices();
  let valkey: PrivateServer;

  beforeAll(async () => {
    valkey = await startPrivateRedis({ flavour: 'valkey' });
  });

  afterEach(() => services.stopAll());

  afterAll(() => valkey.stop());

  test('starts from the machine or from the packages', async () => {
    const client = services.redis(valkey.url);
    expect(await client.info('server')).toContain(`valkey_version:${valkey.version}`);
  });

  describeLockContract((settings) => services.start({ ...settings, url: valkey.url }));
});
