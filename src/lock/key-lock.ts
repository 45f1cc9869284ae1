/**
 * One lock as this process sees it: its local waiters, and the state of its ticket at Redis.
 *
 * Redis knows at most one ticket of the process for each lock, however many callers wait. When that ticket is granted
 * the lock, the first local waiter becomes the owner. A waiter that times out does not lose the process its place.
 *
 * | state  | ticket at Redis | event: next state                                                              |
 * | ------ | --------------- | ------------------------------------------------------------------------------ |
 * | idle   | none            | a waiter enters: asking                                                        |
 * | asking | unknown         | answer: held, queued, or idle when no waiter is left; failure: idle            |
 * | queued | in the queue    | hand-over: held; holder's time over or inbox back: asking; no waiter left: idle |
 * | held   | the key's value | release: held (next local waiter), asking or idle; loss: asking or idle        |
 *
 * Invariants:
 * 1. A grant that finds no waiter is given back.
 *    (test/integration/lock/lost-replies.test.ts: "because the caller aborted is given back")
 * 2. A hand-over that overtakes the answer to its acquire is kept until that answer.
 *    (test/integration/lock/waiting.test.ts: "when the grant arrives before the answer to the acquire")
 * 3. A queued ticket always has a timer, so a lost message delays its waiters by the holder's remaining time at most.
 *    (test/integration/lock/waiting.test.ts: "when the holder has died without a message")
 * 4. A release compares the ticket, so repeating it releases no other owner's lock.
 *    (test/integration/lock/lost-replies.test.ts: "rejects, and releases no lock of another owner when it is repeated")
 * 5. While other processes wait, local hand-overs stay within `localPassesMax` and `localTenureMs`.
 *    (test/integration/lock/one-at-a-time.test.ts: "local hand-overs stay within their bounds")
 * 6. A lease ends on this process's clock no later than its key at Redis.
 *    (test/integration/lock/renewal.test.ts: "an answer that took longer than the time to live grants no lease")
 */
import type { Clock, Random, Timer } from '../time/clock.js';
import type { Behind, LockUnavailableError, LossReason } from './errors.js';
import type { HandOvers } from './hand-overs.js';
import { HeldLease, Hold, type HoldDetails } from './hold.js';
import type { RedisGateway } from './redis-gateway.js';
import type { Renewal } from './renewal.js';
import type { AcquireKind, Answer, Behindhand, Grant, ReleaseAnswer } from './scripts.js';
import { LIMITS, tokensMax, type Settings } from './settings.js';
import type { StatsCollector, WakeUpCause } from './stats.js';
import { isOwnersTicket, processOf, type Tickets } from './tickets.js';
import { WaitingRoom, type Waiter } from './waiting-room.js';

/** What all locks of a process share. */
export interface LockParts {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly stats: StatsCollector;
  readonly tickets: Tickets;
  readonly gateway: RedisGateway;
  readonly renewal: Renewal;
  readonly handOvers: HandOvers;
}

interface Asking {
  readonly kind: 'asking';
  readonly ticket: string;
  readonly sentAtMs: number;
  /** The time to live when it was sent. */
  readonly ttlMs: number;
  readonly tokens: number;
  readonly acquiring: AcquireKind;
  /** A hand-over that arrived before the answer. */
  grant: Grant | null;
  /** Another ticket was queued behind this one before the answer arrived. */
  isWanted: boolean;
}

interface Queued {
  readonly kind: 'queued';
  readonly ticket: string;
  readonly wake: Timer;
  /** When the acquire was sent, on this process's clock; Redis carried it out at `askedAtUs` on its own, in µs. */
  readonly sentAtMs: number;
  readonly askedAtUs: number;
}

interface Held {
  readonly kind: 'held';
  readonly hold: Hold;
  readonly lease: HeldLease;
  /** Of a lease by which this process may own the lock. */
  readonly onWanted: (() => void) | undefined;
}

type Phase = { readonly kind: 'idle' } | Asking | Queued | Held;

const IDLE = { kind: 'idle' } as const;

export class KeyLock {
  private phase: Phase = IDLE;
  private readonly room: WaitingRoom;
  private behind: Behindhand | null = null;

  constructor(
    private readonly parts: LockParts,
    private readonly key: string,
    /** Called when the lock has neither waiters nor a ticket, so its entry can be dropped. */
    private readonly onIdle: () => void,
  ) {
    this.room = new WaitingRoom(parts, {
      key,
      behind: () => this.describeAhead(),
      onDeserted: () => {
        this.leaveQueue();
      },
    });
  }

