/**
 * One connection to Redis: a command is sent once and at once, or fails at once. No command is queued while Redis is
 * away, and none is sent a second time. A missing answer counts as a failure of the connection.
 *
 * Only a primary is talked to: its role is asked before the connection is ready and each second from then on
 * (sign-of-life.ts), and a refused write ends the connection to a replica at once.
 *
 * Answers come in order, so one timer watches the whole connection. Redis counts as silent after
 * several checks in a row without an answer; a pause of this process, however long, counts as one check.
 */
import { hash } from 'node:crypto';
import { Redis } from 'ioredis';
import { Backoff } from '../time/backoff.js';
import type { Clock, Random, Timer } from '../time/clock.js';
import type { RedisServerAddress } from './address.js';
import { failureOf, LOST, MOVED, type RedisFailure } from './failure.js';
import { connectingMs, optionsFor } from './server-options.js';
import { GREETING, objectionTo, SignsOfLife } from './sign-of-life.js';

/** Bounds of connecting, in milliseconds. */
export const CONNECTING = Object.freeze({
  timeoutMs: 1_000,
  /** Between attempts to connect, to subscribe, and to find out whether Redis serves. */
  pauses: { firstMs: 100, maxMs: 1_000 },
});

/** Checks of the connection within the time limit of an answer. */
const LOOKS = 3;

export interface ConnectionSettings {
  readonly server: RedisServerAddress;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  readonly commandTimeoutMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

export interface ConnectionEvents {
  onReady(): void;
  /** Called for each failed attempt to connect and each loss of the connection. */
  onDown(failure: RedisFailure): void;
  onMessage?(channel: string, message: string): void;
  /** Called each second while the server answers: what it sent before has arrived. */
  onSign?(): void;
}

/** One connection: a command is sent once and now, or fails now. */
export interface RedisConnection {
  readonly ready: boolean;
  /** Where it leads, as in `10.0.0.7:6379`; null while it is not ready. */
  readonly peer: string | null;
  /** Connects, and from then on reconnects by itself. */
  open(): void;
  close(): void;
  /** Drops the present connection and reconnects. Unanswered commands fail. */
  drop(failure: RedisFailure): void;
  command(args: readonly (string | number | Buffer)[]): Promise<unknown>;
  /** Calls a script by its digest; with its source where Redis does not have it. */
  script(
    script: LuaScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown>;
}

export interface LuaScript {
  readonly name: string;
  readonly source: string;
}

/** The first outcome of a connection, for which a start waits: null for success. Later outcomes change nothing. */
export class FirstNews {
  tell!: (failure: RedisFailure | null) => void;
  readonly told = new Promise<RedisFailure | null>((resolve) => {
    this.tell = resolve;
  });
}

/** How a connection is made; a simulation makes its own. */
export type Connect = (settings: ConnectionSettings, events: ConnectionEvents) => RedisConnection;

export const connectByIoredis: Connect = (settings, events) =>
  new IoredisConnection(settings, events);

class IoredisConnection implements RedisConnection {
  private readonly redis: Redis;
  private failure: RedisFailure | null = null;
  private closed = false;
  private isReady = false;
  private handshake: Timer | null = null;
  private unanswered = 0;
  private answers = 0;
  private watch: Timer | null = null;
  /** Counts the connections that were made, so that what concerns an earlier one is told from the present. */
  private epoch = 0;
  private readonly backoff: Backoff;
  private readonly signs: SignsOfLife;
  private readonly digests = new Map<string, string>();

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly events: ConnectionEvents,
  ) {
    this.backoff = new Backoff(CONNECTING.pauses, settings.random);
    this.redis = new Redis({
      ...optionsFor(settings.server, CONNECTING.timeoutMs),
      connectionName: settings.name,
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      enableReadyCheck: false,
      disableClientInfo: true,
      maxRetriesPerRequest: 0,
      connectTimeout: CONNECTING.timeoutMs,
      disconnectTimeout: 1,
      retryStrategy: () => this.backoff.nextMs(),
    });
    this.signs = new SignsOfLife({
      clock: settings.clock,
      server: settings.server,
      greet: () => this.send((redis) => redis.call(GREETING)),
      onSign: () => {
        // Not before: a server that answers, and is dropped at once for what it answers, is tried ever more rarely.
        this.backoff.reset();
        events.onSign?.();
      },
      onObjection: (failure) => {
        this.drop(failure);
      },
    });
    for (const kind of ['message', 'smessage']) {
      this.redis.on(kind, (channel: string, message: string) => {
        events.onMessage?.(channel, message);
      });
    }
    // The cluster has ended a subscription, because the channel's slot has another master.
    this.redis.on('moved', () => {
      if (this.isReady) this.drop(MOVED);
    });
    this.redis.on('connecting', () => {
      this.failure = null;
      this.awaitGreeting(connectingMs(settings.server, CONNECTING.timeoutMs));
    });
    // What Sentinels or nodes of a cluster have left of their time is not the server's: it may be a stopped process.
    this.redis.on('connect', () => {
      this.awaitGreeting(CONNECTING.timeoutMs);
    });
    this.redis.on('error', (error: unknown) => {
      this.failure = failureOf(error);
    });
    this.redis.on('ready', () => {
      void this.onReady();
    });
    this.redis.on('close', () => {
      this.onClose();
    });
    this.redis.on('end', () => {
      this.onEnd();
    });
  }

