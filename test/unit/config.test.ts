import { readFileSync } from 'node:fs';
import { ConfigError, loadConfig } from '../../src/config.js';

const GOOD = {
  MYSQL_URL: 'mysql://root@127.0.0.1:3306/stockade',
  REDIS_URL: 'redis://127.0.0.1:6379',
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

test('needs nothing but the addresses, and is frozen', () => {
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
    commitsMax: 2,
    mysqlPoolMax: 10,
    migrateOnStart: true,
    sandbox: false,
    introspection: false,
  });
  expect(Object.isFrozen(config)).toBe(true);
});

test('opens the Sandbox in development, and in production only when told to', () => {
  expect(loadConfig({ ...GOOD, NODE_ENV: 'development' })).toMatchObject({
    sandbox: true,
    introspection: true,
  });
  expect(loadConfig({ ...GOOD, SANDBOX: 'true' })).toMatchObject({
    sandbox: true,
    introspection: false,
  });
});

test('names every bad and missing variable at once', () => {
  const problems = problemsOf({
    PORT: '70000',
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

test('needs Redis only where Redis keeps the lock', () => {
  const { MYSQL_URL } = GOOD;
  expect(problemsOf({ MYSQL_URL })).toEqual(['REDIS_URL must be set where STOCK_LOCK is redis']);
  expect(problemsOf({ MYSQL_URL, STOCK_LOCK: 'database' })).toEqual([]);
  expect(problemsOf({ MYSQL_URL, STOCK_LOCK: 'none' })).toEqual([]);
});

test('leaves connections for reads', () => {
  expect(problemsOf({ ...GOOD, COMMITS_MAX: '10' })).toHaveLength(1);
  expect(problemsOf({ ...GOOD, COMMITS_MAX: '10', MYSQL_POOL_MAX: '11' })).toEqual([]);
});

test('wants a database in the address, and never repeats the address', () => {
  const [problem] = problemsOf({ ...GOOD, MYSQL_URL: 'mysql://root:secret@db:3306' });
  expect(problem).toMatch(/^MYSQL_URL must name a database/);
  expect(problem).not.toContain('secret@');
});

test('takes an empty variable for an unset one', () => {
  expect(loadConfig({ ...GOOD, PORT: '' }).port).toBe(4000);
});

test('has every variable of the configuration in the table of the README', () => {
  const readme = readFileSync('README.md', 'utf8');
  const source = readFileSync('src/config.ts', 'utf8');
  const variables = [...source.matchAll(/^ {4}([A-Z][A-Z_]+):/gm)].map((match) => match[1]);
  expect(variables.length).toBeGreaterThan(15);
  expect(
    variables.filter((name) => !new RegExp(`^\\| \`${name}\` +\\|`, 'm').test(readme)),
  ).toEqual([]);
});
