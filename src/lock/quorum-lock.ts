/**
 * One lock of a quorum as this process sees it: its local waiters, of which the first asks the servers, and what the
 * process has of the lock.
 *
 * | state   | event: next state                                                                                 |
 * | ------- | ------------------------------------------------------------------------------------------------- |
 * | idle    | a waiter enters: asking                                                                           |
 * | asking  | a majority agrees: held, or resting when no waiter is left; no majority: pausing                  |
 * | pausing | the time is over: asking, or idle when no waiter is left                                          |
 * | held    | release: held (next local waiter) or resting; loss: asking or idle                                |
 * | resting | the time is over: asking, or idle when no waiter is left                                          |
 *
 * There is no queue at the servers, so other processes find the lock free only by asking at the right moment. A process
 * therefore rests after a hold, for up to as long as the hold was and at most 128 ms, before it asks again.
 */
import { Backoff } from '../time/backoff.js';
import type { Timer } from '../time/clock.js';
import type { Behind, LockUnavailableError, LossReason } from './errors.js';
import { HeldLease, Hold } from './hold.js';
import type { SharedParts } from './lock-group.js';
import type { QuorumMutex } from './quorum-mutex.js';
import { WaitingRoom, type Waiter } from './waiting-room.js';

/** Pauses between two tries. */
const PAUSES = Object.freeze({ firstMs: 8, maxMs: 128 });

interface Held {
  readonly kind: 'held';
  readonly hold: Hold;
  readonly lease: HeldLease;
  readonly mutex: QuorumMutex;
}

type Phase =
  | { readonly kind: 'idle' | 'asking' }
  | { readonly kind: 'pausing' | 'resting'; readonly timer: Timer }
  | Held;

const IDLE: Phase = { kind: 'idle' };

export interface QuorumLockParts extends SharedParts {
  /** What all locks of the quorum share. */
  readonly group: {
    readonly available: boolean;
    /** How long a lease may be relied on, from before its command, in milliseconds. */
    readonly lifeMs: number;
    unavailable(): LockUnavailableError;
    mutexOf(key: string, ticket: string): QuorumMutex;
    keepRenewed(hold: Hold): void;
    endRenewal(hold: Hold): void;
    /** Work that is to be over before the connections are closed. */
    awaitAtStop(work: Promise<unknown>): void;
  };
}

export class QuorumLock {
  private phase: Phase = IDLE;
  private readonly room: WaitingRoom;
  private readonly backoff: Backoff;

  constructor(
    private readonly parts: QuorumLockParts,
    private readonly key: string,
    /** Called when the lock has neither waiters nor a hold, so its entry can be dropped. */
    private readonly onIdle: () => void,
  ) {
    this.backoff = new Backoff(PAUSES, parts.random);
    this.room = new WaitingRoom(parts, {
      key,
      behind: () => this.describeAhead(),
      onDeserted: () => {
        if (this.phase.kind === 'pausing') this.becomeIdle();
      },
    });
  }

  enter(waiter: Waiter): void {
    if (!this.room.enter(waiter)) return;
    const { kind } = this.phase;
    const isNext = kind === 'idle' || (kind === 'resting' && waiter.triesOnce);
    if (isNext && this.room.first === waiter) this.ask();
    else if (waiter.triesOnce) this.room.timeOut(waiter);
    else waiter.markQueued();
  }

  /** @throws LockUnavailableError where too few servers were there to free it. */
  async release(lease: HeldLease): Promise<void> {
    const { phase } = this;
    if (phase.kind !== 'held' || phase.lease !== lease || lease.state !== 'held') return;
    this.recordEnd(lease);
    lease.markReleased();
    const { hold, mutex } = phase;
    if (this.passToLocalWaiter(phase)) return;
    const { group, stats, clock } = this.parts;
    hold.end();
    group.endRenewal(hold);
    this.rest(clock.nowMs() - hold.sinceMs);
    await mutex.release();
    if (group.available) return;
    stats.releasesFailed += 1;
    throw group.unavailable();
  }

  rejectAll(error: LockUnavailableError): void {
    this.room.rejectAll(error);
    if (this.phase.kind !== 'held') this.becomeIdle();
  }

  /** Whether a majority still had it. */
  async renew(): Promise<boolean> {
    return this.phase.kind === 'held' && (await this.phase.mutex.renew());
  }

