/**
 * A private Redis without persistence: after a restart it is empty, as a Redis that holds locks may be at any time. It
 * listens on the loopback only.
 */
import { askRedis } from './answering.js';
import { makeTemporaryFolder } from './child-processes.js';
import { unpackRedis } from './debian-packages.js';
import { findRedisServer, type Program } from './machine-programs.js';
import { startPrivateServer, type PrivateServer } from './private-server.js';
import { ServiceError, WayUnavailable } from './service-errors.js';
import { readSkippedWays } from './skipped-ways.js';
import { chooseWay, type Attempt } from './way-choice.js';

const BOOT_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 5_000;

export interface PrivateRedisOptions {
  readonly port?: number | undefined;
  /** Further options of the server; they override the defaults. */
  readonly args?: readonly string[] | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/** From this machine's programs or the distribution's packages. @throws ServiceError, or the signal's reason. */
export async function startPrivateRedis(options: PrivateRedisOptions = {}): Promise<PrivateServer> {
  const skipped = readSkippedWays(options.env ?? process.env);
  try {
    return (await chooseWay(privateRedisWays(options), skipped)).made;
  } catch (error) {
    if (!(error instanceof WayUnavailable)) throw error;
    throw new ServiceError(`No private Redis can be started: ${error.message}.`, { cause: error });
  }
}

export function privateRedisWays(options: PrivateRedisOptions): Attempt<PrivateServer>[] {
  const search = {
    env: options.env ?? process.env,
    signal: options.signal ?? new AbortController().signal,
    log: options.log ?? (() => undefined),
  };
  const start = (program: Program) => startProgram(program, { ...options, ...search });
  return [
    {
      way: 'machine',
      title: 'Redis on this machine',
      run: () => start(findRedisServer(search)),
    },
    {
      way: 'packages',
      title: "the distribution's packages",
      run: async () => start(await unpackRedis(search)),
    },
  ];
}

async function startProgram(
  program: Program,
  options: PrivateRedisOptions & { readonly signal: AbortSignal },
): Promise<PrivateServer> {
  const folder = await makeTemporaryFolder('stockade-redis-');
  const keepNothing = ['--save', '', '--appendonly', 'no'];
  const recipe = {
    name: 'Redis',
    where: program.where,
    folder,
    bootTimeoutMs: BOOT_TIMEOUT_MS,
    stopTimeoutMs: STOP_TIMEOUT_MS,
    command: (port: number): [string, ...string[]] => [
      ...program.command,
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder],
      ...keepNothing,
      ...(options.args ?? []),
    ],
    url: (port: number) => `redis://127.0.0.1:${port}`,
    ask: async (port: number, pid: number) => {
      const answer = await askRedis(`redis://127.0.0.1:${port}`);
      if (answer.pid !== pid) throw new ServiceError('Another server has the port.');
      return answer.version;
    },
  };
  return startPrivateServer(recipe, options);
}