  enter(waiter: Waiter): void {
    if (!this.room.enter(waiter)) return;
    if (this.phase.kind === 'idle') {
      this.acquireForNextWaiter();
      return;
    }
    this.onWanted();
    if (waiter.triesOnce) this.room.timeOut(waiter);
    else waiter.markQueued();
  }

  /** Others wait for the lock. */
  onWanted(): void {
    if (this.phase.kind === 'asking') this.phase.isWanted = true;
    if (this.phase.kind === 'held') this.phase.onWanted?.();
  }

  /** Hands the lock to the next waiter, of this process or another. @throws LockUnavailableError */
  async release(lease: HeldLease): Promise<void> {
    if (this.phase.kind !== 'held' || this.phase.lease !== lease) return;
    const { hold } = lease;
    if (lease.state !== 'held') return;
    this.recordEnd(lease);
    lease.markReleased();
    if (this.passToLocalWaiter(hold)) return;

    const { gateway, renewal, handOvers, stats } = this.parts;
    hold.end();
    renewal.remove(hold);
    const again = this.room.first ? this.startAsking(this.nextTicket()) : null;
    if (!again) this.becomeIdle();
    let answer: ReleaseAnswer;
    try {
      answer = await gateway.release(this.key, hold.ticket, again ?? undefined);
    } catch (error) {
      stats.releasesFailed += 1;
      if (again) this.onFailed(again, error);
      throw error;
    }
    if (!answer.mine) {
      lease.markLost('taken-from-us');
      stats.leasesLost += 1;
    }
    handOvers.note(this.key, hold.ticket, answer);
    if (again) this.onAnswer(again, answer);
  }

  /** Redis handed the lock to a ticket of this process. A ticket that no longer wants it is given up. */
  onHandOver(grant: Grant): void {
    const { phase } = this;
    const { ticket } = grant;
    if (phase.kind === 'queued' && phase.ticket === ticket) {
      phase.wake.cancel();
      this.claim(grant, phase);
    } else if (phase.kind === 'asking' && phase.ticket === ticket) phase.grant = grant;
    else if (phase.kind !== 'held' || phase.hold.ticket !== ticket)
      this.parts.handOvers.giveBack(this.key, ticket);
  }

  /** The inbox is subscribed again; a hand-over may have been missed. */
  onListening(): void {
    if (this.phase.kind === 'queued') this.retryAcquire('reconnect');
  }

  /** Redis is unavailable, or the service stops. A held lease stays. */
  rejectAll(error: LockUnavailableError): void {
    this.room.rejectAll(error);
    const { phase } = this;
    if (phase.kind === 'queued') phase.wake.cancel();
    if (phase.kind === 'queued' || phase.kind === 'asking') {
      this.parts.gateway.doubt(this.key, phase.ticket);
      this.becomeIdle();
    }
  }

  /** Marks the held lease as lost and gives up its ticket. */
  async stop(): Promise<void> {
    if (this.phase.kind !== 'held') return;
    const { hold } = this.phase;
    hold.lose('stopped');
    await this.parts.gateway.release(this.key, hold.ticket).catch(() => undefined);
  }

  /** @param acquiring a ticket that was queued stays so, also behind an owner. */
  private sendAcquire(ticket: string, acquiring: AcquireKind = 'queue'): void {
    const asking = this.startAsking(ticket, acquiring);
    this.parts.gateway.acquire(this.key, { ...asking, kind: acquiring }).then(
      (answer) => {
        this.parts.stats.handOffs.skipped += answer.skipped;
        this.onAnswer(asking, answer);
      },
      (error: unknown) => {
        this.onFailed(asking, error);
      },
    );
  }

  private retryAcquire(cause: WakeUpCause): void {
    if (this.phase.kind !== 'queued') return;
    this.phase.wake.cancel();
    this.parts.stats.wakeUps[cause] += 1;
    this.sendAcquire(this.phase.ticket);
  }

  private startAsking(ticket: string, acquiring: AcquireKind = 'queue'): Asking {
    const { clock, settings } = this.parts;
    const tokens = Math.min(this.room.size, tokensMax(settings));
    const sentAtMs = clock.nowMs();
    const { ttlMs } = settings;
    const terms = { ticket, sentAtMs, ttlMs, tokens, acquiring };
    const asking: Asking = { kind: 'asking', ...terms, grant: null, isWanted: false };
    this.phase = asking;
    return asking;
  }

