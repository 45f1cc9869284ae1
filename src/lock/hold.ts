/**
 * What this process has of a lock at Redis, and the leases under it. Several local callers may hold the lock under one
 * Hold, one after another, each with its own lease and its own fencing token from the block reserved for the hold.
 */
import type { Clock } from '../time/clock.js';
import { LockLostError, type LossReason } from './errors.js';
import type { Lease, LeaseState } from './lock-service.js';
import { isOwnersTicket } from './tickets.js';

export interface HoldDetails {
  readonly key: string;
  /** The value of the key at Redis. */
  readonly ticket: string;
  /** On this process's clock, counted from before the command was sent: never later than the expiry at Redis. */
  readonly deadlineMs: number;
  /** From the command or the hand-over to the deadline; the first renewal is due after a third of it. */
  readonly lifeMs: number;
  readonly sinceMs: number;
  readonly firstToken: number;
  readonly tokens: number;
  /** Called where tickets of other processes are queued. */
  readonly onWanted?: () => void;
  /** Called once, after the hold is marked as ended. */
  readonly onLost: (reason: LossReason) => void;
}

export class Hold {
  readonly key: string;
  readonly ticket: string;
  readonly sinceMs: number;
  readonly onWanted: () => void;
  deadlineMs: number;
  lifeMs: number;
  private ended = false;
  private nextToken: number;
  private readonly endToken: number;
  private readonly onLost: (reason: LossReason) => void;

  constructor(details: HoldDetails) {
    this.key = details.key;
    this.ticket = details.ticket;
    this.sinceMs = details.sinceMs;
    this.deadlineMs = details.deadlineMs;
    this.lifeMs = details.lifeMs;
    this.nextToken = details.firstToken;
    this.endToken = details.firstToken + details.tokens;
    this.onLost = details.onLost;
    this.onWanted = details.onWanted ?? (() => undefined);
  }

  /** Whether this process may keep the lock while it has no use for it. */
  get owns(): boolean {
    return isOwnersTicket(this.ticket);
  }

  get isCurrent(): boolean {
    return !this.ended;
  }

  get hasToken(): boolean {
    return this.nextToken < this.endToken;
  }

  takeToken(): number {
    const token = this.nextToken;
    this.nextToken += 1;
    return token;
  }

  /** The lock was given up. A later loss is not reported. */
  end(): void {
    this.ended = true;
  }

  lose(reason: LossReason): void {
    if (this.ended) return;
    this.ended = true;
    this.onLost(reason);
  }
}

/** One caller's use of the lock under a hold, from its grant to its release or loss. */
export class HeldLease implements Lease {
  readonly fencingToken: bigint | null;
  private outcome: LeaseState = 'held';
  private lossReason: LossReason | null = null;
  private controller: AbortController | null = null;
  /** Set by the first release, which repeated releases return. */
  releasing: Promise<void> | null = null;

  constructor(
    readonly hold: Hold,
    token: number | null,
    readonly sinceMs: number,
    private readonly clock: Clock,
  ) {
    this.fencingToken = token === null ? null : BigInt(token);
  }

  get key(): string {
    return this.hold.key;
  }

  get state(): LeaseState {
    this.compareClock();
    return this.outcome;
  }

  /** Made on first use, as most leases end without a listener. */
  get signal(): AbortSignal {
    if (!this.controller) {
      this.controller = new AbortController();
      if (this.lossReason) this.abort(this.lossReason);
    }
    this.compareClock();
    return this.controller.signal;
  }

  markReleased(): void {
    this.outcome = 'released';
  }

  markLost(reason: LossReason): void {
    this.outcome = 'lost';
    this.lossReason = reason;
    this.abort(reason);
  }

  /** Timers fire late in a process that was paused, so the deadline is compared on every read. */
  private compareClock(): void {
    if (this.outcome === 'held' && this.clock.nowMs() >= this.hold.deadlineMs) {
      this.hold.lose('not-renewed-in-time');
    }
  }

  private abort(reason: LossReason): void {
    this.controller?.abort(new LockLostError(this.key, reason));
  }
}
