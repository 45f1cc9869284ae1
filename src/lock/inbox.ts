/**
 * The one connection on which this process listens, for all its locks. What is said while it is down is lost, so those
 * who wait are told when it is up again; until then they ask more often.
 *
 * A network may forget a connection without telling either side. Redis would go on handing locks to nobody, and we wait
 * for messages that never come; so we ask for a sign of life now and then, which a dead connection fails to give.
 */
import type { Clock, Timer } from '../time/clock.js';
import { FirstNews } from '../redis/first-news.js';
import {
  CONNECTING,
  type Connect,
  type ConnectionSettings,
  type RedisConnection,
} from '../redis/connection.js';
import { failureOf } from '../redis/failure.js';
import { readGrant, type Grant } from './scripts.js';
import { LIMITS } from './settings.js';

export interface InboxEvents {
  /** A lock was handed to a ticket of ours. */
  onGrant(grant: Grant): void;
  /** From now on messages reach us. */
  onListening(): void;
}

export class Inbox {
  readonly firstNews = new FirstNews();
  private readonly connection: RedisConnection;
  private readonly clock: Clock;
  private listens = false;
  private closed = false;
  private nextSign: Timer | null = null;

  constructor(
    connect: Connect,
    settings: ConnectionSettings,
    private readonly channel: string,
    private readonly events: InboxEvents,
  ) {
    this.clock = settings.clock;
    this.connection = connect(settings, {
      onReady: () => {
        void this.subscribe();
      },
      onMessage: (_, message) => {
        events.onGrant(readGrant(message));
      },
      onDown: (failure) => {
        this.listens = false;
        this.nextSign?.cancel();
        this.firstNews.tell(failure);
      },
    });
  }

  get listening(): boolean {
    return this.listens;
  }

  open(): void {
    this.connection.open();
  }

  close(): void {
    this.closed = true;
    this.listens = false;
    this.nextSign?.cancel();
    this.connection.close();
    this.firstNews.tell(null);
  }

  private async subscribe(): Promise<void> {
    try {
      await this.connection.command(['subscribe', this.channel]);
    } catch (error) {
      this.firstNews.tell(failureOf(error));
      this.clock.after(CONNECTING.retryDelayMaxMs, () => {
        if (this.connection.ready && !this.listens) void this.subscribe();
      });
      return;
    }
    if (this.closed) return;
    this.listens = true;
    this.firstNews.tell(null);
    this.askForSigns();
    this.events.onListening();
  }

  /** Without an answer the connection is dropped as any other, and a new one subscribes. */
  private askForSigns(): void {
    this.nextSign?.cancel();
    this.nextSign = this.clock.after(LIMITS.inboxSignMs, () => {
      this.connection.command(['ping']).then(
        () => {
          if (this.listens) this.askForSigns();
        },
        () => undefined, // onDown has been told.
      );
    });
  }
}
