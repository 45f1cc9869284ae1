/**
 * MySQL and Redis in containers, by Testcontainers. The engine must answer, and it must have the image or pull it
 * within a bound. Testcontainers is loaded only if a socket to an engine exists. Its reaper removes the containers
 * after this process was killed; without its image the containers run without it.
 */
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { ContainerRuntimeClient, StartedTestContainer } from 'testcontainers';
import { askMysql, askRedis } from './answering.js';
import { reasonOf } from './child-processes.js';
import { WayUnavailable } from './service-errors.js';

export const MYSQL_IMAGE = 'mysql:9.7';
export const REDIS_IMAGE = 'redis:8';

const ENGINE_TIMEOUT_MS = 10_000;
const PULL_TIMEOUT_MS = 180_000;
const REAPER_PULL_TIMEOUT_MS = 20_000;
const START_TIMEOUT_MS = 90_000;
const ANSWER_TIMEOUT_MS = 30_000;
const REMOVAL_TIMEOUT_MS = 20_000;
const POLL_INTERVAL_MS = 100;
const OWNER_LABEL = 'stockade.started-by';

export interface DockerOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal: AbortSignal;
  readonly log: (line: string) => void;
}

export interface ContainerService {
  readonly url: string;
  readonly version: string;
  readonly where: string;
  stop(): Promise<void>;
}

/** @throws WayUnavailable, or the signal's reason; nothing is left behind then. */
export async function startMysqlContainer(options: DockerOptions): Promise<ContainerService> {
  const engine = await engineWith(MYSQL_IMAGE, options);
  const { MySqlContainer } = await import('@testcontainers/mysql');
  const label = newLabel();
  const container = new MySqlContainer(MYSQL_IMAGE)
    .withDatabase('stockade')
    .withRootPassword(randomBytes(12).toString('hex'))
    .withLabels({ [OWNER_LABEL]: label })
    .withCommand(['--max-connections=500', '--mysqlx=OFF'])
    .withStartupTimeout(START_TIMEOUT_MS);
  return startContainer(engine, label, options.signal, {
    image: MYSQL_IMAGE,
    starting: container.start(),
    url: (started) => started.getConnectionUri(true),
    ask: askMysql,
  });
}

/** @throws WayUnavailable, or the signal's reason; nothing is left behind then. */
export async function startRedisContainer(options: DockerOptions): Promise<ContainerService> {
  const engine = await engineWith(REDIS_IMAGE, options);
  const { GenericContainer } = await import('testcontainers');
  const label = newLabel();
  const command = ['redis-server', '--save', '', '--appendonly', 'no'];
  // Docker publishes the port at all addresses of this machine.
  const password = randomBytes(12).toString('hex');
  const container = new GenericContainer(REDIS_IMAGE)
    .withExposedPorts(6379)
    .withLabels({ [OWNER_LABEL]: label })
    .withCommand([...command, '--bind', '0.0.0.0', '--requirepass', password])
    .withStartupTimeout(START_TIMEOUT_MS);
  return startContainer(engine, label, options.signal, {
    image: REDIS_IMAGE,
    starting: container.start(),
    url: (started) => `redis://:${password}@${started.getHost()}:${started.getMappedPort(6379)}`,
    ask: askRedis,
  });
}

function newLabel(): string {
  if (labelsPresent.size === 0) process.once('exit', removeAtExit);
  const label = `${process.pid}-${randomBytes(6).toString('hex')}`;
  labelsPresent.add(label);
  return label;
}

const labelsPresent = new Set<string>();

/** For an exit that cannot wait: Docker's client is the only synchronous way to the engine. */
function removeAtExit(): void {
  for (const label of labelsPresent) {
    const filter = `label=${OWNER_LABEL}=${label}`;
    const options = { encoding: 'utf8', timeout: REMOVAL_TIMEOUT_MS } as const;
    const list = spawnSync('docker', ['ps', '-aq', '--filter', filter], options);
    const ids = list.error ? [] : list.stdout.split('\n').filter((id) => id !== '');
    if (ids.length > 0) spawnSync('docker', ['rm', '--force', '--volumes', ...ids], options);
  }
}

async function engineWith(image: string, options: DockerOptions): Promise<ContainerRuntimeClient> {
  const { signal, log } = options;
  signal.throwIfAborted();
  if (!anEngineMayBeThere(options.env)) throw new WayUnavailable('no Docker engine answers');
  const { getContainerRuntimeClient, ImageName } = await importTestcontainers();
  const engine = await within(getContainerRuntimeClient(), {
    ms: ENGINE_TIMEOUT_MS,
    signal,
    otherwise: 'no Docker engine answers',
  });
  const name = ImageName.fromString(image);
  const otherwise = `Docker does not have the image ${image} and cannot pull it`;
  if (!(await within(engine.image.exists(name), { ms: ENGINE_TIMEOUT_MS, signal, otherwise }))) {
    log(`Docker: pulling the image ${image} …`);
    await within(engine.image.pull(name), { ms: PULL_TIMEOUT_MS, signal, otherwise });
  }
  await settleReaper(engine, signal);
  return engine;
}

