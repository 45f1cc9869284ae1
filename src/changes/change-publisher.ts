/**
 * Publishes the committed changes of this process to the other processes, through Redis.
 *
 * Publishing never delays a deduction: it copies a few numbers, and the changes of one turn of the event loop go in one
 * message after it, with the newest state of each level. Changes that cannot be published because Redis is away or slow
 * are dropped; a later MISSED message has the time since which changes are missing.
 */
import { levelKey } from '../inventory/stock.js';
import type { ChangedLevel, StockChanges } from '../inventory/stock-changes.js';
import { connectByIoredis, FirstNews, type RedisConnection } from '../redis/connection.js';
import { failureOf } from '../redis/failure.js';
import type { Clock, Timer } from '../time/clock.js';
import {
  channelOf,
  connectionOf,
  encode,
  type ChangeMessage,
  type ChangeSettings,
} from './change-message.js';

/** Levels in one message: some 30 kB at most. */
const LEVELS_PER_MESSAGE = 200;
const IN_FLIGHT_MAX = 32;
/** The most levels that are queued while Redis is slow. */
const UNSENT_MAX = 10_000;
const STOP_PATIENCE_MS = 500;
export const HEARTBEAT_MS = 2_000;

/** A message without its head. */
type Body = ChangeMessage extends infer M
  ? M extends ChangeMessage
    ? Omit<M, 'publisher' | 'sequence'>
    : never
  : never;

export class ChangePublisher implements StockChanges {
  private readonly clock: Clock;
  private readonly connection: RedisConnection;
  private readonly channel: string;
  private readonly unsent = new Map<string, ChangedLevel>();
  /** When the oldest unsent change was committed, or earlier. */
  private unsentSinceMs = 0;
  private readonly firstNews = new FirstNews();
  private sequence = 0;
  private inFlight = 0;
  /** Whether Redis accepted the last message; null before the first. */
  private works: boolean | null = null;
  private flushing = false;
  private stopped = false;
  private missedSinceMs: number | null = null;
  private heartbeat: Timer | null = null;
  private idle: (() => void) | null = null;
  private published = 0;
  private dropped = 0;

  constructor(readonly settings: ChangeSettings) {
    this.clock = settings.clock;
    this.channel = channelOf(settings.redisUrl);
    this.connection = connectByIoredis(connectionOf(settings, 'stock-changes'), {
      onReady: () => {
        void this.beat().finally(() => {
          this.firstNews.tell(null);
        });
      },
      onDown: (failure) => {
        this.fail(failure.reason);
        this.firstNews.tell(failure);
      },
    });
  }

  /** Resolves after the first attempt to publish. A Redis that is away is tried again until it is back. */
  async start(): Promise<void> {
    this.connection.open();
    await this.firstNews.told;
  }

  /** Publishes the queued changes and BYE. */
  async stop(): Promise<void> {
    this.stopped = true;
    this.heartbeat?.cancel();
    if (this.works) {
      this.flush();
      void this.send({ kind: 'BYE' });
      await this.untilIdle();
    }
    this.connection.close();
  }

  /** False while Redis does not take changes. */
  get isWorking(): boolean {
    return this.works !== false;
  }

  /** Levels that were published, and levels that were not because Redis was away or too slow. */
  stats(): { readonly published: number; readonly dropped: number } {
    return { published: this.published, dropped: this.dropped };
  }

  committed(levels: readonly ChangedLevel[]): void {
    if (this.stopped || !this.works) {
      this.drop(levels.length);
      return;
    }
    if (this.unsent.size === 0) this.unsentSinceMs = wallMs(this.clock);
    for (const level of levels) {
      const key = levelKey(level);
      const before = this.unsent.get(key);
      if (!before || before.version < level.version) this.unsent.set(key, level);
    }
    if (this.unsent.size > UNSENT_MAX) this.dropUnsent();
    this.flushSoon();
  }

  uncertain(since: Date): void {
    this.missed(since.getTime());
    this.flushSoon();
  }

  private flushSoon(): void {
    if (this.flushing) return;
    this.flushing = true;
    this.clock.soon(() => {
      this.flushing = false;
      this.flush();
    });
  }

  private flush(): void {
    if (!this.works || this.inFlight >= IN_FLIGHT_MAX) return;
    if (this.missedSinceMs !== null) {
      const sinceMs = this.missedSinceMs;
      this.missedSinceMs = null;
      void this.send({ kind: 'MISSED', sinceMs }).then((sent) => {
        if (!sent) this.missed(sinceMs);
      });
    }
    while (this.unsent.size > 0 && this.inFlight < IN_FLIGHT_MAX) this.sendLevels();
  }

  private sendLevels(): void {
    const levels: ChangedLevel[] = [];
    for (const [key, level] of this.unsent) {
      levels.push(level);
      this.unsent.delete(key);
      if (levels.length === LEVELS_PER_MESSAGE) break;
    }
    const sinceMs = this.unsentSinceMs;
    void this.send({ kind: 'CHANGED', levels }).then((sent) => {
      if (sent) this.published += levels.length;
      else this.drop(levels.length, sinceMs);
      this.flush();
    });
  }

  /** Resolves with whether Redis accepted the message. */
  private async send(body: Body): Promise<boolean> {
    const publisher = this.settings.name;
    if (body.kind !== 'HEARTBEAT') this.sequence += 1;
    const text = encode({ ...body, publisher, sequence: this.sequence });
    this.inFlight += 1;
    try {
      await this.connection.command(['publish', this.channel, text]);
      return true;
    } catch (error) {
      this.fail(failureOf(error).reason);
      return false;
    } finally {
      this.inFlight -= 1;
      if (this.inFlight === 0) this.idle?.();
    }
  }

  /** The heartbeat: shows listeners that this process lives, and checks that Redis accepts messages. */
  private async beat(): Promise<void> {
    this.heartbeat?.cancel();
    if (this.connection.ready && (await this.send({ kind: 'HEARTBEAT' }))) this.succeed();
    if (this.stopped) return;
    this.heartbeat?.cancel();
    this.heartbeat = this.clock.after(HEARTBEAT_MS, () => void this.beat());
  }

  private succeed(): void {
    if (this.works) return;
    this.works = true;
    if (this.missedSinceMs !== null) {
      this.settings.log.info(
        {},
        'Redis accepts changes of stock again; watchers are told to read.',
      );
    }
    this.flush();
  }

  private fail(reason: string): void {
    if (this.works !== false) {
      const details = { reason };
      this.settings.log.warn(
        details,
        'Redis does not accept changes of stock; watchers miss them.',
      );
    }
    this.works = false;
    if (this.unsent.size > 0) this.dropUnsent();
  }

  private dropUnsent(): void {
    const levels = this.unsent.size;
    this.unsent.clear();
    this.drop(levels, this.unsentSinceMs);
  }

  private drop(levels: number, sinceMs = wallMs(this.clock)): void {
    this.dropped += levels;
    this.missed(sinceMs);
  }

  private missed(sinceMs: number): void {
    this.missedSinceMs = Math.min(this.missedSinceMs ?? sinceMs, sinceMs);
  }

  private async untilIdle(): Promise<void> {
    if (this.inFlight === 0) return;
    let patience: Timer | undefined;
    await new Promise<void>((resolve) => {
      this.idle = resolve;
      patience = this.clock.after(STOP_PATIENCE_MS, resolve);
    });
    patience?.cancel();
  }
}

function wallMs(clock: Clock): number {
  return clock.today().getTime();
}
