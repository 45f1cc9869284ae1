/** A caller's turn under a hold, from its grant to its release or loss. */
import type { Clock } from '../time/clock.js';
import { LockLostError, type LossReason } from './errors.js';
import type { Hold } from './hold.js';
import type { Lease, LeaseState } from './lock-service.js';

export class HeldLease implements Lease {
  readonly fencingToken: bigint;
  private outcome: LeaseState = 'held';
  private lossReason: LossReason | null = null;
  private controller: AbortController | null = null;
  /** Set by the first release, so that repeating it is safe. */
  releasing: Promise<void> | null = null;

  constructor(
    readonly hold: Hold,
    token: number,
    readonly sinceMs: number,
    private readonly clock: Clock,
  ) {
    this.fencingToken = BigInt(token);
  }

  get key(): string {
    return this.hold.key;
  }

  get state(): LeaseState {
    this.compareClock();
    return this.outcome;
  }

  /** Made when it is first asked for: most leases end without anybody listening. */
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

  /** Timers of a process that was stopped come late; whoever asks shall not be told what was. */
  private compareClock(): void {
    if (this.outcome === 'held' && this.clock.nowMs() >= this.hold.deadlineMs) {
      this.hold.lose('not-renewed-in-time');
    }
  }

  private abort(reason: LossReason): void {
    this.controller?.abort(new LockLostError(this.key, reason));
  }
}
