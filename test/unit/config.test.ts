import { readFileSync } from 'node:fs';
import { ConfigError, documentedSettings, loadConfig } from '../../src/config.js';
import { REDIS_FORMS } from '../../src/redis/address.js';

const GOOD = {
  MYSQL_URL: 'mysql://root@127.0.0.1:3306/stockade',
  REDIS_URL: 'redis://127.0.0.1:6379',
  AUTH: 'keys',
};

function problemsOf(env: Record<string, string | undefined>): readonly string[] {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('needs nothing but the addresses and AUTH, and is frozen', () => {
  const config = loadConfig(GOOD);
  expect(config).toMatchObject({
    environment: 'production',
    port: 4000,
    stockLock: 'redis',
    lockTtlMs: 5_000,
    lockWaitMs: 10_000,
    lockFallback: 'database',
    requestTimeoutMs: 15_000,
    stockBatchMax: 512,
    laneQueueMax: 10_000,
    laneQueueMaxPerPrincipal: 5_000,
    reservedUnitsMaxPerPrincipal: null,
    commitsMax: 2,
    mysqlPoolMax: 10,
    authFailuresMaxPerAddress: 20,
    watchSubscriptionsMaxPerSocket: 10,
    connectionsMax: 10_000,
    connectionsMaxPerAddress: 2_000,
    requestsMaxPerPrincipal: 5_000,
    requestsMaxPerConnection: 16,
    sendBytesMaxPerConnection: 1_048_576,
    sendBytesMax: 67_108_864,
    sendTimeoutMs: 30_000,
    migrateOnStart: true,
    sandbox: false,
    introspection: false,
    auth: ['keys'],
    jwt: null,
    rateLimit: { perSecond: 10_000, burst: 10_000 },
    trustedProxies: [],
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test('gives one address and one principal a quarter of the WebSockets, unless it is told otherwise', () => {
  expect(loadConfig({ ...GOOD, WATCH_SOCKETS_MAX: '10' })).toMatchObject({
    watchSocketsMaxPerAddress: 3,
    watchSocketsMaxPerPrincipal: 3,
    watchSubscriptionsMaxPerPrincipal: 1_000,
  });
  const given = { WATCH_SOCKETS_MAX_PER_ADDRESS: '7', WATCH_SOCKETS_MAX_PER_PRINCIPAL: '8' };
  expect(loadConfig({ ...GOOD, ...given })).toMatchObject({
    watchSocketsMaxPerAddress: 7,
    watchSocketsMaxPerPrincipal: 8,
  });
});

test('opens the Sandbox and the console in development, and in production only when told to', () => {
  expect(loadConfig({ ...GOOD, NODE_ENV: 'development' })).toMatchObject({
    sandbox: true,
    console: true,
    introspection: true,
  });
  expect(loadConfig({ ...GOOD, CONSOLE: 'true' })).toMatchObject({ console: true, sandbox: false });
  expect(loadConfig({ ...GOOD, SANDBOX: 'true' })).toMatchObject({
    sandbox: true,
    console: false,
    introspection: false,
  });
});

test('names every bad and missing variable at once', () => {
  const problems = problemsOf({
    PORT: '70000',
    AUTH: 'keys',
    STOCK_LOCK: 'zookeeper',
    LOCK_TTL_MS: '5s',
    COMMITS_MAX: '-1',
    MIGRATE_ON_START: 'yes',
    CORS_ORIGINS: 'https://shop.example/path',
  });
  expect(problems.map((problem) => problem.split(' ')[0]).sort()).toEqual([
    'COMMITS_MAX',
    'CORS_ORIGINS',
    'LOCK_TTL_MS',
    'MIGRATE_ON_START',
    'MYSQL_URL',
    'PORT',
    'STOCK_LOCK',
  ]);
});

test("a principal's part of a queue is half of it, or what is set, and never more than the queue", () => {
  const partOf = (env: Record<string, string>) =>
    loadConfig({ ...GOOD, ...env }).laneQueueMaxPerPrincipal;
  expect(partOf({ LANE_QUEUE_MAX: '7' })).toBe(4);
  expect(partOf({ LANE_QUEUE_MAX: '1' })).toBe(1);
  expect(partOf({ LANE_QUEUE_MAX_PER_PRINCIPAL: '10000' })).toBe(10_000);
  expect(problemsOf({ ...GOOD, LANE_QUEUE_MAX_PER_PRINCIPAL: '10001' })).toEqual([
    'LANE_QUEUE_MAX_PER_PRINCIPAL must be at most LANE_QUEUE_MAX, of which it is a part',
  ]);
  expect(problemsOf({ ...GOOD, LANE_QUEUE_MAX_PER_PRINCIPAL: '0' })).toHaveLength(1);
});

test('what reservations of one principal may hold has no bound unless one is set', () => {
  const name = 'RESERVED_UNITS_MAX_PER_PRINCIPAL';
  expect(loadConfig({ ...GOOD, [name]: '25' }).reservedUnitsMaxPerPrincipal).toBe(25);
  for (const wrong of ['0', '1000000001', 'all']) {
    expect(problemsOf({ ...GOOD, [name]: wrong })).toEqual([
      `${name} must be a whole number from 1 to 1000000000; got "${wrong}"`,
    ]);
  }
});

test('needs Redis only where Redis keeps the lock', () => {
  const { MYSQL_URL, AUTH } = GOOD;
  const problem = 'REDIS_URL must be set where STOCK_LOCK is redis';
  expect(problemsOf({ MYSQL_URL, AUTH })).toEqual([problem]);
  expect(problemsOf({ MYSQL_URL, AUTH, STOCK_LOCK: 'database' })).toEqual([]);
  expect(problemsOf({ MYSQL_URL, AUTH, STOCK_LOCK: 'none' })).toEqual([]);
  expect(problemsOf({ MYSQL_URL, AUTH, STOCK_LOCK: 'redlock' })).toEqual([
    'REDIS_URL must be set where STOCK_LOCK is redlock',
  ]);
});

test.each([
  ['redis://a,redis://b', 2],
  ['redis+sentinel://a,b,c/main', 0],
  ['redis+cluster://a,b,c', 0],
])('STOCK_LOCK=redlock needs three independent servers, which %s are not', (REDIS_URL, count) => {
  expect(problemsOf({ ...GOOD, REDIS_URL, STOCK_LOCK: 'redlock' })).toEqual([
    'REDIS_URL must name at least 3 independent servers, separated by commas, where STOCK_LOCK is redlock; ' +
      `got ${count}`,
  ]);
  const three = 'redis://a,redis://b,redis://c';
  expect(problemsOf({ ...GOOD, REDIS_URL: three, STOCK_LOCK: 'redlock' })).toEqual([]);
});

const JWT = {
  JWT_ISSUER: 'https://id.example',
  JWT_AUDIENCE: 'stockade',
  JWT_JWKS_URL: 'https://id.example/keys',
};

test('in production AUTH must be set', () => {
  const problem = ['AUTH must be keys, jwt or keys,jwt in production'];
  for (const AUTH of [undefined, '', 'none'])
    expect(problemsOf({ ...GOOD, AUTH })).toEqual(problem);
  // Together with whatever else is wrong.
  expect(problemsOf({ ...GOOD, AUTH: 'none', PORT: 'http' })).toHaveLength(2);
  for (const NODE_ENV of ['development', 'test']) {
    expect(loadConfig({ ...GOOD, NODE_ENV, AUTH: '' })).toMatchObject({
      auth: [],
      rateLimit: null,
    });
    expect(loadConfig({ ...GOOD, NODE_ENV })).toMatchObject({ auth: ['keys'] });
  }
});

test('takes JWTs only with an issuer, an audience, an address for keys, and public-key algorithms', () => {
  expect(problemsOf({ ...GOOD, AUTH: 'jwt' }).map((problem) => problem.split(' ')[0])).toEqual(
    Object.keys(JWT),
  );
  expect(loadConfig({ ...GOOD, ...JWT, AUTH: 'jwt,keys' })).toMatchObject({
    auth: ['keys', 'jwt'],
    jwt: {
      issuer: 'https://id.example',
      audience: 'stockade',
      jwksUrl: 'https://id.example/keys',
      algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA'],
    },
  });
  for (const JWT_ALGORITHMS of ['HS256', 'RS256,HS512', 'none', 'RS256,']) {
    const problems = problemsOf({ ...GOOD, ...JWT, AUTH: 'jwt', JWT_ALGORITHMS });
    expect(problems).toHaveLength(JWT_ALGORITHMS === 'RS256,' ? 0 : 1);
  }
  const open = { ...GOOD, ...JWT, AUTH: 'jwt', JWT_JWKS_URL: 'http://id.example/keys' };
  expect(problemsOf(open)).toEqual([
    'JWT_JWKS_URL must begin with https://, unless it is on this machine',
  ]);
  expect(problemsOf({ ...open, JWT_JWKS_URL: 'http://127.0.0.1:8080/keys' })).toEqual([]);
});

test('sets no rate limit without Redis, unless it is configured', () => {
  const database = { ...GOOD, REDIS_URL: '', STOCK_LOCK: 'database' };
  expect(loadConfig(database).rateLimit).toBeNull();
  expect(problemsOf({ ...database, RATE_LIMIT_PER_SECOND: '5' })).toEqual([
    'REDIS_URL must be set where RATE_LIMIT_PER_SECOND is',
  ]);
  expect(loadConfig({ ...GOOD, RATE_LIMIT_PER_SECOND: '0' }).rateLimit).toBeNull();
  expect(
    loadConfig({ ...GOOD, RATE_LIMIT_PER_SECOND: '5', RATE_LIMIT_BURST: '0' }).rateLimit,
  ).toEqual({ perSecond: 5, burst: 0 });
});

test('trusts proxies that are addresses or networks', () => {
  const { trustedProxies } = loadConfig({ ...GOOD, TRUSTED_PROXIES: '10.0.0.0/8,::1' });
  expect(trustedProxies).toEqual(['10.0.0.0/8', '::1']);
  for (const TRUSTED_PROXIES of ['proxy.example', '10.0.0.0/33', '10.0.0.0/8/8', '::1/129']) {
    expect(problemsOf({ ...GOOD, TRUSTED_PROXIES })).toHaveLength(1);
  }
});

test('requires connections for control and for reads', () => {
  expect(problemsOf({ ...GOOD, COMMITS_MAX: '8' })).toEqual([
    'COMMITS_MAX must be at most 7, 3 below MYSQL_POOL_MAX, so that 2 connections are left for control and 1 for ' +
      'reads; got 8',
  ]);
  expect(problemsOf({ ...GOOD, COMMITS_MAX: '7' })).toEqual([]);
  expect(problemsOf({ ...GOOD, COMMITS_MAX: '1', MYSQL_POOL_MAX: '4' })).toEqual([]);
  expect(problemsOf({ ...GOOD, COMMITS_MAX: '1', MYSQL_POOL_MAX: '3' })).toHaveLength(1);
});

test('wants a database in the address, and never repeats the address', () => {
  const [problem] = problemsOf({ ...GOOD, MYSQL_URL: 'mysql://root:secret@db:3306' });
  expect(problem).toMatch(/^MYSQL_URL must name a database/);
  expect(problem).not.toContain('secret@');
});

test('takes an empty variable for an unset one', () => {
  expect(loadConfig({ ...GOOD, PORT: '' }).port).toBe(4000);
});

test('the table of the README is the one of the configuration', () => {
  const table = /^\| Variable .*\n\| -.*\n((?:\|.*\n)+)/m.exec(readFileSync('README.md', 'utf8'));
  const cells = (row: string) => row.split(/(?<!\\)\|/).slice(1, -1);
  const rows = (table?.[1] ?? '').trimEnd().split('\n').map(cells);
  const documented = documentedSettings();
  expect(documented.length).toBeGreaterThan(30);
  expect(rows.map((row) => row.map((cell) => cell.trim()))).toEqual(documented);
});

test('names the value that it refuses, but no address, which may contain a password', () => {
  expect(problemsOf({ ...GOOD, PORT: '70000', REDIS_URL: 'http://:secret@cache' })).toEqual([
    `REDIS_URL must be ${REDIS_FORMS}`,
    'PORT must be a whole number from 0 to 65535; got "70000"',
  ]);
});

test('an address of keys with a user or a password is refused in one sentence, without printing it', () => {
  for (const user of ['shop:s3cret@', 's3cret@', ':s3cret@']) {
    const JWT_JWKS_URL = `https://${user}id.example/keys`;
    const [problem, ...more] = problemsOf({ ...GOOD, ...JWT, AUTH: 'jwt', JWT_JWKS_URL });
    expect(problem).toMatch(/^JWT_JWKS_URL must not contain a user or a password/);
    expect([problem?.includes('s3cret'), more]).toEqual([false, []]);
  }
});

test.each(['MYSQL_URL', 'REDIS_URL', 'JWT_JWKS_URL', 'CORS_ORIGINS', 'TRUSTED_PROXIES', 'PORT'])(
  'a password in %s is never repeated',
  (variable) => {
    for (const scheme of ['http', 'mysql', 'redis', 'what', '']) {
      const given = `${scheme}://shop:s3cret@[broken/x y`;
      const problems = problemsOf({ ...GOOD, ...JWT, AUTH: 'jwt', [variable]: given });
      expect(problems.length).toBeGreaterThan(0);
      expect(problems.join()).not.toContain('s3cret');
    }
  },
);