  get ready(): boolean {
    return this.isReady;
  }

  get peer(): string | null {
    if (!this.isReady) return null;
    const { remoteAddress, remotePort } = this.redis.stream;
    return `${remoteAddress}:${remotePort}`;
  }

  /** Connects, and from then on reconnects by itself. */
  open(): void {
    this.redis.connect().catch(() => undefined); // onDown gets the reason.
  }

  close(): void {
    this.closed = true;
    this.isReady = false;
    this.handshake?.cancel();
    this.watch?.cancel();
    this.signs.end();
    this.redis.disconnect();
  }

  /** Drops the present connection and reconnects. Unanswered commands fail. */
  drop(failure: RedisFailure): void {
    this.failure = failure;
    this.redis.disconnect(true);
  }

  command([name, ...args]: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.send((redis) => redis.call(String(name), args as (string | Buffer)[]));
  }

  script(
    { source }: LuaScript,
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    let sha = this.digests.get(source);
    if (sha === undefined) this.digests.set(source, (sha = hash('sha1', source)));
    const run = (command: 'eval' | 'evalsha', what: string) =>
      this.send((redis) => redis[command](what, keys.length, ...keys, ...args));
    return run('evalsha', sha).catch((error: unknown) => {
      if (!isUnknownScript(error)) throw error;
      return run('eval', source);
    });
  }

  /** Sends a command on a connection that is of use. */
  private send(send: (redis: Redis) => Promise<unknown>): Promise<unknown> {
    if (!this.isReady) return Promise.reject(new Error(LOST.reason));
    const { epoch } = this;
    return this.watched(send).catch((error: unknown) => {
      const failure = failureOf(error);
      if (failure.reconnect && this.isReady && this.epoch === epoch) this.drop(failure);
      throw error;
    });
  }

  /** Sends a command and watches for its answer. */
  private watched(send: (redis: Redis) => Promise<unknown>): Promise<unknown> {
    this.unanswered += 1;
    if (!this.watch) this.watchSilence(0, this.answers);
    return send(this.redis).then(
      (answer) => {
        this.unanswered -= 1;
        this.answers += 1;
        return answer;
      },
      (error: unknown) => {
        this.unanswered -= 1;
        throw error;
      },
    );
  }

  private watchSilence(looks: number, answers: number): void {
    const { clock, commandTimeoutMs } = this.settings;
    this.watch = clock.after(commandTimeoutMs / LOOKS, () => {
      this.watch = null;
      if (this.unanswered === 0) return;
      if (this.answers !== answers) this.watchSilence(0, this.answers);
      else if (looks < LOOKS) this.watchSilence(looks + 1, answers);
      else this.onSilence();
    });
  }

  private onSilence(): void {
    const reason = `Redis has not answered in ${this.settings.commandTimeoutMs} ms`;
    const failure: RedisFailure = { kind: 'away', reason };
    this.drop(failure);
    this.events.onDown(failure);
  }

  /** ioredis does not treat a server that accepts connections and never answers as a failure. */
  private awaitGreeting(patienceMs: number): void {
    this.handshake?.cancel();
    this.handshake = this.settings.clock.after(patienceMs, () => {
      this.drop({ kind: 'away', reason: 'Redis does not answer' });
    });
  }

  private async onReady(): Promise<void> {
    const { epoch } = this;
    // ioredis uses database 0 where the configured one does not exist.
    let objection = this.failure?.kind === 'refused' ? this.failure : null;
    const answer = this.watched((redis) => redis.call(GREETING)).catch(() => null);
    objection ??= objectionTo(await answer, this.settings.server);
    if (this.closed || this.epoch !== epoch) return;
    this.handshake?.cancel();
    if (objection) {
      this.drop(objection);
      return;
    }
    this.isReady = true;
    this.signs.begin();
    this.events.onReady();
  }

  private onClose(): void {
    this.epoch += 1;
    this.handshake?.cancel();
    this.signs.end();
    this.isReady = false;
    if (!this.closed) this.events.onDown(this.failure ?? LOST);
  }

  /** ioredis stops reconnecting where there is no socket: dropped before, or no Sentinel names a primary. */
  private onEnd(): void {
    if (this.closed) return;
    this.onClose();
    this.settings.clock.after(this.backoff.nextMs(), () => {
      if (!this.closed) this.open();
    });
  }
}

/** A Redis that was restarted or flushed has lost its scripts. It answers NOSCRIPT and has executed nothing. */
function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
