/**
 * The port `RedisConnection` on the simulated network: the contract of the class over ioredis, with messages
 * that are delayed and are lost with their connection, and with its detection of silence.
 *
 * | state      | meaning                                                                           |
 * |------------|-----------------------------------------------------------------------------------|
 * | closed     | before `open` and after `close`                                                   |
 * | connecting | a try is under way, or waits for its turn                                         |
 * | ready      | commands go out; each has its reply, or fails with the connection                  |
 */
import { LOST, type RedisFailure } from '../redis/failure.js';
import {
  CONNECTING,
  type ConnectionEvents,
  type ConnectionSettings,
  type RedisConnection,
} from '../redis/connection.js';
import { GREETING, SignsOfLife } from '../redis/sign-of-life.js';
import { Backoff } from '../time/backoff.js';
import type { Timer } from '../time/clock.js';
import type { SimulatedProcess } from './simulated-process.js';
import type { RedisRequest, RedisServer, Session } from './redis-network.js';

interface Pending {
  readonly resolve: (reply: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One TCP connection: messages keep their order in each direction. */
interface Wire {
  readonly session: Session;
  /** Messages still arrive, in both directions. */
  delivers: boolean;
  /** When the last message to the server, and the last one from it, arrive. */
  toServerMs: number;
  toProcessMs: number;
}

/** After so long without a sign of life the server ends a connection, in milliseconds. */
const KEEPALIVE_MS = 60_000;
const LOOKS = 3;

export class SimulatedConnection implements RedisConnection {
  readonly peer = null;
  private state: 'closed' | 'connecting' | 'ready' = 'closed';
  private wire: Wire | null = null;
  private readonly pending = new Set<Pending>();
  private replies = 0;
  private watch: Timer | null = null;
  private readonly backoff: Backoff;
  private readonly signs: SignsOfLife;

  constructor(
    private readonly redis: RedisServer,
    readonly process: SimulatedProcess,
    private readonly settings: ConnectionSettings,
    private readonly events: ConnectionEvents,
  ) {
    this.backoff = new Backoff(CONNECTING.pauses, redis.random.next);
    this.signs = new SignsOfLife({
      clock: settings.clock,
      server: settings.server,
      greet: () => this.command([GREETING]),
      onSign: () => events.onSign?.(),
      onObjection: (failure) => {
        this.drop(failure);
      },
    });
  }

  get ready(): boolean {
    return this.state === 'ready';
  }

  open(): void {
    if (this.state !== 'closed') return;
    this.state = 'connecting';
    this.connect();
  }

  close(): void {
    this.state = 'closed';
    this.watch?.cancel();
    this.signs.end();
    this.endWire();
    this.failPending();
  }

  drop(failure: RedisFailure): void {
    if (this.state !== 'ready') return;
    this.lose(failure);
  }

  command(args: readonly (string | number | Buffer)[]): Promise<unknown> {
    return this.send({ kind: 'command', args: args.map(String) });
  }

  script(
    script: { readonly name: string; readonly source: string },
    keys: readonly string[],
    args: readonly (string | number)[],
  ): Promise<unknown> {
    const { name, source } = script;
    return this.send({ kind: 'script', name, source, keys, args: args.map(String) });
  }

  /** The connection breaks, and the process is told. */
  cut(): void {
    const { wire } = this;
    if (!wire) return;
    wire.delivers = false;
    this.redis.leave(wire.session);
    this.process.after(this.redis.weather.delayMs(), 'connection cut', () => {
      if (this.wire === wire) this.lose(LOST);
    });
  }

  /** Messages are lost, and neither side is told. */
  loseSilently(): void {
    const { wire } = this;
    if (!wire) return;
    wire.delivers = false;
    this.redis.time.after(KEEPALIVE_MS, 'keepalive', () => {
      this.redis.leave(wire.session);
    });
  }

  /** The process has died: its operating system closes its end of the connection. */
  die(): void {
    this.state = 'closed';
    this.signs.end();
    this.endWire();
    this.pending.clear();
  }

  private connect(): void {
    this.process.after(2 * this.redis.weather.delayMs(), 'connect', () => {
      if (this.state !== 'connecting') return;
      if (!this.redis.accepts) {
        this.retry({ kind: 'away', reason: 'no connection to Redis (ECONNREFUSED)' });
        return;
      }
      this.backoff.reset();
      this.wire = this.newWire();
      this.redis.enter(this.wire.session);
      this.state = 'ready';
      this.signs.begin();
      this.events.onReady();
    });
  }

  private retry(failure: RedisFailure): void {
    this.state = 'connecting';
    this.process.after(this.backoff.nextMs(), 'reconnect', () => {
      if (this.state === 'connecting') this.connect();
    });
    this.events.onDown(failure);
  }

  private lose(failure: RedisFailure): void {
    this.endWire();
    this.watch?.cancel();
    this.watch = null;
    this.signs.end();
    this.state = 'connecting';
    this.failPending();
    this.retry(failure);
  }

  /** Messages already sent may still arrive: the server reads what came before the end. */
  private endWire(): void {
    const { wire } = this;
    if (!wire) return;
    this.wire = null;
    if (!wire.delivers) return;
    this.redis.time.after(wire.toServerMs - this.redis.time.nowMs, 'connection ends', () => {
      this.redis.leave(wire.session);
    });
  }

  private failPending(): void {
    const failed = [...this.pending];
    this.pending.clear();
    for (const { reject } of failed) reject(new Error('Connection is closed.'));
  }

  private newWire(): Wire {
    const wire: Wire = {
      session: {
        channels: new Set(),
        isReachable: () => wire.delivers,
        publish: (channel, message) => {
          this.deliver(wire, 'message', () => this.events.onMessage?.(channel, message));
        },
      },
      delivers: true,
      toServerMs: 0,
      toProcessMs: 0,
    };
    return wire;
  }

  private send(request: RedisRequest): Promise<unknown> {
    const { wire } = this;
    if (this.state !== 'ready' || !wire) {
      return Promise.reject(new Error('Connection is closed.'));
    }
    return new Promise((resolve, reject) => {
      const pending = { resolve, reject };
      this.pending.add(pending);
      if (!this.watch) this.watchSilence(0, this.replies);
      if (!wire.delivers) return;
      const { time, weather } = this.redis;
      wire.toServerMs = Math.max(wire.toServerMs, time.nowMs + weather.delayMs());
      time.after(wire.toServerMs - time.nowMs, 'request', () => {
        if (wire.delivers) this.serve(wire, request, pending);
      });
    });
  }

  /** A server that has stopped answering serves what has arrived when it goes on. */
  private serve(wire: Wire, request: RedisRequest, pending: Pending): void {
    const { time, servesAtMs } = this.redis;
    if (servesAtMs > time.nowMs) {
      time.after(servesAtMs - time.nowMs, 'late request', () => {
        if (this.redis.accepts) this.serve(wire, request, pending);
      });
      return;
    }
    let settle: () => void;
    try {
      const reply = this.redis.serve(wire.session, request);
      settle = () => {
        pending.resolve(reply);
      };
    } catch (error) {
      settle = () => {
        pending.reject(error as Error);
      };
    }
    this.deliver(wire, 'reply', () => {
      if (!this.pending.delete(pending)) return;
      this.replies += 1;
      settle();
    });
  }

  private deliver(wire: Wire, label: string, run: () => void): void {
    const { time, weather } = this.redis;
    wire.toProcessMs = Math.max(wire.toProcessMs, time.nowMs + weather.delayMs());
    this.process.after(wire.toProcessMs - time.nowMs, label, () => {
      if (wire.delivers && this.wire === wire) run();
    });
  }

  /** As the class over ioredis: a pause of this process, however long, counts as one check. */
  private watchSilence(looks: number, replies: number): void {
    const { commandTimeoutMs } = this.settings;
    this.watch = this.process.after(commandTimeoutMs / LOOKS, 'silence', () => {
      this.watch = null;
      if (this.pending.size === 0) return;
      if (this.replies !== replies) this.watchSilence(0, this.replies);
      else if (looks < LOOKS) this.watchSilence(looks + 1, replies);
      else {
        const reason = `Redis has not answered in ${commandTimeoutMs} ms`;
        this.lose({ kind: 'away', reason });
      }
    });
  }
}
