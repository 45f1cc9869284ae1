/**
 * The lock's way to Redis: two connections for the whole process, one that asks and one that listens, and the knowledge
 * whether Redis serves us.
 *
 * The first failure marks Redis as away. From then on every call is refused at once, until a probe that really takes
 * and gives back a lock has succeeded. A ticket whose fate is unknown, because its answer got lost, is remembered and
 * given up before anything else happens after the return.
 */
import { Availability, type LockHealth } from './availability.js';
import type { Clock, Random, Timer } from './clock.js';
import { LockUnavailableError } from './errors.js';
import type { LockLog } from './lock-service.js';
import { RedisConnection, retryDelayMs, type ConnectionEvents } from './redis-connection.js';
import { failureOf, type RedisFailure } from './redis-failure.js';
import {
  LockScripts,
  type Answer,
  type ReleaseAnswer,
  type Script,
  type ScriptCall,
} from './scripts.js';
import { LIMITS, type Settings } from './settings.js';
import type { StatsCollector } from './stats.js';
import { inboxOf } from './tickets.js';

export interface GatewayEvents {
  /** A lock was handed to a ticket of ours. */
  onGrant(key: string, ticket: string): void;
  /** From now on messages reach us; those before are lost. */
  onListening(): void;
  onAway(error: LockUnavailableError): void;
  onBack(): void;
}

export interface GatewayParts {
  readonly settings: Settings;
  readonly processId: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: LockLog | undefined;
  readonly stats: StatsCollector;
}

