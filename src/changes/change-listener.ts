/**
 * Receives what other processes have committed, on one subscription for all watchers of this process, open only while
 * there are watchers.
 *
 * Pub/Sub loses messages: those published while this process is not subscribed, and those that a publisher did not send
 * before it died. Each way of losing one is detected and reported with `uncertain`: the subscription broke, a publisher
 * reports that it could not publish, a sequence number is missing, or a publisher fell silent without a goodbye.
 */
import type { StockChanges } from '../inventory/stock-changes.js';
import { connectByIoredis } from '../redis/connection.js';
import { SIGN_OF_LIFE_MS } from '../redis/sign-of-life.js';
import { Subscription } from '../redis/subscription.js';
import type { Clock, Timer } from '../time/clock.js';
import {
  channelOf,
  connectionOf,
  decode,
  type ChangeMessage,
  type ChangeSettings,
} from './change-message.js';
import { HEARTBEAT_MS } from './change-publisher.js';

/** How long a new watcher waits for the subscription before it is told that it may miss changes. */
const LISTEN_PATIENCE_MS = 1_000;
/** How long the subscription is kept without watchers, for the next one. */
const LINGER_MS = 10_000;
/** A publisher without a message for so long counts as dead. */
const SILENCE_MS = 3 * HEARTBEAT_MS + SIGN_OF_LIFE_MS;
/** The most publishers that are tracked: more than any fleet has, bounded because any client may publish. */
const PUBLISHERS_MAX = 1_000;

export class ChangeListener {
  private session: Session | null = null;
  private lingering: Timer | null = null;

  constructor(private readonly settings: ChangeSettings) {}

  /**
   * @param heard receives the changes, until `stop`.
   * @returns true once all messages from then on arrive, and with false where that takes too long: `uncertain` is
   * then called once it listens.
   */
  listen(heard: StockChanges): Promise<boolean> {
    this.lingering?.cancel();
    this.lingering = null;
    this.session ??= new Session(this.settings, heard);
    return this.session.listening();
  }

  /** Called when the last watcher has left. */
  rest(): void {
    this.lingering ??= this.settings.clock.after(LINGER_MS, () => {
      this.stop();
    });
  }

  stop(): void {
    this.lingering?.cancel();
    this.lingering = null;
    this.session?.close();
    this.session = null;
  }
}

/** On both clocks: the wall clock for events to subscribers, the monotonic clock for timeouts. */
interface Moment {
  readonly ms: number;
  readonly today: Date;
}

interface Publisher {
  sequence: number;
  heard: Moment;
}

/** The time of one subscription, from the first watcher to the last. */
class Session {
  private readonly subscription: Subscription;
  private readonly channel: string;
  private readonly publishers = new Map<string, Publisher>();
  private readonly waiting = new Set<(heard: boolean) => void>();
  private readonly clock: Clock;
  /** The last moment at which no message was missing. */
  private heard: Moment;
  private hasListened = false;
  /** A loss is to be reported once the subscription listens (again). */
  private owesWord = false;

  constructor(
    private readonly settings: ChangeSettings,
    private readonly tell: StockChanges,
  ) {
    this.clock = settings.clock;
    this.heard = this.now();
    this.channel = channelOf(settings.redisUrl);
    this.subscription = new Subscription(
      connectByIoredis,
      connectionOf(settings, 'stock-watch'),
      this.channel,
      {
        onListening: () => {
          this.onListening();
        },
        onMessage: (text) => {
          this.onMessage(text);
        },
        onDeaf: ({ reason }) => {
          this.onDeaf(reason);
        },
        onSign: () => {
          this.heard = this.now();
          this.dismissTheSilent();
        },
      },
    );
    this.subscription.open();
  }

  listening(): Promise<boolean> {
    if (this.subscription.listening) return Promise.resolve(true);
    return new Promise((resolve) => {
      const patience = this.clock.after(LISTEN_PATIENCE_MS, () => {
        settle(false);
      });
      const settle = (heard: boolean) => {
        patience.cancel();
        this.waiting.delete(settle);
        if (!heard) this.owesWord = true;
        resolve(heard);
      };
      this.waiting.add(settle);
    });
  }

  close(): void {
    this.subscription.close();
    for (const settle of [...this.waiting]) settle(false);
  }

  private onListening(): void {
    this.hasListened = true;
    if (this.owesWord) this.tell.uncertain(this.heard.today);
    this.owesWord = false;
    this.heard = this.now();
    for (const settle of [...this.waiting]) settle(true);
  }

  /** Reported once for each loss of the subscription, not for each failed attempt to subscribe again. */
  private onDeaf(reason: string): void {
    if (!this.hasListened) return;
    this.hasListened = false;
    this.owesWord = true;
    // Losses of all publishers during the interruption are reported as one.
    this.publishers.clear();
    this.settings.log.warn({ reason }, 'Changes of other processes are not received.');
    this.tell.uncertain(this.heard.today);
  }

  private dismissTheSilent(): void {
    const nowMs = this.clock.nowMs();
    for (const [name, { heard }] of this.publishers) {
      if (nowMs - heard.ms < SILENCE_MS) continue;
      this.publishers.delete(name);
      this.settings.log.warn({ publisher: name }, 'A process that publishes changes fell silent.');
      this.tell.uncertain(heard.today);
    }
  }

  private onMessage(text: string): void {
    const message = decode(text);
    if (!message) {
      this.settings.log.warn(
        { channel: this.channel },
        'A message on the channel of changes is not valid.',
      );
      return;
    }
    if (message.publisher === this.settings.name) return;
    this.count(message);
    switch (message.kind) {
      case 'CHANGED':
        this.tell.committed(message.levels);
        return;
      case 'MISSED':
        this.tell.uncertain(new Date(message.sinceMs));
        return;
      case 'BYE':
        this.publishers.delete(message.publisher);
        return;
      case 'HEARTBEAT':
        return;
    }
  }

  /** A missing number is a missing message. */
  private count({ publisher, sequence, kind }: ChangeMessage): void {
    const heard = this.now();
    const known = this.publishers.get(publisher);
    if (!known) {
      if (this.publishers.size < PUBLISHERS_MAX)
        this.publishers.set(publisher, { sequence, heard });
      return;
    }
    const expected = kind === 'HEARTBEAT' ? known.sequence : known.sequence + 1;
    // MISSED reports the loss by itself.
    if (sequence !== expected && kind !== 'MISSED') this.tell.uncertain(known.heard.today);
    known.sequence = sequence;
    known.heard = heard;
  }

  private now(): Moment {
    return { ms: this.clock.nowMs(), today: this.clock.today() };
  }
}
