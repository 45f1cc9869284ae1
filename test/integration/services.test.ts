/**
 * Each way to a service that this machine has must give a server that answers, and leave nothing behind: after a stop,
 * after an interruption at any stage, after a kill. Ways that a machine cannot have, such as Debian's packages
 * elsewhere, are told apart by what the machine is, not by their failing.
 */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { createConnection, type RowDataPacket } from 'mysql2/promise';
import { readDistribution } from '../../services/apt-sources.js';
import { unpackRedis } from '../../services/debian-packages.js';
import {
  findMariadbd,
  findMysqld,
  findPrograms,
  findRedisServer,
} from '../../services/machine-programs.js';
import { startPrivateMysql } from '../../services/private-mysql.js';
import { startPrivateRedis } from '../../services/private-redis.js';
import { startRedisCluster } from '../../services/redis-cluster.js';
import { startRedisSentinel } from '../../services/redis-sentinel.js';
import { startSeveralRedis } from '../../services/redis-several.js';
import { freePort, type PrivateServer } from '../../services/private-server.js';
import { ServiceError, WayUnavailable } from '../../services/service-errors.js';
import { bringServices } from '../../services/services.js';
import { heldOnce } from '../support/held-once.js';
import { isAlive, startProgram, type StartedProgram } from '../support/started-program.js';
import { until } from '../support/until.js';

const BARE = { ...process.env, STOCKADE_SERVICES_SKIP: 'docker,machine,mariadb' };
const search = { env: process.env, signal: new AbortController().signal };
const hasPackages = isThere(readDistribution);
const hasRedisServer = findPrograms('redis-server', process.env).length > 0;

const toStop: { stop(): Promise<void> }[] = [];
const toDiscard: StartedProgram[] = [];

afterEach(async () => {
  for (const program of toDiscard.splice(0)) program.discard();
  await Promise.all(toStop.splice(0).map((server) => server.stop()));
});

function isThere(look: () => unknown): boolean {
  try {
    look();
    return true;
  } catch (error) {
    if (error instanceof WayUnavailable) return false;
    throw error;
  }
}

async function isFound(looking: Promise<unknown>): Promise<boolean> {
  return looking.then(
    () => true,
    () => false,
  );
}

/** The server, or null where this machine cannot have it; then the start must say so in a sentence. */
async function startIf(
  possible: boolean,
  start: () => Promise<PrivateServer>,
): Promise<PrivateServer | null> {
  if (!possible) {
    await expect(start()).rejects.toThrow(/^No private \w+ can be started: .+\.$/);
    return null;
  }
  const server = await start();
  toStop.push(server);
  return server;
}

async function query(url: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await createConnection(url);
  try {
    const [rows] = await connection.query<RowDataPacket[]>(sql);
    return rows;
  } finally {
    await connection.end();
  }
}

