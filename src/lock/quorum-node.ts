/**
 * One of the servers of a quorum: its connection as the package redis-semaphore wants its clients, and whether it
 * serves. A command is sent once or fails at once, as everywhere in the lock.
 */
import type { RedlockMutex } from 'redis-semaphore';
import type { RedisServerAddress } from '../redis/address.js';
import {
  connectByIoredis,
  CONNECTING,
  FirstNews,
  type RedisConnection,
} from '../redis/connection.js';
import { failureOf, type RedisFailure } from '../redis/failure.js';
import { Backoff } from '../time/backoff.js';
import type { Timer } from '../time/clock.js';
import { Availability, type ServerHealth } from './availability.js';
import type { SharedParts } from './lock-group.js';

type RedisClient = ConstructorParameters<typeof RedlockMutex>[0][number];
type Words = readonly (string | number)[];

export class QuorumNode {
  readonly client: RedisClient;
  /** Null once it serves, or why its first attempt failed. */
  readonly firstNews = new FirstNews();
  private readonly connection: RedisConnection;
  private readonly availability: Availability;
  private readonly backoff: Backoff;
  private nextProbe: Timer | null = null;
  private stopped = false;

  constructor(
    private readonly parts: SharedParts,
    private readonly server: RedisServerAddress,
    /** Called when it serves no longer, or again. */
    private readonly onChange: () => void,
  ) {
    const { settings, clock, random, tickets, log, connect = connectByIoredis } = parts;
    this.backoff = new Backoff(CONNECTING.pauses, random);
    this.availability = new Availability(clock, log, server.name);
    const { commandTimeoutMs } = settings;
    this.connection = connect(
      { server, name: `lock:${tickets.processId}`, commandTimeoutMs, clock, random },
      {
        onReady: () => {
          void this.probe();
        },
        onDown: (failure) => {
          this.away(failure);
        },
      },
    );
    const send =
      (name: string) =>
      (...words: Words) =>
        this.send([name, ...words]);
    // All that redis-semaphore calls of a client, in the forms in which it does.
    this.client = {
      set: send('set'),
      get: send('get'),
      zrem: send('zrem'),
      eval: send('eval'),
      evalsha: send('evalsha'),
    } as unknown as RedisClient;
  }

  get available(): boolean {
    return this.availability.available;
  }

  get name(): string {
    return this.server.name ?? 'Redis';
  }

  health(): ServerHealth {
    return this.availability.health(this.connection.peer);
  }

  open(): void {
    this.connection.open();
  }

  stop(): void {
    this.stopped = true;
    this.nextProbe?.cancel();
    this.connection.close();
    this.availability.end();
    this.firstNews.tell(null);
  }

  private async send(command: Words): Promise<unknown> {
    this.parts.stats.roundTrips += 1;
    try {
      return await this.connection.command(command);
    } catch (error) {
      // A script that is sent by its digest first; the client sends its source next.
      if (!String(error).includes('NOSCRIPT')) this.away(failureOf(error));
      throw error;
    }
  }

  private away(failure: RedisFailure): void {
    this.firstNews.tell(failure);
    if (this.stopped) return;
    // One key may be unusable, or all of them: the probe tells.
    if (failure.kind === 'unusable-key') void this.probe();
    else this.noteAway(failure);
  }

  private noteAway({ reason }: RedisFailure): void {
    if (this.availability.away(reason)) this.onChange();
    // A new connection is probed when it is ready; an open one after a pause.
    if (!this.connection.ready || this.available || this.nextProbe) return;
    this.nextProbe = this.parts.clock.after(this.backoff.nextMs(), () => {
      this.nextProbe = null;
      if (this.connection.ready) void this.probe();
    });
  }

  /** Writes: a PING would not show a full memory or a missing permission. */
  private async probe(): Promise<void> {
    const { tickets } = this.parts;
    this.parts.stats.roundTrips += 1;
    try {
      await this.connection.command(['set', 'mutex:lock:{probe}', tickets.processId, 'PX', 1]);
    } catch (error) {
      const failure = failureOf(error);
      this.firstNews.tell(failure);
      if (!this.stopped) this.noteAway(failure);
      return;
    }
    if (this.stopped) return;
    this.backoff.reset();
    this.availability.back();
    this.firstNews.tell(null);
    this.onChange();
  }
}
