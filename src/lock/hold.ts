/**
 * What this process has of a lock at Redis. Several local callers may have their turn under one hold, one after
 * another, each with its own lease and its own fencing token from the block that was reserved for the hold.
 */
import type { LossReason } from './errors.js';

export interface HoldDetails {
  readonly key: string;
  /** The value of the key at Redis. */
  readonly ticket: string;
  /** On our clock; measured from before the question was sent, so Redis' own time is never shorter. */
  readonly deadlineMs: number;
  /** From the question or the hand-over to the deadline; a third of it is the time until the renewal. */
  readonly lifeMs: number;
  readonly sinceMs: number;
  readonly firstToken: number;
  readonly tokens: number;
  /** Called once, with the hold already lost. */
  readonly onLost: (reason: LossReason) => void;
}

export class Hold {
  readonly key: string;
  readonly ticket: string;
  readonly sinceMs: number;
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

  /** It has been given up, so whatever is learnt of it later concerns nobody. */
  end(): void {
    this.ended = true;
  }

  lose(reason: LossReason): void {
    if (this.ended) return;
    this.ended = true;
    this.onLost(reason);
  }
}