async function withRedis<T>(url: string, work: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  // The command fails with it.
  redis.on('error', () => undefined);
  try {
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}

describe('a private MySQL', () => {
  test('comes from the packages, durable, and keeps its data when it is killed', async () => {
    const server = await startIf(hasPackages, () => startPrivateMysql({ env: BARE }));
    if (!server) return;
    const [row] = await query(
      server.url,
      `SELECT VERSION() AS version, @@innodb_flush_log_at_trx_commit AS flush, @@sync_binlog AS sync,
         @@log_bin AS log, @@max_connections AS connections, @@bind_address AS address`,
    );
    expect(row).toMatchObject({
      flush: 1,
      sync: 1,
      log: 1,
      connections: 500,
      address: '127.0.0.1',
    });
    expect(row?.version).toBe(server.version);
    expect(server.version).toMatch(/^(9\.\d+|8\.\d+)\./);

    await query(server.url, 'CREATE TABLE kept (id INT PRIMARY KEY)');
    const { pid } = server;
    await server.kill('SIGKILL');
    expect(isAlive(pid)).toBe(false);
    await server.restart();
    expect(server.pid).not.toBe(pid);
    expect(await query(server.url, 'SELECT COUNT(*) AS n FROM kept')).toEqual([{ n: 0 }]);
  });

  test("is this machine's own where that is a real MySQL", async () => {
    const possible = await isFound(findMysqld(search));
    const env = { STOCKADE_SERVICES_SKIP: 'docker,packages', PATH: process.env.PATH };
    const server = await startIf(possible, () => startPrivateMysql({ env }));
    if (server) expect(server.version).not.toMatch(/MariaDB/);
  });

  test('is MariaDB where that is asked for, with the options that are given', async () => {
    const possible = await isFound(findMariadbd(search));
    const server = await startIf(possible, () =>
      startPrivateMysql({ flavour: 'mariadb', args: ['--max-connections=77'] }),
    );
    if (!server) return;
    const [row] = await query(server.url, 'SELECT VERSION() AS v, @@max_connections AS n');
    expect(row?.v).toMatch(/MariaDB/);
    expect(row?.n).toBe(77);
  });

  test('says in a sentence why it cannot be started', async () => {
    const start = startPrivateMysql({ env: { STOCKADE_SERVICES_SKIP: 'machine,packages' } });
    await expect(start).rejects.toThrow(ServiceError);
    const misspelt = startPrivateMysql({ env: { STOCKADE_SERVICES_SKIP: 'machines' } });
    await expect(misspelt).rejects.toThrow('it says "machines"');
  });
});

describe('a private Redis', () => {
  test.each([
    ['this machine', hasRedisServer, 'docker,packages'],
    ['the packages', hasPackages, 'docker,machine'],
  ])('comes from %s and is empty after a restart', async (_name, possible, skipped) => {
    const env = { ...process.env, STOCKADE_SERVICES_SKIP: skipped };
    const server = await startIf(possible, () => startPrivateRedis({ env }));
    if (!server) return;
    await withRedis(server.url, (redis) => redis.set('lost', '1'));
    await server.restart();
    expect(await withRedis(server.url, (redis) => redis.dbsize())).toBe(0);
  });

  test('is stopped although a signal has stopped it', async () => {
    const server = await startIf(hasRedisServer || hasPackages, () => startPrivateRedis());
    if (!server) return;
    await server.kill('SIGSTOP');
    await server.stop();
    expect(isAlive(server.pid)).toBe(false);
    await expect(server.restart()).rejects.toThrow(ServiceError);
  });

  test('takes the port that it is given, and says so where that is taken', async () => {
    const port = await freePort();
    const possible = hasRedisServer || hasPackages;
    const server = await startIf(possible, () => startPrivateRedis({ port }));
    if (!server) return;
    expect(server.port).toBe(port);
    await expect(startPrivateRedis({ port })).rejects.toThrow(ServiceError);
    expect(await withRedis(server.url, (redis) => redis.ping())).toBe('PONG');
  });
});

describe('a server that the user named', () => {
  const bring = (env: NodeJS.ProcessEnv) =>
    bringServices({ env, signal: AbortSignal.timeout(60_000), log: () => undefined });

  test('is used as it is, and outlives our stop', async () => {
    const { MYSQL_URL, REDIS_URL = '' } = process.env;
    const services = await bring({ MYSQL_URL, REDIS_URL });
    expect(services.mysql.url).toBe(MYSQL_URL);
    expect(services.mysql.chosen).toMatch(/^MySQL: .+ because MYSQL_URL is set\.$/);
    expect(services.redis.chosen).toMatch(/^Redis: .+ because REDIS_URL is set\.$/);
    await services.stop();
    expect(await withRedis(REDIS_URL, (redis) => redis.ping())).toBe('PONG');
  });

  test('is named in one sentence without the password where it cannot be reached', async () => {
    const port = await freePort();
    const MYSQL_URL = `mysql://buyer:s3cret@127.0.0.1:${port}/shop`;
    await expect(bring({ ...process.env, MYSQL_URL })).rejects.toThrow(
      new ServiceError(
        `MySQL at 127.0.0.1:${port} (MYSQL_URL) cannot be reached: the connection was refused.`,
      ),
    );
    const REDIS_URL = `redis://:s3cret@127.0.0.1:${port}`;
    await expect(bring({ ...process.env, REDIS_URL })).rejects.toThrow(
      new ServiceError(
        `Redis at 127.0.0.1:${port} (REDIS_URL) cannot be reached: the connection was refused.`,
      ),
    );
  });

  test('may be several Redis, of which each must answer, or known to Sentinels or a Cluster', async () => {
    const several = await startSeveralRedis(3);
    const sentinel = await startRedisSentinel();
    const cluster = await startRedisCluster();
    toStop.push(several, sentinel, cluster);
    for (const { url } of [several, sentinel, cluster]) {
      const hosts = url.match(/127\.0\.0\.1:\d+/g)?.join();
      const services = await bring({ ...process.env, REDIS_URL: url });
      expect(services.redis.url).toBe(url);
      expect(services.redis.chosen).toContain(` at ${hosts}, because REDIS_URL is set.`);
    }
    await several.servers[1]?.stop();
    await expect(bring({ ...process.env, REDIS_URL: several.url })).rejects.toThrow(
      `Redis at 127.0.0.1:${several.servers[1]?.port} (REDIS_URL) cannot be reached`,
    );
  });

  test('is named in one sentence without the password where it refuses us', async () => {
    const wrong = new URL(process.env.MYSQL_URL ?? '');
    wrong.username = 'nobody-knows';
    wrong.password = 's3cret';
    const refusal = bring({ ...process.env, MYSQL_URL: wrong.href });
    await expect(refusal).rejects.toThrow(/refuses the password.+for the user nobody-knows\.$/);
    await expect(refusal).rejects.not.toThrow(/s3cret/);

    const server = await startIf(hasRedisServer || hasPackages, () => startPrivateRedis());
    if (!server) return;
    await withRedis(server.url, (redis) => redis.config('SET', 'requirepass', 'right'));
    const REDIS_URL = server.url.replace('//', '//:s3cret@');
    const redisRefusal = bring({ ...process.env, REDIS_URL });
    await expect(redisRefusal).rejects.toThrow(/^Redis at .+ refuses the password/);
    await expect(redisRefusal).rejects.not.toThrow(/s3cret/);
  });

  test('that has failed is told, also where an interruption follows before the rest has stopped', async () => {
    const interruption = new AbortController();
    const bringing = bringServices({
      env: { ...process.env, MYSQL_URL: 'http://127.0.0.1', REDIS_URL: '' },
      signal: interruption.signal,
      log: () => undefined,
    });
    setImmediate(() => {
      interruption.abort();
    });
    await expect(bringing).rejects.toThrow('MYSQL_URL');
  });

  test('is asked for in words that say what to install, where there is no other way', async () => {
    const env = { STOCKADE_SERVICES_SKIP: 'docker,machine,packages,mariadb' };
    const nothing = bring(env);
    await expect(nothing).rejects.toThrow(/Install Docker, MySQL .+ or set MYSQL_URL\./);
    await expect(nothing).rejects.toThrow(/Install Docker or Redis .+ or set REDIS_URL\./);
  });
});

describe('a program of this machine', () => {
  const folders: string[] = [];
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
  });

  /** A folder for the PATH, with a program that only says its version. */
  function folderWith(name: string, version: string): string {
    const folder = mkdtempSync(join(tmpdir(), 'stockade-path-'));
    folders.push(folder);
    writeFileSync(join(folder, name), `#!/bin/sh\necho '${version}'\n`, { mode: 0o755 });
    return folder;
  }

  test('is passed over where it is too old', async () => {
    const old = folderWith('redis-server', 'Redis server v=6.2.14 sha=00000000:0 bits=64');
    const recent = folderWith('redis-server', 'Redis server v=7.0.0 sha=00000000:0 bits=64');
    const find = (PATH: string) => findRedisServer({ ...search, env: { PATH } });
    const another = await find(old).catch(() => null);
    expect(another?.command).not.toEqual([join(old, 'redis-server')]);
    const found = await find(`${old}:${recent}`);
    expect(found.command).toEqual([join(recent, 'redis-server')]);

    const mariadbd = folderWith('mariadbd', 'mariadbd  Ver 10.6.18-MariaDB for Linux on x86_64');
    const other = await findMariadbd({ ...search, env: { PATH: mariadbd } }).catch(() => null);
    expect(other?.command).not.toEqual([join(mariadbd, 'mariadbd')]);
  });
});

