/** Servers as processes of their own, which `stockade dev` starts and ends, each with an environment of its own. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as wait } from 'node:timers/promises';
import { ServerProcess, deathPact } from '../../services/child-processes.js';
import { ServiceError } from '../../services/service-errors.js';
import { showHost } from '../database/mysql-address.js';

const FOLDER = join(fileURLToPath(import.meta.url), '..');
const START_TIMEOUT_MS = 60_000;
const POLL_INTERVAL_MS = 50;

export interface RunningServer {
  readonly port: number;
  readonly process: ServerProcess;
}

export interface ServerStart {
  readonly port: number;
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

export async function startServer({ port, env, onLine }: ServerStart): Promise<RunningServer> {
  const process = await startProgram(['stockade.js', 'start'], {
    env: { ...env, PORT: String(port) },
    onLine,
  });
  return { port, process };
}

/** A program beside this file. It ends with this process. */
export async function startProgram(
  [file, ...args]: readonly [string, ...string[]],
  output: { readonly env: NodeJS.ProcessEnv; readonly onLine: (line: string) => void },
): Promise<ServerProcess> {
  const program = [process.execPath, ...process.execArgv, join(FOLDER, file), ...args];
  const [command, ...rest] = [...(await deathPact()), ...program] as [string, ...string[]];
  return new ServerProcess(command, rest, output);
}

/** @throws ServiceError where it ends or does not become ready in time; its own lines say why. */
export async function untilReady(
  { port, process: running }: { readonly port: number; readonly process: { alive: boolean } },
  host: string,
  signal: AbortSignal,
): Promise<void> {
  const url = `http://${showHost({ host, port })}/ready`;
  const giveUpMs = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    signal.throwIfAborted();
    const isReady = await fetch(url, { signal }).then(
      (response) => response.ok,
      () => false,
    );
    if (isReady) return;
    if (!running.alive || performance.now() > giveUpMs) {
      throw new ServiceError(`The server on port ${port} did not become ready.`);
    }
    await wait(POLL_INTERVAL_MS, undefined, { signal });
  }
}
