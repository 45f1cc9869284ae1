/**
 * One lock as this process sees it: its local waiters, and the state of its ticket at Redis.
 *
 * Only one ticket of the process is known to Redis, however many waiters there are. The waiter that is first when the
 * ticket gets the lock becomes the owner, so the place in the queue survives a waiter that gives up.
 *
 * | state  | ticket at Redis | left when                                                                      |
 * | ------ | --------------- | ------------------------------------------------------------------------------ |
 * | idle   | none            | a waiter enters: asking                                                        |
 * | asking | unknown         | answered: held, queued, or idle where no waiter is left; failed: idle          |
 * | queued | in the queue    | handed over: held; holder's time over or inbox back: asking; no waiter: idle   |
 * | held   | the key's value | released: held (next local waiter), asking or idle; lost: asking or idle       |
 *
 * Invariants, each with the test in test/integration/lock that shows it:
 * 1. An answer or a hand-over for which no waiter is left is given back. (lost-replies: a grant that comes too late)
 * 2. A hand-over that overtakes the answer to its question is kept until that answer. (waiting: a wake-up is not lost)
 * 3. A queued ticket always has a timer, so a lost message delays its waiters and never strands them. (waiting: as 2)
 * 4. A release compares the ticket, so a repeated one takes the lock from no other owner. (lost-replies: a release
 *    whose answer is lost)
 * 5. Local waiters pass the lock on at most `localPassesMax` times and for `localTenureMs`. (one-at-a-time)
 * 6. A lease ends on this process's clock no later than its key at Redis. (renewal)
 */
import type { Clock, Random, Timer } from '../time/clock.js';
import type { Behind, LockUnavailableError, LossReason } from './errors.js';
import type { HandOvers } from './hand-overs.js';
import { HeldLease } from './held-lease.js';
import { Hold, type HoldDetails } from './hold.js';
import type { RedisGateway } from './redis-gateway.js';
import type { Renewal } from './renewal.js';
import type { Answer, Behindhand, Grant, ReleaseAnswer } from './scripts.js';
import { LIMITS, tokensMax, type Settings } from './settings.js';
import type { StatsCollector, WakeUpCause } from './stats.js';
import { processOf, type Tickets } from './tickets.js';
import type { Waiter } from './waiters.js';
import { WaitingRoom } from './waiting-room.js';

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
  readonly tokens: number;
  /** Whether Redis queues the ticket where it can't have the lock at once. */
  readonly queue: boolean;
  /** It came before the answer, which may be older. */
  grant: Grant | null;
}

interface Queued {
  readonly kind: 'queued';
  readonly ticket: string;
  readonly wake: Timer;
  /** When the question was sent that Redis carried out at `askedAtUs` by its own clock, in microseconds. */
  readonly sentAtMs: number;
  readonly askedAtUs: number;
}

