/**
 * One subscription to one channel, on a connection of its own that it keeps alive.
 *
 * | state       | left when                                                                 |
 * | ----------- | ------------------------------------------------------------------------- |
 * | down        | the connection is ready: subscribing                                      |
 * | subscribing | Redis confirms: listening; it refuses: again later; connection lost: down |
 * | listening   | the connection is lost: down                                              |
 *
 * Pub/Sub keeps nothing: a message that is published outside `listening` is lost. Each entry into `listening` is
 * therefore reported, so that the owner can ask for what it missed.
 */
import { Backoff } from '../time/backoff.js';
import type { Clock, Timer } from '../time/clock.js';
import {
  CONNECTING,
  FirstNews,
  type Connect,
  type ConnectionSettings,
  type RedisConnection,
} from './connection.js';
import { failureOf, type RedisFailure } from './failure.js';

export interface SubscriptionEvents {
  /** Called when each message from now on arrives. */
  onListening(): void;
  onMessage(message: string): void;
  /** Called when messages no longer arrive, and for each failed attempt to connect or to subscribe. */
  onDeaf?(failure: RedisFailure): void;
  /** Called each second while it listens: all messages that were published before have arrived. */
  onSign?(): void;
}

/** A channel by its name, or the command that subscribes to it at the server of this connection. */
export type Channel = string | ((connection: RedisConnection) => Promise<readonly string[]>);

export class Subscription {
  /** Null once the subscription listens, or why its first attempt failed. */
  readonly firstNews = new FirstNews();
  private readonly connection: RedisConnection;
  private readonly clock: Clock;
  private state: 'down' | 'subscribing' | 'listening' | 'closed' = 'down';
  /** The next attempt to subscribe. */
  private timer: Timer | null = null;
  private readonly backoff: Backoff;

  constructor(
    connect: Connect,
    settings: ConnectionSettings,
    private readonly channel: Channel,
    private readonly events: SubscriptionEvents,
  ) {
    this.clock = settings.clock;
    this.backoff = new Backoff(CONNECTING.pauses, settings.random);
    this.connection = connect(settings, {
      onReady: () => {
        void this.subscribe();
      },
      onDown: (failure) => {
        if (this.state === 'closed') return;
        this.timer?.cancel();
        this.state = 'down';
        this.deaf(failure);
      },
      onMessage: (_, message) => {
        events.onMessage(message);
      },
      onSign: () => {
        if (this.listening) events.onSign?.();
      },
    });
  }

  get listening(): boolean {
    return this.state === 'listening';
  }

  open(): void {
    this.connection.open();
  }

  /** Leaves the present server, for the one to which a new connection leads. */
  drop(failure: RedisFailure): void {
    if (this.connection.ready) this.connection.drop(failure);
  }

  close(): void {
    this.state = 'closed';
    this.timer?.cancel();
    this.connection.close();
    this.firstNews.tell(null);
  }

  private async subscribe(): Promise<void> {
    if (this.state === 'closed') return;
    this.state = 'subscribing';
    try {
      const { channel, connection } = this;
      const command =
        typeof channel === 'string' ? ['subscribe', channel] : await channel(connection);
      await connection.command(command);
    } catch (error) {
      // A lost connection is reported by onDown, and the next one subscribes.
      if (!this.isSubscribing() || !this.connection.ready) return;
      this.deaf(failureOf(error));
      this.timer = this.clock.after(this.backoff.nextMs(), () => {
        if (this.isSubscribing() && this.connection.ready) void this.subscribe();
      });
      return;
    }
    if (!this.isSubscribing()) return;
    this.state = 'listening';
    this.backoff.reset();
    this.firstNews.tell(null);
    this.events.onListening();
  }

  /** A method, so that TypeScript does not narrow the state, which changes during an await. */
  private isSubscribing(): boolean {
    return this.state === 'subscribing';
  }

  private deaf(failure: RedisFailure): void {
    this.firstNews.tell(failure);
    this.events.onDeaf?.(failure);
  }
}
