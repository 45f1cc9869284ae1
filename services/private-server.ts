/**
 * A private server on a free port, from its first start to the removal of its folder. It has started when it answers
 * over the network *and* is the process that was started: another server may take a free port a moment earlier, and
 * then the next port is tried.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { ServerProcess, deathPact, lastComplaint, removeFolder } from './child-processes.js';
import { ServiceError, WayUnavailable } from './service-errors.js';

const PORTS_TRIED_MAX = 5;
const POLL_INTERVAL_MS = 40;

export interface PrivateServer {
  readonly url: string;
  readonly port: number;
  /** Changes with each restart. */
  readonly pid: number;
  readonly version: string;
  /** Where the server's program comes from, as in "on this machine". */
  readonly where: string;
  /** Stops it cleanly and removes its folder. Safe to repeat, also after a signal has stopped or killed it. */
  stop(): Promise<void>;
  /** Sends a signal. If the signal ends the server, resolves when it has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on its port, after stopping it if it still runs. */
  restart(): Promise<void>;
}

/** What distinguishes one server from another. */
export interface Recipe {
  readonly name: string;
  readonly where: string;
  readonly folder: string;
  readonly bootTimeoutMs: number;
  readonly stopTimeoutMs: number;
  command(port: number): readonly [string, ...string[]];
  url(port: number): string;
  /** Its version. @throws while it does not answer, or if another process answers. */
  ask(port: number, pid: number): Promise<string>;
}

/** A fixed port is tried alone. @throws WayUnavailable, or the signal's reason; nothing is left behind then. */
export async function startPrivateServer(
  recipe: Recipe,
  options: { readonly port?: number | undefined; readonly signal: AbortSignal },
): Promise<PrivateServer> {
  const { signal } = options;
  try {
    for (let tried = 1; ; tried++) {
      const port = options.port ?? (await freePort());
      try {
        const { running, version } = await boot(recipe, port, signal);
        return new Instance(recipe, port, version, running);
      } catch (error) {
        const again = error instanceof PortTaken && options.port === undefined;
        if (again && tried < PORTS_TRIED_MAX) continue;
        throw error;
      }
    }
  } catch (error) {
    await removeFolder(recipe.folder);
    throw error;
  }
}

class PortTaken extends WayUnavailable {}

interface Booted {
  readonly running: ServerProcess;
  readonly version: string;
}

async function boot(recipe: Recipe, port: number, signal: AbortSignal): Promise<Booted> {
  signal.throwIfAborted();
  const pact = await deathPact();
  const [program, ...args] = [...pact, ...recipe.command(port)] as [string, ...string[]];
  const logFile = join(recipe.folder, 'server.log');
  const running = new ServerProcess(program, args, logFile);
  const giveUpMs = performance.now() + recipe.bootTimeoutMs;
  try {
    while (running.alive && performance.now() < giveUpMs) {
      const version = await recipe.ask(port, running.pid).catch(() => null);
      if (version !== null) return { running, version };
      signal.throwIfAborted();
      await Promise.race([running.exited, wait(POLL_INTERVAL_MS, undefined, { signal })]);
    }
    const log = await readFile(logFile, 'utf8').catch(() => '');
    if (/address already in use/i.test(log)) {
      throw new PortTaken(`${recipe.name} found the port ${port} taken`);
    }
    const why = running.alive
      ? `did not answer in ${recipe.bootTimeoutMs / 1000} s`
      : `did not start (${lastComplaint(log) || 'it said nothing'})`;
    throw new WayUnavailable(`${recipe.name} ${recipe.where} ${why}`);
  } catch (error) {
    // Its data are not needed, so it need not stop cleanly.
    await running.stop(0);
    signal.throwIfAborted();
    throw error;
  }
}

class Instance implements PrivateServer {
  readonly url: string;
  readonly where: string;
  private stopped: Promise<void> | undefined;

  constructor(
    private readonly recipe: Recipe,
    readonly port: number,
    readonly version: string,
    private running: ServerProcess,
  ) {
    this.url = recipe.url(port);
    this.where = recipe.where;
  }

  get pid(): number {
    return this.running.pid;
  }

  stop(): Promise<void> {
    this.stopped ??= this.running
      .stop(this.recipe.stopTimeoutMs)
      .then(() => removeFolder(this.recipe.folder));
    return this.stopped;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.running.signal(signal);
    if (signal === 'SIGSTOP' || signal === 'SIGCONT') return;
    await this.running.end();
  }

  async restart(): Promise<void> {
    if (this.stopped) throw new ServiceError(`${this.recipe.name} has been stopped for good.`);
    await this.running.stop(this.recipe.stopTimeoutMs);
    const { running } = await boot(this.recipe, this.port, new AbortController().signal);
    this.running = running;
  }
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === 'object') resolve(address.port);
        else reject(new ServiceError('The system gave no free port.'));
      });
    });
  });
}