interface Held {
  readonly kind: 'held';
  readonly hold: Hold;
  readonly lease: HeldLease;
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
    /** Called when nothing is left to remember. */
    private readonly onIdle: () => void,
  ) {
    this.room = new WaitingRoom(parts, {
      key,
      behind: () => this.whatIsAhead(),
      onDeserted: () => {
        this.withdraw();
      },
    });
  }

  enter(waiter: Waiter): void {
    if (!this.room.enter(waiter)) return;
    if (this.phase.kind === 'idle') {
      this.ask(this.parts.tickets.next());
      return;
    }
    waiter.markQueued();
    if (waiter.triesOnce) this.room.timeOut(waiter);
  }

  /** Gives the turn to the next, here or elsewhere. @throws LockUnavailableError */
  async release(lease: HeldLease): Promise<void> {
    if (this.phase.kind !== 'held' || this.phase.lease !== lease) return;
    const { hold } = lease;
    if (lease.state !== 'held') return;
    this.finish(lease);
    lease.markReleased();
    if (this.passOn(hold)) return;

    const { gateway, renewal, handOvers, stats } = this.parts;
    hold.end();
    renewal.remove(hold);
    const again = this.room.first ? this.beginAsking(this.parts.tickets.next()) : null;
    if (!again) this.becomeIdle();
    let answer: ReleaseAnswer;
    try {
      answer = await gateway.release(this.key, hold.ticket, again ?? undefined);
    } catch (error) {
      stats.releasesFailed += 1;
      if (again) this.failed(again, error);
      throw error;
    }
    if (!answer.mine) {
      lease.markLost('taken-from-us');
      stats.leasesLost += 1;
    }
    handOvers.note(this.key, hold.ticket, answer);
    if (again) this.answered(again, answer);
  }

  /** The lock was handed to one of our tickets: it is ours, or handed on if nobody wants it. */
  onGrant(grant: Grant): void {
    const { phase } = this;
    const { ticket } = grant;
    if (phase.kind === 'queued' && phase.ticket === ticket) {
      phase.wake.cancel();
      this.granted(grant, phase);
    } else if (phase.kind === 'asking' && phase.ticket === ticket) phase.grant = grant;
    else if (phase.kind !== 'held' || phase.hold.ticket !== ticket)
      this.parts.handOvers.giveBack(this.key, ticket);
  }

  /** Messages may have been missed. */
  onListening(): void {
    if (this.phase.kind === 'queued') this.askAgain('reconnect');
  }

  /** Redis is away or we stop: nobody waits any longer. A lease that is held goes on. */
  rejectAll(error: LockUnavailableError): void {
    this.room.rejectAll(error);
    const { phase } = this;
    if (phase.kind === 'queued') phase.wake.cancel();
    if (phase.kind === 'queued' || phase.kind === 'asking') {
      this.parts.gateway.doubt(this.key, phase.ticket);
      this.becomeIdle();
    }
  }

  /** The lease that is held is declared lost and its ticket given up. */
  async stop(): Promise<void> {
    if (this.phase.kind !== 'held') return;
    const { hold } = this.phase;
    hold.lose('stopped');
    await this.parts.gateway.release(this.key, hold.ticket).catch(() => undefined);
  }

  private ask(ticket: string): void {
    const asking = this.beginAsking(ticket);
    this.parts.gateway.acquire(this.key, asking).then(
      (answer) => {
        this.parts.stats.handOffs.skipped += answer.skipped;
        this.answered(asking, answer);
      },
      (error: unknown) => {
        this.failed(asking, error);
      },
    );
  }

  private askAgain(cause: WakeUpCause): void {
    if (this.phase.kind !== 'queued') return;
    this.phase.wake.cancel();
    this.parts.stats.wakeUps[cause] += 1;
    this.ask(this.phase.ticket);
  }

  private beginAsking(ticket: string): Asking {
    const { clock, settings } = this.parts;
    const tokens = Math.min(this.room.size, tokensMax(settings));
    const sentAtMs = clock.nowMs();
    const queue = this.room.first?.triesOnce !== true;
    const asking: Asking = { kind: 'asking', ticket, sentAtMs, tokens, queue, grant: null };
    this.phase = asking;
    return asking;
  }

  private answered(asking: Asking, { standing }: Answer): void {
    if (this.phase !== asking) {
      // Nobody waited any more when Redis went away or we stopped.
      if (standing.kind === 'yours') this.parts.handOvers.giveBack(this.key, asking.ticket);
      return;
    }
    switch (standing.kind) {
      case 'yours': {
        const { ticket, tokens, sentAtMs } = asking;
        const lifeMs = this.parts.settings.ttlMs;
        const { firstToken } = standing;
        this.had({ ticket, deadlineMs: sentAtMs + lifeMs, lifeMs, firstToken, tokens });
        return;
      }
      case 'theirs':
        this.notHad(asking, standing);
        return;
      case 'free':
        // Only where Redis had no memory left to queue us while it released.
        this.ask(asking.ticket);
        return;
      default:
        standing satisfies never;
    }
  }

  /**
   * Between our question and the hand-over at least as much time has passed here as by the server's clock, so the claim
   * lasts at least until then. Who hears of it late, as after a pause, asks whether the lock is still to be had; so
   * does who was told since, by an answer to a question, that another one has it.
   */
  private granted(
    { ticket, atUs, firstToken }: Grant,
    { sentAtMs, askedAtUs }: Pick<Queued, 'sentAtMs' | 'askedAtUs'>,
  ): void {
    const { clock, settings, stats } = this.parts;
    const lifeMs = settings.claimTtlMs;
    const deadlineMs = sentAtMs + (atUs - askedAtUs) / 1_000 + lifeMs;
    stats.wakeUps.grant += 1;
    if (atUs <= askedAtUs || deadlineMs - clock.nowMs() < lifeMs / 2) this.ask(ticket);
    else this.had({ ticket, deadlineMs, lifeMs, firstToken, tokens: tokensMax(settings) });
  }

  private had(
    terms: Pick<HoldDetails, 'ticket' | 'deadlineMs' | 'lifeMs' | 'firstToken' | 'tokens'>,
  ): void {
    const { clock, renewal } = this.parts;
    const sinceMs = clock.nowMs();
    const { first } = this.room;
    if (!first || sinceMs >= terms.deadlineMs) {
      // They timed out or were aborted, or we were stopped until the answer had become worthless.
      this.phase = IDLE;
      this.parts.handOvers.giveBack(this.key, terms.ticket);
      this.goOn();
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
      onLost: (reason) => {
        this.lost(hold, reason);
      },
    });
    this.behind = null;
    renewal.add(hold);
    this.grant(first, hold);
  }

  private notHad(asking: Asking, standing: Behindhand): void {
    const { tickets, gateway, settings, random, clock } = this.parts;
    this.behind = standing;
    // A question of ours that was carried out after we had given it up: it blocks nobody but us.
    if (tickets.isOurs(standing.holder) && standing.holder !== asking.ticket) {
      this.parts.handOvers.giveBack(this.key, standing.holder);
    }
    if (this.room.first?.triesOnce) this.room.timeOut(this.room.first);
    const { first } = this.room;
    if (!first) {
      this.becomeIdle();
      if (asking.queue) this.parts.handOvers.giveUp(this.key, asking.ticket);
      return;
    }
    first.markQueued();
    const { ticket, sentAtMs } = asking;
    if (asking.grant) {
      this.granted(asking.grant, { sentAtMs, askedAtUs: standing.atUs });
      return;
    }
    if (!asking.queue) {
      this.ask(ticket);
      return;
    }
    const { remainingMs } = standing;
    let sleepMs = remainingMs < 0 ? settings.ttlMs : Math.min(remainingMs, settings.ttlMs);
    if (!gateway.listening) sleepMs = Math.min(sleepMs, LIMITS.deafPollMs);
    const wake = clock.after(sleepMs + 1 + random() * LIMITS.wakeJitterMs, () => {
      this.askAgain('ttl');
    });
    this.phase = { kind: 'queued', ticket, wake, sentAtMs, askedAtUs: standing.atUs };
  }

  private failed(asking: Asking, error: unknown): void {
    // Where Redis is away all have been told already.
    if (this.phase !== asking) return;
    this.rejectAll(error as LockUnavailableError);
  }

  private grant(waiter: Waiter, hold: Hold): void {
    const { clock, stats } = this.parts;
    this.room.leave(waiter);
    const nowMs = clock.nowMs();
    stats.acquired += 1;
    if (waiter.hasWaited) stats.waits += 1;
    stats.waitTime.add(nowMs - waiter.sinceMs);
    stats.heldNow += 1;
    const lease = new HeldLease(hold, hold.takeToken(), nowMs, clock);
    this.phase = { kind: 'held', hold, lease };
    waiter.resolve(lease);
  }

  /** Gives the next local waiter its turn without asking Redis, while the hold's bounds last. */
  private passOn(hold: Hold): boolean {
    const { first } = this.room;
    if (!first || !hold.hasToken) return false;
    const { clock, settings, stats } = this.parts;
    if (clock.nowMs() - hold.sinceMs >= settings.localTenureMs) return false;
    stats.handOffs.local += 1;
    this.grant(first, hold);
    return true;
  }

  private lost(hold: Hold, reason: LossReason): void {
    if (this.phase.kind !== 'held' || this.phase.hold !== hold) return;
    const { lease } = this.phase;
    this.parts.renewal.remove(hold);
    this.parts.stats.leasesLost += 1;
    this.finish(lease);
    lease.markLost(reason);
    this.phase = IDLE;
    // Where Redis still has it, nobody shall wait for its time to live.
    if (reason === 'not-renewed-in-time') this.parts.handOvers.giveUp(this.key, hold.ticket);
    this.goOn();
  }

  private finish(lease: HeldLease): void {
    const { clock, stats } = this.parts;
    stats.heldNow -= 1;
    stats.holdTime.add(clock.nowMs() - lease.sinceMs);
  }

  private goOn(): void {
    if (this.room.first) this.ask(this.parts.tickets.next());
    else this.becomeIdle();
  }

  private withdraw(): void {
    const { phase } = this;
    if (phase.kind !== 'queued') return;
    phase.wake.cancel();
    this.becomeIdle();
    this.parts.handOvers.giveUp(this.key, phase.ticket);
  }

  private whatIsAhead(): Omit<Behind, 'waitersAhead'> {
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