export class RedisGateway {
  private readonly availability: Availability;
  private readonly scripts: LockScripts;
  private readonly commands: RedisConnection;
  private readonly inbox: RedisConnection;
  private readonly commandsVerdict = new Verdict();
  private readonly inboxVerdict = new Verdict();
  private readonly probeTicket: string;
  /** Tickets of unknown fate, and their keys. */
  private readonly doubts = new Map<string, string>();
  private listens = false;
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
    this.availability = new Availability(clock, parts.log);
    this.scripts = new LockScripts(settings);
    this.probeTicket = `${processId}:0`;
    const open = (name: string, handlers: ConnectionEvents) => {
      const { url, commandTimeoutMs } = settings;
      return new RedisConnection(
        { url, name: `${name}:${processId}`, commandTimeoutMs, clock, random },
        handlers,
      );
    };
    this.commands = open('lock', {
      onReady: () => {
        void this.probe();
      },
      onDown: (failure) => {
        this.away(failure);
      },
    });
    this.inbox = open('lock-inbox', {
      onReady: () => {
        void this.listen();
      },
      onDown: (failure) => {
        this.listens = false;
        this.inboxVerdict.give(failure);
      },
    });
    this.inbox.redis.on('message', (_channel: string, message: string) => {
      this.onMessage(message);
    });
  }

  /** Tells how it went, also where Redis is away. @throws LockUnavailableError where Redis refuses us. */
  async start(): Promise<LockHealth> {
    this.commands.open();
    this.inbox.open();
    const failures = await Promise.all([this.commandsVerdict.given, this.inboxVerdict.given]);
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
    this.commandsVerdict.give(null);
    this.inboxVerdict.give(null);
  }

  health(): LockHealth {
    return this.availability.health();
  }

  get available(): boolean {
    return this.availability.available;
  }

  /** Whether messages reach us now. */
  get listening(): boolean {
    return this.listens;
  }

  unavailable(): LockUnavailableError {
    return this.availability.error();
  }

  /** @throws LockUnavailableError; the ticket is then given up as soon as that is possible. */
  async acquire(
    key: string,
    ticket: string,
    options: { readonly tokens: number; readonly queue: boolean },
  ): Promise<Answer> {
    if (!this.available) throw this.unavailable();
    try {
      const answer = await this.scripts.acquire(this.call, key, ticket, options);
      this.parts.stats.handOffs.skipped += answer.skipped;
      return answer;
    } catch (error) {
      throw this.failed(error, key, ticket);
    }
  }

  /** @throws LockUnavailableError; the ticket is then given up as soon as that is possible. */
  async release(
    key: string,
    ticket: string,
    again?: { readonly ticket: string; readonly tokens: number },
  ): Promise<ReleaseAnswer> {
    if (!this.available) {
      this.doubt(key, ticket);
      throw this.unavailable();
    }
    try {
      const answer = await this.scripts.release(this.call, key, ticket, again);
      this.parts.stats.handOffs.skipped += answer.skipped;
      return answer;
    } catch (error) {
      if (again) this.doubt(key, again.ticket);
      throw this.failed(error, key, ticket);
    }
  }

  /** @throws LockUnavailableError */
  async renew(
    locks: readonly { readonly key: string; readonly ticket: string }[],
  ): Promise<readonly boolean[]> {
    if (!this.available) throw this.unavailable();
    try {
      return await this.scripts.renew(this.call, locks);
    } catch (error) {
      throw this.failed(error);
    }
  }

  /** Remembers a ticket that Redis may know and we no longer want. */
  doubt(key: string, ticket: string): void {
    if (this.doubts.size >= LIMITS.doubtsMax) {
      const [oldest = ''] = this.doubts.keys();
      this.doubts.delete(oldest); // Its time to live ends it.
    }
    this.doubts.set(ticket, key);
  }

  /** Gives up all that is in doubt, as far as that is possible now. */
  async settleDoubts(): Promise<void> {
    if (!this.available) return;
    await Promise.allSettled([...this.doubts].map((doubt) => this.settle(...doubt)));
  }

  private failed(error: unknown, key = '', ticket = ''): LockUnavailableError {
    const failure = failureOf(error);
    if (ticket !== '') this.doubt(key, ticket);
    if (failure.kind === 'unusable-key') {
      // A script that fails half-way is not rolled back.
      if (ticket !== '') this.settle(ticket, key).catch(() => undefined);
      return new LockUnavailableError(`The lock ${key} cannot be had: ${failure.reason}.`);
    }
    this.away(failure);
    return this.unavailable();
  }

  private readonly call: ScriptCall = async (script, keyCount, args) => {
    try {
      return await this.send(script, 'evalsha', keyCount, args);
    } catch (error) {
      if (!(error as Error).message.startsWith('NOSCRIPT')) throw error;
      return this.send(script, 'eval', keyCount, args);
    }
  };

  private send(
    script: Script,
    command: 'eval' | 'evalsha',
    keyCount: number,
    args: readonly (string | number)[],
  ): Promise<unknown> {
    this.parts.stats.roundTrips += 1;
    const what = command === 'evalsha' ? script.sha : script.text;
    return this.commands.run((redis) => redis[command](what, keyCount, ...args));
  }

  private away(failure: RedisFailure): void {
    this.commandsVerdict.give(failure);
    if (this.stopped) return;
    if (this.availability.away(failure.reason)) {
      if (this.parts.clock.nowMs() - this.backAtMs > LIMITS.stableMs) this.tries = 0;
      this.events.onAway(this.unavailable());
    }
    if (failure.reconnect) this.commands.drop(failure);
    // A new connection is probed when it is ready; one that still stands, after a pause.
    else if (this.commands.ready) this.probeLater();
  }

  private probeLater(): void {
    if (this.nextProbe || this.stopped) return;
    this.tries += 1;
    this.nextProbe = this.parts.clock.after(retryDelayMs(this.tries, this.parts.random), () => {
      this.nextProbe = null;
      if (this.commands.ready) void this.probe();
    });
  }

  /** Takes and gives back a lock of our own, as only that shows that locks can be had, and settles what is in doubt. */
  private async probe(): Promise<void> {
    if (this.available) return;
    const key = `lock:probe:{${this.parts.processId}}`;
    try {
      await this.scripts.acquire(this.call, key, this.probeTicket, { tokens: 1, queue: false });
      await this.scripts.release(this.call, key, this.probeTicket);
      await Promise.all([...this.doubts].map((doubt) => this.settle(...doubt)));
      await this.checkPolicy();
    } catch (error) {
      this.away(failureOf(error));
      return;
    }
    if (this.stopped || !this.commands.ready) return;
    this.backAtMs = this.parts.clock.nowMs();
    this.availability.back();
    this.commandsVerdict.give(null);
    this.events.onBack();
  }

  private async settle(ticket: string, key: string): Promise<void> {
    try {
      await this.scripts.release(this.call, key, ticket);
    } catch (error) {
      if (failureOf(error).kind !== 'unusable-key') throw error;
    }
    this.doubts.delete(ticket);
  }

  /** A Redis that evicts keys when its memory is full evicts locks. */
  private async checkPolicy(): Promise<void> {
    if (this.policyChecked) return;
    this.policyChecked = true;
    const info = await this.commands.run((redis) => redis.info('memory')).catch(() => '');
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined || policy === 'noeviction') return;
    const message =
      'This Redis may evict locks when its memory is full; set maxmemory-policy noeviction.';
    this.parts.log?.warn({ maxmemoryPolicy: policy }, message);
  }

  private async listen(): Promise<void> {
    try {
      await this.inbox.run((redis) => redis.subscribe(inboxOf(this.parts.processId)));
    } catch (error) {
      const failure = failureOf(error);
      this.inboxVerdict.give(failure);
      this.parts.clock.after(LIMITS.retryDelayMaxMs, () => {
        if (this.inbox.ready && !this.listens) void this.listen();
      });
      return;
    }
    this.listens = true;
    this.inboxVerdict.give(null);
    if (!this.stopped) this.events.onListening();
  }

  private onMessage(message: string): void {
    const space = message.indexOf(' ');
    this.events.onGrant(message.slice(space + 1), message.slice(0, space));
  }
}

/** What first became of a connection: null for success. Later news change nothing. */
class Verdict {
  give!: (failure: RedisFailure | null) => void;
  readonly given = new Promise<RedisFailure | null>((resolve) => {
    this.give = resolve;
  });
}
