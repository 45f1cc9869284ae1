/**
 * A private Redis, or Valkey, without persistence: after a restart it is empty, as a Redis that holds locks may be at
 * any time. It listens on the loopback only.
 */
import { askRedis } from './answering.js';
import { makeTemporaryFolder } from './child-processes.js';
import { unpackRedis, unpackValkey } from './debian-packages.js';
import { findRedisServer, findValkeyServer, type Program } from './machine-programs.js';
import { startPrivateServer, type PrivateServer } from './private-server.js';
import { administrator, redisUrl, securityArgs, type RedisSecurity } from './redis-security.js';
import { ServiceError } from './service-errors.js';
import { readSearch, takeFirstWay, type Attempt, type SearchOptions } from './way-choice.js';

const BOOT_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;

export type RedisFlavour = 'redis' | 'valkey';

/** What is common to one server and to several of them. */
export interface RedisOptions extends SearchOptions {
  readonly flavour?: RedisFlavour | undefined;
  readonly security?: RedisSecurity | undefined;
  /** Further options of each server; they override the defaults. */
  readonly args?: readonly string[] | undefined;
}

export interface PrivateRedisOptions extends RedisOptions {
  readonly port?: number | undefined;
}

/** From this machine's programs or the distribution's packages. @throws ServiceError, or the signal's reason. */
export function startPrivateRedis(options: PrivateRedisOptions = {}): Promise<PrivateServer> {
  return withRedisProgram(options, (program) => startRedisServer(program, options));
}

/** Starts one server, or several, of the first program of which it can be done. */
export function withRedisProgram<T>(
  options: RedisOptions,
  start: (program: Program) => Promise<T>,
): Promise<T> {
  const what = `private ${nameOf(options)}`;
  return takeFirstWay(redisWays(options, start), readSearch(options), { what });
}

export function privateRedisWays(options: PrivateRedisOptions): Attempt<PrivateServer>[] {
  return redisWays(options, (program) => startRedisServer(program, options));
}

function redisWays<T>(
  options: RedisOptions,
  start: (program: Program) => Promise<T>,
): Attempt<T>[] {
  const search = readSearch(options);
  const isValkey = options.flavour === 'valkey';
  return [
    {
      way: 'machine',
      title: `${nameOf(options)} on this machine`,
      run: async () => start(await (isValkey ? findValkeyServer : findRedisServer)(search)),
    },
    {
      way: 'packages',
      title: "the distribution's packages",
      run: async () => start(await (isValkey ? unpackValkey : unpackRedis)(search)),
    },
  ];
}

function nameOf({ flavour }: RedisOptions): string {
  return flavour === 'valkey' ? 'Valkey' : 'Redis';
}

export async function startRedisServer(
  program: Program,
  options: PrivateRedisOptions,
): Promise<PrivateServer> {
  const folder = await makeTemporaryFolder('stockade-redis-');
  return startInFolder(program, folder, options, ['--save', '', '--appendonly', 'no']);
}

/** Any process of the program, a Sentinel among them. */
export function startInFolder(
  program: Program,
  folder: string,
  options: PrivateRedisOptions,
  own: readonly string[],
): Promise<PrivateServer> {
  const { security = {} } = options;
  const recipe = {
    name: nameOf(options),
    where: program.where,
    folder,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    command: (port: number): [string, ...string[]] => [
      ...program.command,
      ...own,
      ...['--bind', '127.0.0.1', '--dir', folder],
      ...securityArgs(security, port),
      ...(options.args ?? []),
    ],
    url: (port: number) => redisUrl(security, [port]),
    ask: async (port: number, pid: number) => {
      const url = `redis://127.0.0.1:${port}`;
      const answer = await askRedis(url, undefined, administrator(security));
      if (answer.pid !== pid) throw new ServiceError('Another server has the port.');
      return answer.version;
    },
  };
  const { signal = new AbortController().signal, port } = options;
  return startPrivateServer(recipe, { port, signal });
}