/** It is no dependency of the package, only of the checkout. */
async function importTestcontainers(): Promise<typeof import('testcontainers')> {
  try {
    await import('@testcontainers/mysql');
    return await import('testcontainers');
  } catch (error) {
    const install = 'npm install testcontainers @testcontainers/mysql';
    throw new WayUnavailable(`Docker is used by Testcontainers, which is missing ("${install}")`, {
      cause: error,
    });
  }
}

/** The places where Testcontainers looks for an engine. */
function anEngineMayBeThere(env: NodeJS.ProcessEnv): boolean {
  if (env.DOCKER_HOST) return true;
  const runtime = env.XDG_RUNTIME_DIR ?? `/run/user/${String(process.getuid?.() ?? 0)}`;
  const sockets = ['/var/run/docker.sock', join(runtime, 'docker.sock')];
  for (const part of ['run', 'desktop'])
    sockets.push(join(homedir(), '.docker', part, 'docker.sock'));
  if (sockets.some((path) => existsSync(path))) return true;
  try {
    return /^\s*(tc|docker)\.host/m.test(
      readFileSync(join(homedir(), '.testcontainers.properties'), 'utf8'),
    );
  } catch {
    return false;
  }
}

async function settleReaper(engine: ContainerRuntimeClient, signal: AbortSignal): Promise<void> {
  if (process.env.TESTCONTAINERS_RYUK_DISABLED === 'true') return;
  const { ImageName } = await import('testcontainers');
  const { REAPER_IMAGE } = (await import('testcontainers/build/reaper/reaper.js')) as {
    readonly REAPER_IMAGE: string;
  };
  try {
    await within(engine.image.pull(ImageName.fromString(REAPER_IMAGE)), {
      ms: REAPER_PULL_TIMEOUT_MS,
      signal,
      otherwise: 'the reaper cannot be had',
    });
  } catch (error) {
    if (!(error instanceof WayUnavailable)) throw error;
    process.env.TESTCONTAINERS_RYUK_DISABLED = 'true';
  }
}

interface Start<T extends StartedTestContainer> {
  readonly image: string;
  readonly starting: Promise<T>;
  readonly url: (started: T) => string;
  readonly ask: (url: string) => Promise<{ readonly version: string }>;
}

async function startContainer<T extends StartedTestContainer>(
  engine: ContainerRuntimeClient,
  label: string,
  signal: AbortSignal,
  start: Start<T>,
): Promise<ContainerService> {
  const otherwise = `the container of ${start.image} did not start`;
  try {
    const started = await within(start.starting, { ms: START_TIMEOUT_MS, signal, otherwise });
    const url = start.url(started);
    const version = await untilItAnswers(() => start.ask(url), { signal, otherwise });
    const stop = () => removeContainers(engine, label, start.starting);
    return { url, version, where: `in Docker (${start.image})`, stop };
  } catch (error) {
    await removeContainers(engine, label, start.starting);
    throw error;
  }
}

async function untilItAnswers(
  ask: () => Promise<{ readonly version: string }>,
  limits: { readonly signal: AbortSignal; readonly otherwise: string },
): Promise<string> {
  const giveUpMs = performance.now() + ANSWER_TIMEOUT_MS;
  for (;;) {
    try {
      return (await ask()).version;
    } catch (error) {
      if (performance.now() > giveUpMs) {
        throw new WayUnavailable(`${limits.otherwise} (${reasonOf(error)})`, { cause: error });
      }
    }
    await wait(POLL_INTERVAL_MS, undefined, { signal: limits.signal });
  }
}

/** A start cannot be cancelled, so its containers are removed until it has ended, with or without success. */
async function removeContainers(
  engine: ContainerRuntimeClient,
  label: string,
  starting: Promise<unknown>,
): Promise<void> {
  const ended = new AbortController();
  const end = starting.then(
    () => {
      ended.abort();
    },
    () => {
      ended.abort();
    },
  );
  const giveUpMs = performance.now() + REMOVAL_TIMEOUT_MS;
  const { dockerode } = engine.container;
  for (;;) {
    const isLast = ended.signal.aborted || performance.now() > giveUpMs;
    const filters = { label: [`${OWNER_LABEL}=${label}`] };
    for (const { Id } of await dockerode.listContainers({ all: true, filters })) {
      // Its data are not needed, so it is killed; it may have ended already.
      await dockerode
        .getContainer(Id)
        .remove({ force: true, v: true })
        .catch(() => undefined);
    }
    if (isLast) {
      labelsPresent.delete(label);
      return;
    }
    await Promise.race([end, wait(POLL_INTERVAL_MS)]);
  }
}

/** Bounds work that cannot be cancelled. @throws WayUnavailable, or the signal's reason. */
async function within<T>(
  work: Promise<T>,
  limits: { readonly ms: number; readonly signal: AbortSignal; readonly otherwise: string },
): Promise<T> {
  const { signal, otherwise } = limits;
  const over = new AbortController();
  const deadline = wait(limits.ms, undefined, { signal: AbortSignal.any([signal, over.signal]) });
  try {
    return await Promise.race([
      work,
      deadline.then(() => {
        throw new WayUnavailable(otherwise);
      }),
    ]);
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof WayUnavailable) throw error;
    throw new WayUnavailable(`${otherwise} (${reasonOf(error)})`, { cause: error });
  } finally {
    over.abort();
  }
}
