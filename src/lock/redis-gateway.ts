/**
 * The lock's way to Redis: two connections for the whole process, one that asks and one that listens, and the knowledge
 * whether Redis serves us.
 *
 * The first failure marks Redis as away. From then on every call is refused at once, until a probe that really takes
 * and gives back a lock has succeeded. A ticket whose fate is unknown, because its answer got lost, is remembered and
 * given up before anything else happens after the return.
 */
import { Availability, type LockHealth } from './availability.js';
import type { Clock, Random, Timer } from '../time/clock.js';
import { LockUnavailableError } from './errors.js';
import type { LockLog } from './lock-service.js';
import {
  FirstNews,
  connectByIoredis,
  retryDelayMs,
  type Connect,
  type RedisConnection,
} from '../redis/connection.js';
import { failureOf, type RedisFailure } from '../redis/failure.js';
import { Subscription } from '../redis/subscription.js';
import {
  LockScripts,
  acquireStep,
  readGrant,
  releaseStep,
  type AcquireRequest,
  type Answer,
  type Grant,
  type ReleaseAnswer,
  type ScriptCall,
} from './scripts.js';
import { LIMITS, type Settings } from './settings.js';
import type { StatsCollector } from './stats.js';
import { StepQueue } from './step-queue.js';
import { inboxOf } from './tickets.js';

export interface GatewayEvents {
  /** Redis handed a lock to a ticket of this process. */
  onGrant(grant: Grant): void;
  /** Hand-overs reach this process from now on; some may have been missed before. */
  onListening(): void;
  onAway(error: LockUnavailableError): void;
  onBack(): void;
}

export interface GatewayParts {
  readonly settings: Settings;
  readonly processId: string;
  readonly connect: Connect | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LockLog | undefined;
  readonly stats: StatsCollector;
}

export class RedisGateway {
  private readonly availability: Availability;
  private readonly scripts: LockScripts;
  private readonly steps: StepQueue;
  private readonly commands: RedisConnection;
  private readonly inbox: Subscription;
  private readonly firstNews = new FirstNews();
  private readonly doubts: Doubts;
  private policyChecked = false;
  private tries = 0;
  private backAtMs = 0;
  private nextProbe: Timer | null = null;
  private stopped = false;

  constructor(
    private readonly parts: GatewayParts,
    private readonly events: GatewayEvents,
  ) {
    const { settings, processId, clock, random } = parts;
    const { url, commandTimeoutMs } = settings;
    const connection = { url, commandTimeoutMs, clock, random };
    this.availability = new Availability(clock, parts.log);
    this.scripts = new LockScripts(settings);
    this.steps = new StepQueue((steps) => this.call(this.scripts.carryOut(steps)));
    this.doubts = new Doubts((key, ticket) => this.steps.run(releaseStep(key, ticket)));
    const connect = parts.connect ?? connectByIoredis;
    this.commands = connect(
      { ...connection, name: `lock:${processId}` },
      {
        onReady: () => {
          void this.probe();
        },
        onDown: (failure) => {
          this.away(failure);
        },
      },
    );
    const listening = { ...connection, name: `lock-inbox:${processId}` };
    this.inbox = new Subscription(connect, listening, inboxOf(processId), {
      onListening: () => {
        events.onListening();
      },
      onMessage: (message) => {
        events.onGrant(readGrant(message));
      },
    });
  }

  /** Tells how it went, also where Redis is away. @throws LockUnavailableError where Redis refuses us. */
  async start(): Promise<LockHealth> {
    this.commands.open();
    this.inbox.open();
    const failures = await Promise.all([this.firstNews.told, this.inbox.firstNews.told]);
    const refusal = failures.find((failure) => failure?.kind === 'refused');
    if (refusal) {
      this.stop();
      throw new LockUnavailableError(`The lock cannot use Redis: ${refusal.reason}.`);
    }
    return this.health();
  }

  stop(): void {
    this.stopped = true;
    this.nextProbe?.cancel();
    this.commands.close();
    this.inbox.close();
    this.availability.end();
    this.firstNews.tell(null);
  }

  health(): LockHealth {
    return this.availability.health();
  }

  get available(): boolean {
    return this.availability.available;
  }

  /** Whether messages reach us now. */
  get listening(): boolean {
    return this.inbox.listening;
  }

  unavailable(): LockUnavailableError {
    return this.availability.error();
  }

  /** @throws LockUnavailableError; the ticket is then given up as soon as that is possible. */
  acquire(key: string, request: AcquireRequest): Promise<Answer> {
    if (!this.available) return Promise.reject(this.unavailable());
    return this.steps.run(acquireStep(key, request)).catch((error: unknown) => {
      throw this.failed(error, { key, ticket: request.ticket });
    });
  }

  /** @throws LockUnavailableError; the ticket is then given up as soon as that is possible. */
  release(
    key: string,
    ticket: string,
    again?: { readonly ticket: string; readonly tokens: number },
  ): Promise<ReleaseAnswer> {
    if (!this.available) {
      this.doubt(key, ticket);
      return Promise.reject(this.unavailable());
    }
    return this.steps.run(releaseStep(key, ticket, again)).catch((error: unknown) => {
      if (again) this.doubt(key, again.ticket);
      throw this.failed(error, { key, ticket });
    });
  }

