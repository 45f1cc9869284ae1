/**
 * Ends the programs and removes the folders that this process has made, however it exits. Each child is the leader of a
 * process group of its own, so that a terminal's Ctrl-C reaches only this process, which stops the servers in order. At
 * exit, remaining children are killed and remaining folders removed synchronously. If the system supports it, the
 * kernel kills the servers when this process is killed by SIGKILL, which no program can catch.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { ServiceError, WayUnavailable, firstLine } from './service-errors.js';

const groupsAlive = new Set<number>();
const foldersPresent = new Set<string>();
let exitIsWatched = false;

/** The longest folder of a socket: a socket's path has at most 104 bytes on macOS, 108 on Linux. */
const FOLDER_LENGTH_MAX = 80;

function watchExit(): void {
  if (exitIsWatched) return;
  exitIsWatched = true;
  process.once('exit', () => {
    for (const pid of groupsAlive) signalGroup(pid, 'SIGKILL');
    for (const folder of foldersPresent) {
      // A process that is being killed may still create a file.
      rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
    }
  });
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // It has ended by itself.
  }
}

function watchGroup(child: ChildProcess): void {
  const { pid } = child;
  if (pid === undefined) return;
  watchExit();
  groupsAlive.add(pid);
  child.once('exit', () => groupsAlive.delete(pid));
}

/** A new folder, removed at the latest when this process exits. */
export async function makeFolder(parent: string, prefix: string): Promise<string> {
  watchExit();
  try {
    const folder = await mkdtemp(join(parent, prefix));
    foldersPresent.add(folder);
    return folder;
  } catch (error) {
    throw new ServiceError(`No folder can be made in ${parent}: ${reasonOf(error)}.`, {
      cause: error,
    });
  }
}

/** A folder for a server's data and its socket, in the system's temporary folder where its path is short enough. */
export function makeTemporaryFolder(prefix: string): Promise<string> {
  return makeFolder(tmpdir().length > FOLDER_LENGTH_MAX - 30 ? '/tmp' : tmpdir(), prefix);
}

export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 25 });
  foldersPresent.delete(folder);
}

/** The folder was renamed and stays under its new name. */
export function keepFolder(folder: string): void {
  foldersPresent.delete(folder);
}

export interface CommandOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Runs a program to its end and returns what it printed.
 * @throws WayUnavailable if it fails or takes too long; the signal's reason if it aborts, after the program has ended.
 */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  options.signal.throwIfAborted();
  const child = spawn(program, args, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: options.env,
  });
  watchGroup(child);
  let printed = '';
  let complained = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (complained += chunk.toString('utf8')));
  const deadline = AbortSignal.timeout(options.timeoutMs);
  const end = AbortSignal.any([options.signal, deadline]);
  const kill = () => {
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
  };
  end.addEventListener('abort', kill);
  const name = basename(program);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    options.signal.throwIfAborted();
    if (deadline.aborted) {
      throw new WayUnavailable(`${name} did not finish in ${options.timeoutMs / 1000} s`);
    }
    if (code === 0) return printed;
    const reason = lastComplaint(`${printed}\n${complained}`);
    throw new WayUnavailable(`${name} failed (${reason || `exit code ${String(code)}`})`);
  } catch (error) {
    if (error instanceof WayUnavailable || options.signal.aborted) throw error;
    throw new WayUnavailable(`${name} cannot be run (${reasonOf(error)})`, { cause: error });
  } finally {
    end.removeEventListener('abort', kill);
  }
}

/** The line of a program's output that best explains its failure. */
export function lastComplaint(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const said = lines.findLast((line) => /\b(error|fatal|E:)/i.test(line) && !/abort/i.test(line));
  return firstLine(said ?? lines.at(-1) ?? '');
}

/** Takes a process's lines and sets its variables. Its pipe breaks when this process dies. */
export interface WatchedOutput {
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: string) => void;
}

/** A server's process. Its output goes to a file where it must outlive this process, or is watched. */
export class ServerProcess {
  private readonly child: ChildProcess;
  /** Fulfilled when it has ended, for any reason. */
  readonly exited: Promise<void>;
  private failure: Error | undefined;

  constructor(program: string, args: readonly string[], output: string | WatchedOutput) {
    this.child =
      typeof output === 'string'
        ? spawnWithFile(program, args, output)
        : spawnWatched(program, args, output);
    watchGroup(this.child);
    // It must not keep a test runner alive that did not stop it.
    this.child.unref();
    this.exited = new Promise((resolve) => {
      this.child.once('exit', () => {
        resolve();
      });
      this.child.once('error', (error) => {
        this.failure = error;
        resolve();
      });
    });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get alive(): boolean {
    const { exitCode, signalCode } = this.child;
    return this.failure === undefined && exitCode === null && signalCode === null;
  }

  signal(signal: NodeJS.Signals): void {
    if (this.alive) signalGroup(this.pid, signal);
  }

  /** Sends SIGTERM, continues it if it was stopped, and kills it after the grace period. */
  async stop(graceMs: number): Promise<void> {
    if (!this.alive) return;
    this.signal('SIGTERM');
    this.signal('SIGCONT');
    const impatience = setTimeout(() => {
      this.signal('SIGKILL');
    }, graceMs);
    await this.end();
    clearTimeout(impatience);
  }

  /** Waits until it has ended, and keeps this process alive until then. */
  async end(): Promise<void> {
    this.child.ref();
    await this.exited;
  }
}

function spawnWithFile(program: string, args: readonly string[], logFile: string): ChildProcess {
  const log = openSync(logFile, 'a');
  const child = spawn(program, args, { detached: true, stdio: ['ignore', log, log] });
  closeSync(log);
  return child;
}

function spawnWatched(
  program: string,
  args: readonly string[],
  { env, onLine }: WatchedOutput,
): ChildProcess {
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], env });
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on('line', onLine);
  }
  return child;
}

let diesWithUs: Promise<readonly string[]> | undefined;

/** A prefix of a command that makes the kernel kill it when this process is killed; empty if there is none. */
export function deathPact(): Promise<readonly string[]> {
  diesWithUs ??= runCommand('setpriv', ['--pdeathsig', 'KILL', 'true'], {
    signal: new AbortController().signal,
    timeoutMs: 2_000,
  }).then(
    () => ['setpriv', '--pdeathsig', 'KILL'],
    () => [],
  );
  return diesWithUs;
}

export function reasonOf(error: unknown): string {
  const { code } = error as { readonly code?: string };
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied';
  if (code === 'ENOENT') return 'not found';
  if (code === 'ENOSPC') return 'no space left';
  if (code === 'EROFS') return 'the file system is read-only';
  return error instanceof Error ? firstLine(error.message) : String(error);
}