describe('Docker', () => {
  test('is passed over with what to install where a package is without Testcontainers', async () => {
    // As where only the dependencies of the package are installed.
    const hook = `export async function resolve(name, context, next) {
      if (/^(@testcontainers\\/|testcontainers)/.test(name)) throw new Error('Cannot find ' + name);
      return next(name, context);
    }`;
    const url = `data:text/javascript,${encodeURIComponent(hook)}`;
    const code = `(await import('node:module')).register(${JSON.stringify(url)});
      const { bringServices } = await import('./dist/services/services.js');
      const { signal } = new AbortController();
      await bringServices({ env: process.env, signal, log: () => undefined }).catch(
        (error) => console.log(error.message),
      );`;
    const program = startProgram(['--input-type=module', '--eval', code], {
      STOCKADE_SERVICES_SKIP: 'machine,packages,mariadb',
      DOCKER_HOST: 'unix:///nowhere.sock',
    });
    toDiscard.push(program);
    expect(await program.exited).toBe(0);
    const advice = /npm install testcontainers @testcontainers\/mysql/g;
    expect([...program.stdout().matchAll(advice)]).toHaveLength(2);
  });

  test('gives both services where an engine answers, and says so where none does', async () => {
    const env = { ...process.env, MYSQL_URL: '', REDIS_URL: '' };
    const services = await bringServices({
      env: { ...env, STOCKADE_SERVICES_SKIP: 'machine,packages,mariadb' },
      signal: AbortSignal.timeout(100_000),
      log: () => undefined,
    }).catch((error: unknown) => error as Error);
    if (services instanceof Error) {
      expect(services.message).toMatch(/no Docker engine answers|Docker does not have the image/);
      return;
    }
    toStop.push(services);
    expect(services.mysql.chosen).toMatch(/in Docker \(mysql:.+because a Docker engine answers\.$/);
    expect(await query(services.mysql.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
    expect(await withRedis(services.redis.url, (redis) => redis.ping())).toBe('PONG');
    const open = new URL(services.redis.url);
    open.password = '';
    await expect(withRedis(open.href, (redis) => redis.ping())).rejects.toThrow(/NOAUTH/);
    await services.stop();
    await expect(query(services.mysql.url, 'SELECT 1')).rejects.toThrow();
  });
});

describe('what was started', () => {
  /** Brings both services and holds them until it is interrupted. */
  const PROGRAM = `
    const { bringServices } = await import('./dist/services/services.js');
    const interruption = new AbortController();
    const interrupted = new Promise((resolve) => {
      process.on('SIGINT', () => { interruption.abort(); resolve(); });
    });
    const turning = setInterval(() => undefined, 1000);
    console.log('begins');
    try {
      const services = await bringServices({
        env: process.env, signal: interruption.signal, log: () => undefined,
      });
      console.log('ready');
      await interrupted;
      await services.stop();
    } catch (error) {
      if (!interruption.signal.aborted) throw error;
    }
    clearInterval(turning);`;

  function hold(skipped: string): StartedProgram {
    const args = ['--input-type=module', '--eval', PROGRAM];
    const program = startProgram(args, { STOCKADE_SERVICES_SKIP: skipped });
    toDiscard.push(program);
    return program;
  }

  const skipped = hasPackages ? 'docker,machine,mariadb' : 'docker';

  test('has gone after a stop, processes and folders', async () => {
    const program = hold(skipped);
    await program.until('ready', () => program.stdout().includes('ready'));
    expect(program.descendants().length).toBeGreaterThanOrEqual(2);
    expect(program.files()).not.toEqual([]);
    program.signal('SIGINT');
    expect(await program.exited).toBe(0);
    expect(program.descendants()).toEqual([]);
    expect(program.files()).toEqual([]);
  });

  test.each([
    ['at its very beginning', (p: StartedProgram) => p.stdout().includes('begins')],
    ['while the data folder is made', (p: StartedProgram) => has(p, /mysql-\w+\/data\/./)],
    ['while the server boots', (p: StartedProgram) => has(p, /mysql-\w+\/server\.log$/)],
  ])('has gone after an interruption %s', async (_when, moment) => {
    // Where this process paused, the program may have gone on to its end before it was interrupted.
    const wasInTime = await heldOnce(3, async () => {
      const program = hold(skipped);
      await program.until('the moment', () => moment(program));
      program.signal('SIGINT');
      expect(await program.exited).toBe(0);
      expect(program.descendants()).toEqual([]);
      expect(program.files()).toEqual([]);
      return !program.stdout().includes('ready');
    });
    expect(wasInTime).toBe(true);
  });

  function has(program: StartedProgram, pattern: RegExp): boolean {
    return program.files().some((file) => pattern.test(file));
  }

  test('has gone after an unexpected end', async () => {
    const program = hold(skipped);
    await program.until('ready', () => program.stdout().includes('ready'));
    // SIGKILL cannot be handled, so none of the program's own code runs after it.
    const servers = program.descendants();
    program.signal('SIGKILL');
    expect(await program.exited).toBe(null);
    // The kernel kills the servers right after us, on Linux; elsewhere there are none to look at.
    await until('the end of the servers', () => servers.filter(isAlive).length === 0);
  });
});

describe('the cache of packages', () => {
  const PROMISE = 'Redis: downloading its packages into .cache/, once …';
  let cacheFolder: string;
  beforeEach(() => {
    cacheFolder = mkdtempSync(join(tmpdir(), 'stockade-cache-'));
  });
  afterEach(() => {
    rmSync(cacheFolder, { recursive: true, force: true });
  });

  test('has no half in it after an interruption, and none where nothing can be had', async () => {
    const interruption = new AbortController();
    const lines: string[] = [];
    const log = (line: string) => {
      lines.push(line);
      // In the middle of the download, whose size is known by then.
      if (/^Redis: \d+ of [1-9]\d* MB, \d+ s$/.test(line))
        interruption.abort(new Error('interrupted'));
    };
    const unpacking = unpackRedis({ signal: interruption.signal, log, cacheFolder });
    await expect(unpacking).rejects.toThrow(hasPackages ? 'interrupted' : WayUnavailable);
    expect(readdirSync(cacheFolder)).toEqual([]);
    expect(lines[0]).toBe(hasPackages ? PROMISE : undefined);
  });
});