  /** @throws LockUnavailableError */
  renew(
    locks: readonly { readonly key: string; readonly ticket: string }[],
  ): Promise<readonly boolean[]> {
    if (!this.available) return Promise.reject(this.unavailable());
    return this.call(this.scripts.renew(locks)).catch((error: unknown) => {
      throw this.failed(error);
    });
  }

  /** Remembers a ticket that Redis may know and we no longer want. */
  doubt(key: string, ticket: string): void {
    this.doubts.add(key, ticket);
  }

  /** Gives up all that is in doubt, where that is possible now. */
  async settleDoubts(): Promise<void> {
    if (this.available) await this.doubts.settle().catch(() => undefined);
  }

  private failed(
    error: unknown,
    lock?: { readonly key: string; readonly ticket: string },
  ): LockUnavailableError {
    const failure = failureOf(error);
    if (lock) this.doubt(lock.key, lock.ticket);
    if (lock && failure.kind === 'unusable-key') {
      // A script that fails half-way is not rolled back.
      void this.settleDoubts();
      return new LockUnavailableError(`The lock ${lock.key} cannot be had: ${failure.reason}.`);
    }
    this.away(failure);
    return this.unavailable();
  }

  private call<T>({ script, keys, args, read }: ScriptCall<T>): Promise<T> {
    this.parts.stats.roundTrips += 1;
    return this.commands.script(script, keys, args).then(read);
  }

  private away(failure: RedisFailure): void {
    this.firstNews.tell(failure);
    if (this.stopped) return;
    if (this.availability.away(failure.reason)) {
      if (this.parts.clock.nowMs() - this.backAtMs > LIMITS.stableMs) this.tries = 0;
      this.events.onAway(this.unavailable());
    }
    // A new connection is probed when it is ready; one that still stands, after a pause.
    if (this.commands.ready) this.probeLater(failure);
  }

  private probeLater(failure: RedisFailure): void {
    if (this.nextProbe) return;
    this.tries += 1;
    this.nextProbe = this.parts.clock.after(retryDelayMs(this.tries, this.parts.random), () => {
      this.nextProbe = null;
      if (!this.commands.ready) return;
      if (failure.reconnect) this.commands.drop(failure);
      else void this.probe();
    });
  }

  /** Takes and gives back a lock of our own, as only that shows that locks can be had. */
  private async probe(): Promise<void> {
    if (this.available) return;
    try {
      const request = { ticket: `${this.parts.processId}:0`, tokens: 1, queue: false };
      await this.steps.run(acquireStep(PROBE_KEY, request));
      await this.steps.run(releaseStep(PROBE_KEY, request.ticket));
      await this.checkPolicy();
    } catch (error) {
      this.away(failureOf(error));
      return;
    }
    if (this.stopped || !this.commands.ready) return;
    this.backAtMs = this.parts.clock.nowMs();
    this.availability.back();
    // Sent first, so whoever asks next does not wait for what we have forgotten ourselves.
    void this.settleDoubts();
    this.firstNews.tell(null);
    this.events.onBack();
  }

  /** A Redis that evicts keys when its memory is full evicts locks. */
  private async checkPolicy(): Promise<void> {
    if (this.policyChecked) return;
    this.policyChecked = true;
    const info = String(await this.commands.command(['info', 'memory']).catch(() => ''));
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined || policy === 'noeviction') return;
    const message =
      'This Redis may evict locks when its memory is full; set maxmemory-policy noeviction.';
    this.parts.log?.warn({ maxmemoryPolicy: policy }, message);
  }
}

/** Of all processes, so that restarts leave no litter; that another one is trying it shows the same. */
const PROBE_KEY = 'lock:{probe}';

/**
 * Tickets of unknown fate: an answer got lost, or Redis went away while they were in its queue. Each is given up once
 * Redis answers again. Tickets for which there is no room are ended by their time to live.
 */
class Doubts {
  /** The keys, by ticket. */
  private readonly keys = new Map<string, string>();

  constructor(private readonly giveUp: (key: string, ticket: string) => Promise<unknown>) {}

  add(key: string, ticket: string): void {
    if (this.keys.size >= LIMITS.doubtsMax) {
      const [oldest = ''] = this.keys.keys();
      this.keys.delete(oldest);
    }
    this.keys.set(ticket, key);
  }

  /** @throws what Redis says; whatever could not be settled stays in doubt. */
  async settle(): Promise<void> {
    await Promise.all([...this.keys].map(([ticket, key]) => this.settleOne(key, ticket)));
  }

  private async settleOne(key: string, ticket: string): Promise<void> {
    try {
      await this.giveUp(key, ticket);
    } catch (error) {
      if (failureOf(error).kind !== 'unusable-key') throw error;
    }
    this.keys.delete(ticket);
  }
}
