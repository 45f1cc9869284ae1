/** Real server processes for the tests: the built program, started as an operator would, on a port of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { freePort } from '../../services/private-server.js';

export interface ServerProcess {
  /** As in `http://127.0.0.1:40123`. */
  readonly origin: string;
  readonly graphqlUrl: string;
  readonly pid: number;
  /** All that it has printed. */
  output(): string;
  /** Sends the signal and, for one that ends it, waits for the end. Resolves with the exit code. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
  signal(signal: NodeJS.Signals): void;
  /** Ends it as an operator would; fails the test where it does not stop by itself. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 90_000;
const STOP_TIMEOUT_MS = 60_000;

/** @param program the `stockade.js` of another version. */
export async function startServer(
  env: Record<string, string>,
  program = 'dist/src/cli/stockade.js',
): Promise<ServerProcess> {
  const port = env.PORT ?? String(await freePort());
  const child = spawn(process.execPath, [program, 'start'], {
    env: {
      PATH: process.env.PATH,
      LOG_LEVEL: 'warn',
      INTROSPECTION: 'true',
      // Without keys, which production insists on.
      NODE_ENV: 'test',
      ...env,
      HOST: '127.0.0.1',
      PORT: port,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  }
  const origin = `http://127.0.0.1:${port}`;
  await untilLive(child, origin, () => printed);
  return {
    origin,
    graphqlUrl: `${origin}/graphql`,
    pid: child.pid ?? 0,
    output: () => printed,
    signal: (signal) => {
      child.kill(signal);
    },
    kill: (signal) => end(child, signal),
    stop: async () => {
      if (child.exitCode) throw new Error(`The server ended with ${child.exitCode}:\n${printed}`);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const code = await end(child, 'SIGTERM');
      if (code !== 0) throw new Error(`The server stopped with ${String(code)}:\n${printed}`);
    },
  };
}

/**
 * Whether it has found the Redis of its lock away, be it for a moment: row locks have then replaced the lock, and what
 * was written under them has no token. A Redis that the machine holds up for 300 ms is away.
 */
export function hasMissedRedis(server: ServerProcess): boolean {
  return server.output().includes('Redis does not serve the lock.');
}

/** Starts so many processes at once, on one database. */
export function startServers(count: number, env: Record<string, string>): Promise<ServerProcess[]> {
  return Promise.all(Array.from({ length: count }, () => startServer(env)));
}

async function untilLive(
  child: ChildProcess,
  origin: string,
  printed: () => string,
): Promise<void> {
  const giveUpMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`The server did not start:\n${printed()}`);
    const live = await fetch(`${origin}/live`).then(
      (response) => response.ok,
      () => false,
    );
    if (live) return;
    if (performance.now() > giveUpMs) {
      child.kill('SIGKILL');
      throw new Error(`The server did not answer in time:\n${printed()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const exited = once(child, 'exit') as Promise<[number | null]>;
  child.kill(signal);
  const giveUp = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
  const [code] = await exited;
  clearTimeout(giveUp);
  return code;
}
