/**
 * Provides MySQL and Redis for development, tests and benchmarks: the servers that the user named, else containers,
 * else this machine's programs as private instances, else the distribution's packages, else MariaDB. Each service says
 * which way was chosen and why. A server that the user did not name is never touched. Everything that was started is
 * stopped, also when the start is aborted.
 */
import { startMysqlContainer, startRedisContainer } from './docker-services.js';
import { reachGivenMysql, reachGivenRedis, type GivenServer } from './given-servers.js';
import { keptFlavour } from './kept-data.js';
import { privateMysqlWays } from './private-mysql.js';
import { privateRedisWays } from './private-redis.js';
import { ServiceError, WayUnavailable } from './service-errors.js';
import { readSkippedWays } from './skipped-ways.js';
import { chooseWay, type Attempt } from './way-choice.js';

const SECOND_FAILURE_WAIT_MS = 500;

export interface RunningService {
  readonly url: string;
  /** One sentence: the way that was chosen, and why those before it were not. */
  readonly chosen: string;
  stop(): Promise<void>;
}

export interface BringOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
  /** A folder in which the data of a MySQL that is started here stay. */
  readonly keepIn?: string | undefined;
}

export interface Services {
  readonly mysql: RunningService;
  readonly redis: RunningService;
  stop(): Promise<void>;
}

/** @throws ServiceError with a sentence for the user, or the signal's reason, after everything was stopped. */
export async function bringServices(options: BringOptions): Promise<Services> {
  // When one of the two fails, the other one is aborted after a short wait. If it fails within it, the user gets both
  // reasons.
  const failed = new AbortController();
  let patience: NodeJS.Timeout | undefined;
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const failures: unknown[] = [];
  const both = [bringMysql, bringRedis].map(async (bring) => {
    try {
      return await bring({ ...options, signal });
    } catch (error) {
      // What fails after an abort from outside fails of it; what has failed before is told, also where one follows.
      if (!options.signal.aborted) failures.push(error);
      patience ??= setTimeout(() => {
        failed.abort(error);
      }, SECOND_FAILURE_WAIT_MS);
      throw error;
    }
  });
  const outcomes = await Promise.allSettled(both);
  clearTimeout(patience);
  const running = outcomes.flatMap((o) => (o.status === 'fulfilled' ? [o.value] : []));
  const [mysql, redis] = running;
  const stop = async () => {
    await Promise.all(running.map((service) => service.stop()));
  };
  if (mysql && redis && !options.signal.aborted) return { mysql, redis, stop };
  await stop();
  if (failures.length === 0) options.signal.throwIfAborted();
  throw explainFailures(failures);
}

function explainFailures(reasons: readonly unknown[]): unknown {
  const messages = reasons.flatMap((r) => (r instanceof ServiceError ? [r.message] : []));
  // An aborted start fails with the first reason: it is shown once.
  const distinct = [...new Set(messages)];
  return distinct.length > 1 ? new ServiceError(distinct.join('\n')) : reasons[0];
}

async function bringMysql(options: BringOptions): Promise<RunningService> {
  const { env } = options;
  const given = env.MYSQL_URL;
  if (given) return asGiven('MySQL', 'MYSQL_URL', await reachGivenMysql(given));
  const { keepIn } = options;
  const kept = keepIn === undefined ? null : keptFlavour(keepIn);
  const advice =
    kept === null
      ? { need: 'MySQL', install: INSTALL_MYSQL }
      : {
          need: `${NAMES[kept]}, of which the data in ${keepIn} are,`,
          install: 'Install it, or name another folder: --keep <folder>.',
        };
  return choose('MySQL', env, advice, [
    { way: 'docker', title: 'Docker', run: () => startContainer(options) },
    // Beside data of the one, the other would make an empty database.
    ...(kept === 'mariadb' ? [] : privateMysqlWays(options)),
    ...(kept === 'mysql' ? [] : privateMysqlWays({ ...options, flavour: 'mariadb' })),
  ]);
}

const NAMES = { mysql: 'MySQL', mariadb: 'MariaDB' };

async function startContainer(options: BringOptions): Promise<Started> {
  if (options.keepIn !== undefined) {
    throw new WayUnavailable('a container of Docker would not keep the data');
  }
  return startMysqlContainer(options);
}

async function bringRedis(options: BringOptions): Promise<RunningService> {
  const { env } = options;
  const given = env.REDIS_URL;
  if (given) return asGiven('Redis', 'REDIS_URL', await reachGivenRedis(given));
  return choose('Redis', env, { need: 'Redis', install: INSTALL_REDIS }, [
    { way: 'docker', title: 'Docker', run: () => startRedisContainer(options) },
    ...privateRedisWays(options),
  ]);
}

const INSTALL_MYSQL =
  'Install Docker, MySQL 8.0.16 or later, or MariaDB 10.11 or later, or set MYSQL_URL.';
const INSTALL_REDIS = 'Install Docker or Redis 7 or later, or set REDIS_URL.';

function asGiven(name: string, variable: string, server: GivenServer): RunningService {
  return {
    url: server.url,
    chosen: `${name}: ${server.version} at ${server.host}, because ${variable} is set.`,
    stop: () => Promise.resolve(),
  };
}

interface Started {
  readonly url: string;
  readonly version: string;
  readonly where: string;
  stop(): Promise<void>;
}

async function choose(
  name: string,
  env: NodeJS.ProcessEnv,
  advice: { readonly need: string; readonly install: string },
  attempts: readonly Attempt<Started>[],
): Promise<RunningService> {
  try {
    const { made, passedOver } = await chooseWay(attempts, readSkippedWays(env));
    const why = passedOver.length === 0 ? 'a Docker engine answers' : passedOver.join(' and ');
    return {
      url: made.url,
      chosen: `${name}: ${made.version} ${made.where}, because ${why}.`,
      stop: () => made.stop(),
    };
  } catch (error) {
    if (!(error instanceof WayUnavailable)) throw error;
    const sentence = `${advice.need} cannot be had here: ${error.message}. ${advice.install}`;
    throw new ServiceError(sentence, { cause: error });
  }
}
