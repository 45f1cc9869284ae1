/**
 * The lock's connections to Redis, one for commands and one for the inbox, and whether Redis is available.
 *
 * | state       | commands                | left when                                                              |
 * | ----------- | ----------------------- | ---------------------------------------------------------------------- |
 * | not started | rejected                | `start`: the first probe succeeds or fails                             |
 * | available   | sent                    | a command fails or the connection closes: unavailable                  |
 * | unavailable | rejected without a try  | a probe has acquired and released a lock of its own: available         |
 * | stopped     | rejected                | never                                                                  |
 *
 * A ticket in doubt is one whose state at Redis is unknown because an answer was lost.
 *
 * Commands and inbox must be at one server, the current primary: a hand-over counts the subscribers of its own server,
 * so a process whose inbox is elsewhere would be skipped. A connection leaves a replica by itself; here both leave it
 * when one of them has found it out, and a message to the own inbox, each second, must be counted there.
 *
 * Invariants:
 * 1. An outage rejects all waiters once and new callers at once.
 *    (test/integration/lock/availability.test.ts: "waiting and new callers are rejected at once")
 * 2. Tickets in doubt are given up before any new command after an outage.
 *    (test/integration/lock/lost-replies.test.ts: "leaves no lock behind once Redis is back")
 * 3. A refusal that concerns one key does not mark Redis as unavailable.
 *    (test/integration/lock/steps.test.ts: "that key alone is refused")
 * 4. No error contains the address or the password.
 *    (test/integration/lock/availability.test.ts: "no error, health report or log line contains the address")
 */
import { Backoff } from '../time/backoff.js';
import { Availability, type ServerHealth } from './availability.js';
import type { Clock, Random, Timer } from '../time/clock.js';
import { LockUnavailableError } from './errors.js';
import type { LockLog } from './lock-service.js';
import { hashTagOf, type RedisServerAddress } from '../redis/address.js';
import {
  FirstNews,
  CONNECTING,
  connectByIoredis,
  type Connect,
  type RedisConnection,
} from '../redis/connection.js';
import { failureOf, type RedisFailure } from '../redis/failure.js';
import { Subscription } from '../redis/subscription.js';
import {
  LockScripts,
  acquireStep,
  releaseStep,
  tellStep,
  type AcquireRequest,
  type Answer,
  type Grant,
  type ReleaseAnswer,
  type Renewed,
  type ScriptCall,
} from './scripts.js';
import { LIMITS, type Settings } from './settings.js';
import type { StatsCollector } from './stats.js';
import { StepQueue } from './step-queue.js';
import { inboxOf } from './tickets.js';

export interface GatewayEvents {
  /** Redis handed a lock to a ticket of this process. */
  onGrant(grant: Grant): void;
  /** A ticket of another process was queued for a lock that this process owns. */
  onWanted(key: string): void;
  /** Any client that may publish can have sent it. */
  onMail(text: string): void;
  /** The inbox is subscribed; hand-overs may have been missed before. */
  onListening(): void;
  onAway(error: LockUnavailableError): void;
  onBack(): void;
}

export interface GatewayParts {
  readonly settings: Settings;
  readonly server: RedisServerAddress;
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
  private readonly backoff: Backoff;
  private backAtMs = 0;
  private nextProbe: Timer | null = null;
  /** Messages to the own inbox in a row that had no subscriber. */
  private unheard = 0;
  private stopped = false;

  constructor(
    private readonly parts: GatewayParts,
    private readonly events: GatewayEvents,
  ) {
    const { settings, server, processId, clock, random } = parts;
    const { commandTimeoutMs } = settings;
    const connection = { server, commandTimeoutMs, clock, random };
    this.backoff = new Backoff(CONNECTING.pauses, random);
    this.availability = new Availability(clock, parts.log, server.name);
    this.scripts = new LockScripts(settings, hashTagOf(server));
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
    this.inbox = new Subscription(connect, listening, (at) => this.inboxCommand('subscribe', at), {
      onListening: () => {
        events.onListening();
      },
      onMessage: (message) => {
        this.onMessage(message);
      },
      onSign: () => {
        void this.checkInbox();
      },
    });
  }

  /** Resolves also when Redis is unreachable. @throws LockUnavailableError when Redis refuses the client. */
  async start(): Promise<void> {
    this.commands.open();
    this.inbox.open();
    const failures = await Promise.all([this.firstNews.told, this.inbox.firstNews.told]);
    const refusal = failures.find((failure) => failure?.kind === 'refused');
    if (refusal) {
      this.stop();
      const which = this.parts.server.name ?? 'Redis';
      throw new LockUnavailableError(`The lock cannot use ${which}: ${refusal.reason}.`);
    }
  }

  stop(): void {
    this.stopped = true;
    this.nextProbe?.cancel();
    this.commands.close();
    this.inbox.close();
    this.availability.end();
    this.firstNews.tell(null);
  }

  health(): ServerHealth {
    return this.availability.health(this.commands.peer);
  }

  get available(): boolean {
    return this.availability.available;
  }

  /** Whether the inbox is subscribed. */
  get listening(): boolean {
    return this.inbox.listening;
  }

  unavailable(): LockUnavailableError {
    return this.availability.error();
  }

  /** @throws LockUnavailableError; the ticket is then in doubt. */
  acquire(key: string, request: AcquireRequest): Promise<Answer> {
    if (!this.available) return Promise.reject(this.unavailable());
    return this.steps.run(acquireStep(key, request)).catch((error: unknown) => {
      throw this.failed(error, { key, ticket: request.ticket });
    });
  }