  private onAnswer(asking: Asking, { standing }: Answer): void {
    if (this.phase !== asking) {
      // Abandoned by rejectAll before the answer arrived.
      if (standing.kind === 'yours') this.parts.handOvers.giveBack(this.key, asking.ticket);
      return;
    }
    switch (standing.kind) {
      case 'yours': {
        const { ticket, tokens, sentAtMs } = asking;
        // It may have changed while the question was on its way: the shorter one is safe.
        const lifeMs = Math.min(asking.ttlMs, this.parts.settings.ttlMs);
        const { firstToken } = standing;
        this.onGranted({ ticket, deadlineMs: sentAtMs + lifeMs, lifeMs, firstToken, tokens });
        if (asking.isWanted) this.onWanted();
        return;
      }
      case 'theirs':
        this.onOtherHolder(asking, standing);
        return;
      case 'free':
        // Redis was out of memory and could not queue the ticket in the release.
        this.sendAcquire(asking.ticket);
        return;
      default:
        standing satisfies never;
    }
  }

  /**
   * Turns a hand-over into a hold. The end of the claim is known without a common clock: between the acquire and the
   * hand-over at least as much time has passed here as on the server's clock. If the server's clock was set forward in
   * between, the claim counts from now.
   *
   * Asks Redis first when half of the claim is over, as after a pause of the process, or when a later answer named
   * another holder.
   */
  private claim(
    { ticket, atUs, firstToken }: Grant,
    { sentAtMs, askedAtUs }: Pick<Queued, 'sentAtMs' | 'askedAtUs'>,
  ): void {
    const { clock, settings, stats } = this.parts;
    const lifeMs = settings.claimTtlMs;
    const handedOverAtMs = Math.min(sentAtMs + (atUs - askedAtUs) / 1_000, clock.nowMs());
    const deadlineMs = handedOverAtMs + lifeMs;
    stats.wakeUps.grant += 1;
    if (atUs <= askedAtUs || deadlineMs - clock.nowMs() < lifeMs / 2) this.sendAcquire(ticket);
    else this.onGranted({ ticket, deadlineMs, lifeMs, firstToken, tokens: tokensMax(settings) });
  }

  private onGranted(
    terms: Pick<HoldDetails, 'ticket' | 'deadlineMs' | 'lifeMs' | 'firstToken' | 'tokens'>,
  ): void {
    const { clock, renewal } = this.parts;
    const sinceMs = clock.nowMs();
    const { first } = this.room;
    if (!first || sinceMs >= terms.deadlineMs) {
      // All waiters have left, or the process was paused until the grant had expired.
      this.phase = IDLE;
      this.parts.handOvers.giveBack(this.key, terms.ticket);
      this.acquireForNextWaiter();
      return;
    }
    const { ticket, deadlineMs, lifeMs, firstToken, tokens } = terms;
    const hold: Hold = new Hold({
      key: this.key,
      ticket,
      deadlineMs,
      lifeMs,
      sinceMs,
      firstToken,
      tokens,
      onWanted: () => {
        this.onWanted();
      },
      onLost: (reason) => {
        this.onLost(hold, reason);
      },
    });
    this.behind = null;
    renewal.add(hold);
    this.grantTo(first, hold);
  }

  private onOtherHolder(asking: Asking, standing: Behindhand): void {
    const { tickets, gateway, settings, random, clock } = this.parts;
    this.behind = standing;
    // An abandoned acquire of this process was carried out after its ticket had been given up.
    if (tickets.isOurs(standing.holder) && standing.holder !== asking.ticket) {
      this.parts.handOvers.giveBack(this.key, standing.holder);
    }
    if (asking.acquiring === 'own' && isOwnersTicket(standing.holder)) {
      this.onOwner(asking, standing.holder);
      return;
    }
    if (this.room.first?.triesOnce) this.room.timeOut(this.room.first);
    this.room.first?.markQueued();
    // Without a waiter: it tried once, left before the answer, or has aborted its wait in its onQueued.
    if (!this.room.first) {
      this.becomeIdle();
      if (asking.acquiring !== 'try') this.parts.handOvers.giveUp(this.key, asking.ticket);
      return;
    }
    const { ticket, sentAtMs } = asking;
    if (asking.grant) {
      this.claim(asking.grant, { sentAtMs, askedAtUs: standing.atUs });
      return;
    }
    if (asking.acquiring === 'try') {
      this.sendAcquire(ticket);
      return;
    }
    const { remainingMs } = standing;
    let sleepMs = remainingMs < 0 ? settings.ttlMs : Math.min(remainingMs, settings.ttlMs);
    if (!gateway.listening) sleepMs = Math.min(sleepMs, LIMITS.deafPollMs);
    const wake = clock.after(sleepMs + 1 + random() * LIMITS.wakeJitterMs, () => {
      this.retryAcquire('ttl');
    });
    this.phase = { kind: 'queued', ticket, wake, sentAtMs, askedAtUs: standing.atUs };
  }

