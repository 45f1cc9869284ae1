/**
 * Whether this process can commit: known from what becomes of its transactions and, where they leave doubt, from a
 * probe.
 *
 * A transaction that fails says nothing certain: its connection alone may have broken, or its rows may be locked. It
 * only raises a doubt, which a probe settles at once. A transaction without an answer raises one after a second,
 * unless another one was committed meanwhile. So does a health check when nothing was committed within a second. One
 * broken connection never changes the state, and an idle process that is not asked sends no probe.
 *
 * | state    | a COMMIT succeeds | a transaction raises a doubt | a probe succeeds | a probe fails |
 * | -------- | ----------------- | ---------------------------- | ---------------- | ------------- |
 * | writable |                   | → probe                      |                  | → away        |
 * | away     | → writable        | a probe is due already       | → writable       | → next probe  |
 *
 * Invariants:
 * 1. At most one probe is under way. It ends within `probeMaxMs`, and while away the pauses between probes grow up to
 *    `pauses.maxMs`, with full jitter.
 * 2. A COMMIT that was answered after a probe had begun outweighs the failure of that probe.
 * 3. Each change of state is one line in the log.
 */
import { StorageUnavailableError } from './stock-store.js';
import { Backoff } from '../time/backoff.js';
import type { Clock, Random, Timer } from '../time/clock.js';
import { Deadline } from '../time/deadline.js';

/** What lanes see of it. */
export interface Writability {
  readonly isWritable: boolean;
  /** Resolves with true once this process can commit, or with false at the deadline or when its caller has gone. */
  whenWritable(deadline: Deadline): Promise<boolean>;
}

/** For stores that do not tell. */
export const ALWAYS_WRITABLE: Writability = Object.freeze({
  isWritable: true,
  whenWritable: () => Promise.resolve(true),
});

/** One attempt at a transaction, from its begin to its one end. */
export interface WatchedWrite {
  /** COMMIT has succeeded. */
  committed(): void;
  /** It has ended without COMMIT. @param unreachable the error, where the server was away or refused for now. */
  ended(unreachable?: unknown): void;
}

export interface WriteState {
  readonly writable: boolean;
  readonly since: Date;
  /** Why it is away, without addresses and secrets. */
  readonly reason?: string;
}

/** Receives the log lines; `console` and pino fit. */
export interface WriteHealthLog {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
}

export interface WriteHealthParts {
  /** Finds out whether a commit is possible, and rejects where it is not. It may take until the deadline. */
  probe(deadline: Deadline): Promise<void>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log?: WriteHealthLog | undefined;
}

export const WRITE_HEALTH = Object.freeze({
  /** What a commit proves is true for so long, in milliseconds. */
  freshMs: 1_000,
  /** A transaction without an answer for so long raises a doubt, in milliseconds. */
  silenceMaxMs: 1_000,
  /** Longer than a COMMIT takes on a slow disk, shorter than a lock's time to live. */
  probeMaxMs: 2_000,
  /** How long a write waits for the database to take writes again, in milliseconds. */
  patienceMs: 1_000,
  /** Between probes. */
  pauses: { firstMs: 100, maxMs: 1_000 },
});

export class WriteHealth implements Writability {
  private state: WriteState;
  /** In the order of their begin. */
  private readonly running = new Set<Running>();
  private committedMs = Number.NEGATIVE_INFINITY;
  private changedMs = Number.NEGATIVE_INFINITY;
  private silence: Timer | null = null;
  private probing: Promise<void> | null = null;
  private readonly backoff: Backoff;
  private pause: Timer | null = null;
  private readonly waiting = new Set<() => void>();
  private stopped = false;

  constructor(private readonly parts: WriteHealthParts) {
    this.state = { writable: true, since: parts.clock.today() };
    this.backoff = new Backoff(WRITE_HEALTH.pauses, parts.random);
  }

  get isWritable(): boolean {
    return this.state.writable;
  }

  report(): WriteState {
    return this.state;
  }

  /** Whether a commit, or a probe, has succeeded a moment ago. */
  get isFresh(): boolean {
    return this.parts.clock.nowMs() - this.committedMs < WRITE_HEALTH.freshMs;
  }

  /** For how long it has been writable, in milliseconds; 0 where it is not. */
  get writableForMs(): number {
    return this.state.writable ? this.parts.clock.nowMs() - this.changedMs : 0;
  }

  /** What is true now: asks the database if it is not known. Takes `probeMaxMs` at most. */
  async check(): Promise<WriteState> {
    if (this.state.writable && !this.isFresh) {
      this.doubt();
      await this.probing;
    }
    return this.state;
  }

  /** How long the oldest running transaction has had no answer, in milliseconds; 0 where none runs. */
  get silentMs(): number {
    for (const oldest of this.running) return this.parts.clock.nowMs() - oldest.beganMs;
    return 0;
  }