  stop(): void {
    if (this.phase.kind === 'held') this.phase.hold.lose('stopped');
  }

  private ask(): void {
    this.cancelTimer();
    const asking: Phase = { kind: 'asking' };
    this.phase = asking;
    const { group, tickets, clock } = this.parts;
    const ticket = tickets.next();
    const mutex = group.mutexOf(this.key, ticket);
    const sentAtMs = clock.nowMs();
    // It does not reject: a server that fails counts as one that does not agree.
    const asked = mutex.tryAcquire().then(async (granted) => {
      // Ended by rejectAll meanwhile.
      if (this.phase !== asking) {
        if (granted) await mutex.release();
      } else if (granted) this.onGranted(mutex, ticket, sentAtMs);
      else this.onRefused();
    });
    group.awaitAtStop(asked);
  }

  private onGranted(mutex: QuorumMutex, ticket: string, sentAtMs: number): void {
    const { clock, group } = this.parts;
    const { lifeMs } = group;
    const sinceMs = clock.nowMs();
    const { first } = this.room;
    if (!first || sinceMs >= sentAtMs + lifeMs) {
      void mutex.release();
      this.rest(0);
      return;
    }
    const hold: Hold = new Hold({
      ...{ key: this.key, ticket, deadlineMs: sentAtMs + lifeMs, lifeMs, sinceMs },
      ...{ firstToken: 0, tokens: 0 },
      onLost: (reason) => {
        this.onLost(hold, reason);
      },
    });
    group.keepRenewed(hold);
    this.backoff.reset();
    this.grantTo(first, hold, mutex);
  }

  private onRefused(): void {
    const { clock, stats } = this.parts;
    if (this.room.first?.triesOnce) this.room.timeOut(this.room.first);
    this.room.first?.markQueued();
    if (!this.room.first) {
      this.becomeIdle();
      return;
    }
    const timer = clock.after(this.backoff.nextMs(), () => {
      stats.wakeUps.ttl += 1;
      this.ask();
    });
    this.phase = { kind: 'pausing', timer };
  }

  private rest(heldMs: number): void {
    const { clock, random } = this.parts;
    const timer = clock.after(random() * Math.min(heldMs, PAUSES.maxMs), () => {
      if (this.room.first) this.ask();
      else this.becomeIdle();
    });
    this.phase = { kind: 'resting', timer };
  }

  private grantTo(waiter: Waiter, hold: Hold, mutex: QuorumMutex): void {
    const { clock, stats } = this.parts;
    this.room.leave(waiter);
    const nowMs = clock.nowMs();
    stats.granted(waiter, nowMs);
    const lease = new HeldLease(hold, null, nowMs, clock);
    this.phase = { kind: 'held', hold, lease, mutex };
    waiter.resolve(lease);
  }

  /** Grants the lock to the next local waiter without a command, for a bounded time. */
  private passToLocalWaiter({ hold, mutex }: Held): boolean {
    const { first } = this.room;
    const { clock, settings, stats } = this.parts;
    if (!first || clock.nowMs() - hold.sinceMs >= settings.localTenureMs) return false;
    stats.handOffs.local += 1;
    this.grantTo(first, hold, mutex);
    return true;
  }

  private onLost(hold: Hold, reason: LossReason): void {
    if (this.phase.kind !== 'held' || this.phase.hold !== hold) return;
    const { lease, mutex } = this.phase;
    this.parts.group.endRenewal(hold);
    this.parts.stats.leasesLost += 1;
    this.recordEnd(lease);
    lease.markLost(reason);
    this.parts.group.awaitAtStop(mutex.release());
    if (this.room.first) this.ask();
    else this.becomeIdle();
  }

  private recordEnd(lease: HeldLease): void {
    const { clock, stats } = this.parts;
    stats.ended(lease, clock.nowMs());
  }

  private describeAhead(): Omit<Behind, 'waitersAhead'> {
    const isOurs = this.phase.kind === 'held';
    const holder = isOurs ? this.parts.tickets.processId : null;
    return { processesAhead: isOurs ? 0 : null, holder, holderExpires: true };
  }

  private cancelTimer(): void {
    if (this.phase.kind === 'pausing' || this.phase.kind === 'resting') this.phase.timer.cancel();
  }

  private becomeIdle(): void {
    this.cancelTimer();
    this.phase = IDLE;
    this.onIdle();
  }
}