  /** @throws LockUnavailableError; the ticket is then in doubt. */
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

  /** @returns whether the ticket's process listens. @throws LockUnavailableError; it may have heard. */
  tell(key: string, ticket: string, text: string): Promise<boolean> {
    if (!this.available) return Promise.reject(this.unavailable());
    return this.steps.run(tellStep(key, ticket, text)).catch((error: unknown) => {
      throw this.failed(error);
    });
  }

  /** @throws LockUnavailableError */
  renew(
    locks: readonly { readonly key: string; readonly ticket: string }[],
  ): Promise<readonly Renewed[]> {
    if (!this.available) return Promise.reject(this.unavailable());
    return this.call(this.scripts.renew(locks)).catch((error: unknown) => {
      throw this.failed(error);
    });
  }

  /** Remembers a ticket that Redis may know and that this process has abandoned. */
  doubt(key: string, ticket: string): void {
    this.doubts.add(key, ticket);
  }

  /** Gives up all tickets in doubt, if Redis is available. */
  async settleDoubts(): Promise<void> {
    if (this.available) await this.doubts.settle().catch(() => undefined);
  }

  private onMessage(message: string): void {
    const read = this.scripts.readMessage(message);
    if (read?.kind === 'grant') this.events.onGrant(read.grant);
    else if (read?.kind === 'wanted') this.events.onWanted(read.key);
    else if (read) this.events.onMail(read.text);
  }

  private failed(
    error: unknown,
    lock?: { readonly key: string; readonly ticket: string },
  ): LockUnavailableError {
    const failure = failureOf(error);
    if (lock) this.doubt(lock.key, lock.ticket);
    if (lock && failure.kind === 'unusable-key') {
      // Redis does not roll back a script that fails.
      void this.settleDoubts();
      return new LockUnavailableError(
        `The lock ${lock.key} cannot be acquired: ${failure.reason}.`,
      );
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
      if (this.parts.clock.nowMs() - this.backAtMs > LIMITS.stableMs) this.backoff.reset();
      if (failure.reconnect) this.moveOn(failure);
      this.events.onAway(this.unavailable());
    }
    // A new connection is probed when it is ready; an open one after a pause.
    if (this.commands.ready) this.probeLater(failure);
  }

  private probeLater(failure: RedisFailure): void {
    if (this.nextProbe) return;
    this.nextProbe = this.parts.clock.after(this.backoff.nextMs(), () => {
      this.nextProbe = null;
      if (!this.commands.ready) return;
      if (failure.reconnect) this.commands.drop(failure);
      else void this.probe();
    });
  }

  /** Commands and inbox leave the server together. */
  private moveOn(failure: RedisFailure): void {
    if (this.commands.ready) this.commands.drop(failure);
    this.inbox.drop(failure);
  }

  /**
   * Publishes nothing to the own inbox, and looks whether that has a subscriber. If not, the inbox is at another server
   * and leaves it; if it is not counted after that either, the commands do.
   */
  private async checkInbox(): Promise<void> {
    if (!this.available) return;
    const heard = await this.inboxCommand('publish', this.commands)
      .then((publish) => this.commands.command([...publish, '']))
      .catch(() => null);
    if (heard !== 0) {
      this.unheard = 0;
      return;
    }
    if (!this.inbox.listening) return;
    this.unheard += 1;
    if (this.unheard === 1) this.inbox.drop(ELSEWHERE);
    else this.moveOn(ELSEWHERE);
  }

  /** As hand-over.lua names the channel and publishes on it: at a node of a cluster, with the node's id. */
  private async inboxCommand(
    verb: 'publish' | 'subscribe',
    connection: RedisConnection,
  ): Promise<readonly string[]> {
    const { server, processId } = this.parts;
    const inbox = inboxOf(processId, hashTagOf(server));
    if (!server.shard) return [verb, inbox];
    const node = String(await connection.command(['cluster', 'myid']));
    return [`s${verb}`, `${inbox}:${node}`];
  }

  /** Acquires and releases a lock: a PING would not show a full memory or a missing permission. */
  private async probe(): Promise<void> {
    if (this.available) return;
    try {
      const request = { ticket: `${this.parts.processId}:0`, tokens: 1, kind: 'try' } as const;
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
    // Sent first, so that the next acquire does not wait for an abandoned ticket of this process.
    void this.settleDoubts();
    this.firstNews.tell(null);
    this.events.onBack();
  }

  /** Warns when Redis may evict locks. */
  private async checkPolicy(): Promise<void> {
    if (this.policyChecked) return;
    this.policyChecked = true;
    const info = String(await this.commands.command(['info', 'memory']).catch(() => ''));
    const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1];
    if (policy === undefined || policy === 'noeviction') return;
    const message =
      'This Redis may evict locks when its memory is full; set maxmemory-policy noeviction.';
    const { name } = this.parts.server;
    this.parts.log?.warn(
      { ...(name !== null && { redis: name }), maxmemoryPolicy: policy },
      message,
    );
  }
}

const ELSEWHERE: RedisFailure = {
  kind: 'away',
  reason: 'commands and messages of Redis lead to different servers',
};

/** One key for all processes, so that restarts leave nothing behind. That another process holds it is no failure. */
const PROBE_KEY = 'lock:{probe}';

/**
 * The tickets in doubt. Each is given up once Redis answers again. Beyond `doubtsMax` the oldest are dropped; their
 * time to live ends them.
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

  /** @throws the error of Redis; tickets that could not be given up stay in doubt. */
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