  /**
   * To be called at the begin of each attempt at a transaction.
   *
   * @param giveUp called, perhaps more than once, while the database is away and the attempt has no outcome for long.
   */
  begin(giveUp?: () => void): WatchedWrite {
    const write: Running = {
      beganMs: this.parts.clock.nowMs(),
      giveUp,
      committed: () => {
        this.running.delete(write);
        this.committedMs = this.parts.clock.nowMs();
        if (!this.state.writable) this.back();
      },
      ended: (unreachable) => {
        this.running.delete(write);
        if (unreachable !== undefined) this.doubt();
      },
    };
    this.running.add(write);
    this.silence ??= this.watchSilence();
    return write;
  }

  whenWritable(deadline: Deadline): Promise<boolean> {
    if (this.state.writable) return Promise.resolve(true);
    const { signal, clock } = deadline;
    if (deadline.hasPassed || deadline.callerHasGone) return Promise.resolve(false);
    return new Promise((resolve) => {
      const end = (writable: boolean) => {
        timer.cancel();
        signal?.removeEventListener('abort', giveUp);
        this.waiting.delete(back);
        resolve(writable);
      };
      const giveUp = () => {
        end(false);
      };
      const back = () => {
        end(true);
      };
      const timer = clock.after(Math.ceil(deadline.leftMs), giveUp);
      signal?.addEventListener('abort', giveUp);
      this.waiting.add(back);
    });
  }

  stop(): void {
    this.stopped = true;
    this.silence?.cancel();
    this.pause?.cancel();
  }

  private watchSilence(afterMs: number = WRITE_HEALTH.silenceMaxMs): Timer {
    return this.parts.clock.after(afterMs, () => {
      this.silence = null;
      if (this.running.size === 0 || this.stopped) return;
      const quietMs = Math.min(this.silentMs, this.parts.clock.nowMs() - this.committedMs);
      const leftMs = WRITE_HEALTH.silenceMaxMs - quietMs;
      if (leftMs <= 0) this.doubt();
      this.silence = this.watchSilence(leftMs > 0 ? leftMs : undefined);
    });
  }

  /** While away a probe is under way or due already. */
  private doubt(): void {
    if (this.pause || this.stopped) return;
    this.probing ??= this.probe().finally(() => {
      this.probing = null;
    });
  }

  private async probe(): Promise<void> {
    const { clock } = this.parts;
    const beganMs = clock.nowMs();
    const failure = await this.failureOfProbe();
    if (this.stopped || this.committedMs >= beganMs) return;
    if (failure === null) {
      this.backoff.reset();
      this.committedMs = beganMs;
      if (!this.state.writable) this.back();
      return;
    }
    if (this.state.writable) this.away(failure.reason);
    this.giveUpSilent();
    this.pause = clock.after(this.backoff.nextMs(), () => {
      this.pause = null;
      this.doubt();
    });
  }

  /** @returns null where a commit is possible. */
  private failureOfProbe(): Promise<{ readonly reason: string } | null> {
    const { clock } = this.parts;
    const deadline = Deadline.in(WRITE_HEALTH.probeMaxMs, clock);
    return new Promise((resolve) => {
      const timer = clock.after(WRITE_HEALTH.probeMaxMs, () => {
        // In a process that was stopped the timer fires before the answer is read.
        clock.soon(() => {
          resolve({ reason: `no answer within ${WRITE_HEALTH.probeMaxMs} ms` });
        });
      });
      this.parts.probe(deadline).then(
        () => {
          timer.cancel();
          resolve(null);
        },
        (error: unknown) => {
          timer.cancel();
          resolve({ reason: reasonOf(error) });
        },
      );
    });
  }

  private giveUpSilent(): void {
    const silentSinceMs = this.parts.clock.nowMs() - WRITE_HEALTH.silenceMaxMs;
    for (const { beganMs, giveUp } of [...this.running]) {
      if (beganMs <= silentSinceMs) giveUp?.();
    }
  }

  private away(reason: string): void {
    this.state = { writable: false, since: this.parts.clock.today(), reason };
    this.changedMs = this.parts.clock.nowMs();
    this.parts.log?.warn({ reason }, 'The database takes no writes of this process.');
  }

  private back(): void {
    const { since } = this.state;
    this.state = { writable: true, since: this.parts.clock.today() };
    this.changedMs = this.parts.clock.nowMs();
    this.backoff.reset();
    this.pause?.cancel();
    this.pause = null;
    const awayMs = this.state.since.getTime() - since.getTime();
    this.parts.log?.info({ awayMs }, 'The database takes writes of this process again.');
    for (const tell of [...this.waiting]) tell();
  }
}

interface Running extends WatchedWrite {
  readonly beganMs: number;
  readonly giveUp: (() => void) | undefined;
}

/** The code of an error, which names no address: texts of drivers do. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const cause = error instanceof StorageUnavailableError ? error.cause : error;
  const { original } = cause as { readonly original?: unknown };
  const { code } = (original ?? cause) as { readonly code?: unknown };
  return typeof code === 'string' ? code : error.name;
}
