/**
 * Runs one of our programs as a user would, with a temporary folder of its own, and tells what it leaves behind: every
 * file in that folder, and every process that descends from it, also one in a process group of its own. Processes are
 * looked up in /proc, so on other systems than Linux only the files are checked.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deathPact } from '../../services/child-processes.js';

/** A test run that is killed takes the programs with it. */
const PACT = await deathPact();

/** For a whole start: the programs of MySQL and Redis, an empty data folder, the servers, and a catalogue in them. */
const PATIENCE_MS = 120_000;
const POLL_INTERVAL_MS = 20;

export interface StartedProgram {
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Names in its temporary folder, and in the folders in there. */
  readonly files: () => string[];
  readonly signal: (signal: NodeJS.Signals) => void;
  /** Its exit code, or null where a signal ended it. */
  readonly exited: Promise<number | null>;
  readonly running: () => boolean;
  /** Descendants of it that are alive; those that have been seen once are found after its end, too. */
  readonly descendants: () => number[];
  /** Waits, within a bound, until something is so. */
  until(what: string, condition: () => boolean): Promise<void>;
  /** Kills what is left. For afterEach. */
  discard(): void;
}

export function startProgram(args: readonly string[], env: NodeJS.ProcessEnv): StartedProgram {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-test-'));
  const [command, ...rest] = [...PACT, process.execPath, ...args] as [string, ...string[]];
  const child = spawn(command, rest, {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.stdout += chunk.toString('utf8')));
  child.stderr.on('data', (chunk: Buffer) => (printed.stderr += chunk.toString('utf8')));
  const exited = once(child, 'close').then(([code]) => code as number | null);
  const seen = new Set<number>();
  const descendants = () => {
    for (const pid of findDescendants([child.pid ?? 0, ...seen])) seen.add(pid);
    return [...seen].filter(isAlive);
  };
  const running = () => child.exitCode === null && child.signalCode === null;
  return {
    stdout: () => printed.stdout,
    stderr: () => printed.stderr,
    files: () => readdirSync(folder, { recursive: true, encoding: 'utf8' }),
    signal: (signal) => {
      child.kill(signal);
    },
    exited,
    running,
    descendants,
    until: async (what, condition) => {
      const giveUpMs = performance.now() + PATIENCE_MS;
      while (!condition()) {
        descendants();
        if (!running() || performance.now() > giveUpMs) {
          throw new Error(`Never seen: ${what}.\n${printed.stdout}${printed.stderr}`);
        }
        await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
      }
    },
    discard: () => {
      child.kill('SIGKILL');
      for (const pid of descendants()) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    },
  };
}

function findDescendants(ancestors: readonly number[]): number[] {
  if (!existsSync('/proc/self/stat')) return [];
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const [, parent = 0] = readStat(Number(name));
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found: number[] = [];
  const open = [...ancestors];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    const next = children.get(pid) ?? [];
    found.push(...next);
    open.push(...next);
  }
  return found;
}

/** The state's letter and the parent, which follow the name in brackets; nothing where the process has gone. */
function readStat(pid: number): [string?, number?] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return state === undefined ? [] : [state, Number(parent)];
  } catch {
    return [];
  }
}

/** A zombie has ended; only its new parent has not asked how yet. */
export function isAlive(pid: number): boolean {
  const [state] = readStat(pid);
  return state !== undefined && state !== 'Z' && state !== 'X';
}