  /** The ticket was not queued. */
  private onOwner({ ticket }: Asking, holder: string): void {
    const { first } = this.room;
    const { tickets } = this.parts;
    // It was ours, and is given back; or is of another fleet. Or the waiter that was to ask has left.
    const isNoOwner = tickets.isOurs(holder) || !tickets.isOfFleet(holder);
    if (isNoOwner || (first && !first.owning?.onOwner)) {
      this.sendAcquire(ticket);
      return;
    }
    if (first?.owning?.onOwner) {
      this.room.leave(first);
      first.owning.onOwner(processOf(holder));
    }
    this.acquireForNextWaiter();
  }

  private onFailed(asking: Asking, error: unknown): void {
    // When Redis became unavailable, rejectAll has ended this acquire already.
    if (this.phase !== asking) return;
    this.rejectAll(error as LockUnavailableError);
  }

  private grantTo(waiter: Waiter, hold: Hold): void {
    const { clock, stats } = this.parts;
    this.room.leave(waiter);
    const nowMs = clock.nowMs();
    stats.granted(waiter, nowMs);
    const lease = new HeldLease(hold, hold.takeToken(), nowMs, clock);
    this.phase = { kind: 'held', hold, lease, onWanted: waiter.owning?.onWanted };
    waiter.resolve(lease);
    if (this.room.first) this.onWanted();
  }

  /** Grants the lock to the next local waiter without a command, within the bounds of the hold. */
  private passToLocalWaiter(hold: Hold): boolean {
    const { first } = this.room;
    // Other processes take the holder of an owner's ticket for one that decides their lines.
    if (!first || !hold.hasToken || hold.owns !== (first.owning !== null)) return false;
    const { clock, settings, stats } = this.parts;
    if (clock.nowMs() - hold.sinceMs >= settings.localTenureMs) return false;
    stats.handOffs.local += 1;
    this.grantTo(first, hold);
    return true;
  }

  private onLost(hold: Hold, reason: LossReason): void {
    if (this.phase.kind !== 'held' || this.phase.hold !== hold) return;
    const { lease } = this.phase;
    this.parts.renewal.remove(hold);
    this.parts.stats.leasesLost += 1;
    this.recordEnd(lease);
    lease.markLost(reason);
    this.phase = IDLE;
    // If the key still exists, other processes need not wait for its expiry.
    if (reason === 'not-renewed-in-time') this.parts.handOvers.giveUp(this.key, hold.ticket);
    this.acquireForNextWaiter();
  }

  private recordEnd(lease: HeldLease): void {
    const { clock, stats } = this.parts;
    stats.ended(lease, clock.nowMs());
  }

  private acquireForNextWaiter(): void {
    const { first } = this.room;
    if (first) this.sendAcquire(this.nextTicket(), acquireKindOf(first));
    else this.becomeIdle();
  }

  private nextTicket(): string {
    return this.parts.tickets.next(this.room.first?.owning != null);
  }

  private leaveQueue(): void {
    const { phase } = this;
    if (phase.kind !== 'queued') return;
    phase.wake.cancel();
    this.becomeIdle();
    this.parts.handOvers.giveUp(this.key, phase.ticket);
  }

  private describeAhead(): Omit<Behind, 'waitersAhead'> {
    if (this.phase.kind === 'held') {
      const holder = this.parts.tickets.processId;
      return { processesAhead: 0, holder, holderExpires: true };
    }
    const { behind } = this;
    return {
      processesAhead: behind?.position ?? null,
      holder: behind && processOf(behind.holder),
      holderExpires: !behind || behind.remainingMs >= 0,
    };
  }

  private becomeIdle(): void {
    this.phase = IDLE;
    this.behind = null;
    this.onIdle();
  }
}

function acquireKindOf({ owning, triesOnce }: Waiter): AcquireKind {
  if (owning?.onOwner) return 'own';
  return triesOnce ? 'try' : 'queue';
}
