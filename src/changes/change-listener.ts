/**
 * Hears what the other processes have committed, on one connection for all who watch in this process, open only while
 * somebody does.
 *
 * Pub/Sub promises nothing: what is said while we are not connected, or by a process that dies before it has said it,
 * is lost. So every way in which something may have got lost is noticed and told: our connection broke, a publisher
 * says that it could not speak, a number is missing, or a publisher has fallen silent without a goodbye.
 */
import type { StockChanges } from '../inventory/stock-changes.js';
import { systemClock, type IoredisConnection, type Timer } from '../lock/index.js';
import type { ChangeLog } from './change-log.js';
import { channelOf, decode, type ChangeMessage } from './change-message.js';
import { changesConnection } from './changes-connection.js';
import { HEARTBEAT_MS } from './change-publisher.js';

/** How long a new watcher waits for the connection; then it is told that it may miss something. */
const LISTEN_PATIENCE_MS = 1_000;
/** How long the connection is kept when nobody watches: somebody may come back. */
const LINGER_MS = 10_000;
const SIGN_MS = 1_000;
const SILENCE_MS = 3 * HEARTBEAT_MS + SIGN_MS;
/** Publishers that are known at once. Far more than a fleet has; anybody may publish anything. */
const PUBLISHERS_MAX = 1_000;

export interface ChangeListenerSettings {
  readonly redisUrl: string;
  /** What this one says is not heard: this process knows it already. */
  readonly ownName: string;
  readonly log: ChangeLog;
}

export class ChangeListener {
  private session: Session | null = null;
  private lingering: Timer | null = null;

  constructor(
    private readonly settings: ChangeListenerSettings,
    private readonly tell: StockChanges,
  ) {}

  /**
   * Resolves with true once all that is said from then on is heard, and with false where that takes too long: then
   * it is told that something may be missing as soon as it is so.
   */
  listen(): Promise<boolean> {
    this.lingering?.cancel();
    this.lingering = null;
    this.session ??= new Session(this.settings, this.tell);
    return this.session.heard();
  }

  /** Nobody watches any more. */
  rest(): void {
    this.lingering ??= systemClock.after(LINGER_MS, () => {
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

interface Publisher {
  sequence: number;
  heardMs: number;
}

/** One connection's time, from the first watcher to the last. */
class Session {
  private readonly connection: IoredisConnection;
  private readonly channel: string;
  private readonly publishers = new Map<string, Publisher>();
  private readonly waiting = new Set<(heard: boolean) => void>();
  private listens = false;
  private closed = false;
  private nextSign: Timer | null = null;
  /** When we last knew that nothing escapes us. */
  private heardMs = Date.now();
  /** Somebody has to be told when we listen (again). */
  private owesWord = false;

  constructor(
    private readonly settings: ChangeListenerSettings,
    private readonly tell: StockChanges,
  ) {
    this.channel = channelOf(settings.redisUrl);
    this.connection = changesConnection(settings.redisUrl, `stock-watch:${settings.ownName}`, {
      onReady: () => {
        void this.subscribe();
      },
      onDown: ({ reason }) => {
        this.deafened(reason);
      },
    });
    this.connection.redis.on('message', (_channel: string, text: string) => {
      this.hear(text);
    });
    this.connection.open();
  }

  heard(): Promise<boolean> {
    if (this.listens) return Promise.resolve(true);
    return new Promise((resolve) => {
      const patience = systemClock.after(LISTEN_PATIENCE_MS, () => {
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
    this.closed = true;
    this.nextSign?.cancel();
    this.connection.close();
    for (const settle of [...this.waiting]) settle(false);
  }

  private async subscribe(): Promise<void> {
    try {
      await this.connection.run((redis) => redis.subscribe(this.channel), String);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.settings.log.warn({ reason }, 'Redis does not let us hear of changes of stock.');
      systemClock.after(SIGN_MS, () => {
        if (this.connection.ready && !this.listens && !this.closed) void this.subscribe();
      });
      return;
    }
    if (this.closed) return;
    this.listens = true;
    if (this.owesWord) this.tell.uncertain(new Date(this.heardMs));
    this.owesWord = false;
    this.heardMs = Date.now();
    for (const settle of [...this.waiting]) settle(true);
    this.awaitSigns();
  }

  private deafened(reason: string): void {
    this.nextSign?.cancel();
    if (!this.listens) return;
    this.listens = false;
    this.owesWord = true;
    // Whoever we knew may have come and gone before we listen again, and all of that is told as one loss.
    this.publishers.clear();
    this.settings.log.warn({ reason }, 'Changes of other processes are not heard.');
    this.tell.uncertain(new Date(this.heardMs));
  }

  /** A connection may die without a word; asking for a sign of life finds out. */
  private awaitSigns(): void {
    this.nextSign?.cancel();
    this.nextSign = systemClock.after(SIGN_MS, () => {
      this.connection
        .run((redis) => redis.ping(), String)
        .then(
          () => {
            if (!this.listens) return;
            this.heardMs = Date.now();
            this.dismissTheSilent();
            this.awaitSigns();
          },
          () => undefined, // onDown has been told.
        );
    });
  }

  private dismissTheSilent(): void {
    const nowMs = Date.now();
    for (const [name, { heardMs }] of this.publishers) {
      if (nowMs - heardMs < SILENCE_MS) continue;
      this.publishers.delete(name);
      this.settings.log.warn({ publisher: name }, 'A process that changes stock fell silent.');
      this.tell.uncertain(new Date(heardMs));
    }
  }

  private hear(text: string): void {
    const message = decode(text);
    if (!message) {
      this.settings.log.warn({ channel: this.channel }, 'A message that nobody understands.');
      return;
    }
    if (message.publisher === this.settings.ownName) return;
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

  /** A number that is missing is a message that is missing. */
  private count({ publisher, sequence, kind }: ChangeMessage): void {
    const heardMs = Date.now();
    const known = this.publishers.get(publisher);
    if (!known) {
      if (this.publishers.size < PUBLISHERS_MAX)
        this.publishers.set(publisher, { sequence, heardMs });
      return;
    }
    const expected = kind === 'HEARTBEAT' ? known.sequence : known.sequence + 1;
    // One that tells of its losses by itself need not be told of twice.
    if (sequence !== expected && kind !== 'MISSED') this.tell.uncertain(new Date(known.heardMs));
    known.sequence = sequence;
    known.heardMs = heardMs;
  }
}
