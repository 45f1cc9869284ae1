/** A process of its own that uses the built lock, to be told what to do, and to be stopped and killed. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { deathPact } from '../../services/child-processes.js';
import type {
  Behind,
  LeaseState,
  LockHealth,
  LockStats,
  RedisLockSettings,
} from '../../src/lock/index.js';

/** Settings that can be sent to another process. */
export type SentSettings = Omit<
  RedisLockSettings,
  'url' | 'connect' | 'clock' | 'random' | 'randomBytes' | 'log'
>;

/** A lease as its process tells of it. Moments are of `systemNowMs`. */
export interface RemoteLease {
  readonly key: string;
  readonly fencingToken: bigint;
  readonly atMs: number;
}

export interface RemoteRelease {
  readonly askedMs: number;
  readonly doneMs: number;
  readonly state: LeaseState;
}

export interface RemoteLoss {
  readonly atMs: number;
  readonly code: string;
  readonly reason: string;
}

export interface Hold {
  readonly token: bigint;
  readonly startMs: number;
  readonly endMs: number;
  /** Whether the witness saw no other holder. */
  readonly alone: boolean;
  /** Whether the lease was still held at its end. */
  readonly trusted: boolean;
}

export interface Competition {
  readonly key: string;
  readonly waiters: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly holdMs: number;
  /** A file's path; null where holders may lose their leases, and two of them may be seen by it. */
  readonly witness: string | null;
}

export interface BasketOrder {
  readonly baskets: readonly (readonly string[])[];
  readonly waitMs: number;
  readonly holdMs: number;
  /** A file's path for each key. */
  readonly witnesses: Readonly<Record<string, string>>;
}

export interface BasketOutcome {
  readonly keys: readonly string[];
  readonly tokens: readonly (bigint | null)[];
  readonly tookMs: number;
}

/** An error of the other process, as far as it can be told over the wire. */
export class RemoteError extends Error {
  readonly code: string | undefined;
  readonly behind: Behind | undefined;

  constructor(told: { readonly name: string; readonly message: string; readonly code?: string }) {
    super(told.message);
    Object.assign(this, told);
  }
}

/** The system's monotonic clock, which all processes of a machine share, in milliseconds. */
export function systemNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export class LockProcess {
  private readonly pending = new Map<number, PromiseWithResolversOf>();
  private nextId = 1;
  private expectedToEnd = false;
  private isStopped = false;
  private printed = '';

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (message) => {
      this.settle(message as Answer);
    });
    child.stderr?.on('data', (chunk: Buffer) => (this.printed += chunk.toString('utf8')));
    child.on('exit', () => {
      for (const id of [...this.pending.keys()]) {
        this.settle({ id, error: { name: 'ProcessEnded', message: 'The process has ended.' } });
      }
    });
  }

  static async spawn(): Promise<LockProcess> {
    const worker = ['--import', './test/support/wall-clock.mjs', 'test/support/lock-worker.mjs'];
    const command = [...(await deathPact()), process.execPath, ...worker];
    const [program, ...args] = command as [string, ...string[]];
    const child = spawn(program, args, {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'inherit', 'pipe', 'ipc'],
      serialization: 'advanced',
    });
    return new LockProcess(child);
  }

  /** Makes the process's lock service and starts it. */
  open(url: string, settings: SentSettings, wallClockOffsetMs: number): Promise<LockHealth> {
    return this.ask('open', { settings: { ...settings, url }, wallClockOffsetMs });
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Whether it ended without being killed, as by an unhandled rejection, and its output. */
  complaint(): string | null {
    const ended = this.child.exitCode !== null || this.child.signalCode !== null;
    return ended && !this.expectedToEnd ? this.printed : null;
  }

  /** Whether it runs and has nothing left to do, so that another test can have it with a new service. */
  get isReusable(): boolean {
    const runs = this.child.exitCode === null && this.child.signalCode === null;
    return runs && !this.isStopped && this.pending.size === 0;
  }

  acquire(key: string, waitMs: number, name = key): Promise<RemoteLease> {
    return this.ask('acquire', { name, key, waitMs });
  }

  /** How many were had (`OK`), and how many refused by which code. Each is known by its key. */
  acquireMany(keys: readonly string[], waitMs: number): Promise<Readonly<Record<string, number>>> {
    return this.ask('acquireMany', { keys, waitMs });
  }

  /** One after another, so long apart. */
  releaseMany(
    names: readonly string[],
    everyMs: number,
  ): Promise<Readonly<Record<string, number>>> {
    return this.ask('releaseMany', { names, everyMs });
  }

  abort(name: string): Promise<void> {
    return this.ask('abort', { name });
  }

  release(name: string): Promise<RemoteRelease> {
    return this.ask('release', { name });
  }

  lease(name: string): Promise<{ state: LeaseState; aborted: boolean; loss: RemoteLoss | null }> {
    return this.ask('lease', { name });
  }

  block(name: string, durationMs: number): Promise<LeaseState> {
    return this.ask('block', { name, durationMs });
  }

  setWallClock(offsetMs: number): Promise<number> {
    return this.ask('setWallClock', { offsetMs });
  }

  compete(competition: Competition): Promise<{
    holds: readonly Hold[];
    failures: Readonly<Record<string, number>>;
  }> {
    return this.ask('compete', competition);
  }

  baskets(order: BasketOrder): Promise<readonly BasketOutcome[]> {
    return this.ask('baskets', order);
  }

  throwUnderLock(keys: readonly string[], message: string): Promise<void> {
    return this.ask('throwUnderLock', { keys, message });
  }

  holdAll(
    keys: readonly string[],
    waitMs: number,
  ): Promise<readonly { key: string; fencingToken: bigint }[]> {
    return this.ask('holdAll', { keys, waitMs });
  }

  letGoAll(): Promise<void> {
    return this.ask('abort', { name: 'holdAll' });
  }

  stats(): Promise<LockStats> {
    return this.ask('stats');
  }

  health(): Promise<LockHealth> {
    return this.ask('health');
  }

  /** Stops the service, as a server does that is told to end; the process stays. */
  stopService(): Promise<void> {
    return this.ask('stop');
  }

  /** SIGSTOP and SIGCONT. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.isStopped = signal === 'SIGSTOP';
    this.child.kill(signal);
  }

  /** SIGKILL: nothing of the process runs any more. */
  async kill(): Promise<void> {
    this.expectedToEnd = true;
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
  }

  private ask<T>(command: string, details: object = {}): Promise<T> {
    const id = this.nextId++;
    const asking = new Promise<T>((resolve, reject) => {
      this.pending.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.child.send({ id, command, details }, (error) => {
        if (error) this.settle({ id, error });
      });
    });
    // A killed process leaves requests open that no test waits for any more.
    asking.catch(() => undefined);
    return asking;
  }

  private settle(answer: Answer): void {
    const asked = this.pending.get(answer.id);
    this.pending.delete(answer.id);
    if (answer.error) asked?.reject(new RemoteError(answer.error));
    else asked?.resolve(answer.value);
  }
}

interface PromiseWithResolversOf {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string };
}
