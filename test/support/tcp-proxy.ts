/**
 * A TCP proxy between a client and a server, for faults that only a network has: bytes that arrive late or never,
 * connections that break before or after the other side has read, an address that moves to another server. It knows
 * nothing of what passes through it.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient';

/**
 * What becomes of bytes that have arrived: `pass` on, `drop` them, or `cut` the connection without passing them on.
 * Called for each piece as the network delivers it, which need not be a whole message.
 */
export type Hook = (bytes: Buffer, connection: ProxiedConnection) => 'pass' | 'drop' | 'cut';

export interface ProxiedConnection {
  /** Counts from 1, in the order in which clients connected. */
  readonly number: number;
  /** Holds its bytes back, in one direction or in both. */
  pause(direction?: Direction): void;
  /** Delivers what was held back, in its order. */
  resume(): void;
  /** Resets it on both sides. */
  cut(): void;
}

export interface TcpProxy {
  readonly port: number;
  /** The given URL with the proxy's address in the server's place. */
  via(url: string): string;
  /** Looks at all bytes in one direction; null to stop. */
  hook(direction: Direction, hook: Hook | null): void;
  /**
   * Holds back bytes, and the end of a connection, in one direction or in both, on present and future connections. In
   * both it is a black hole: neither side gets an answer, and neither is told.
   */
  pause(direction?: Direction): void;
  /** Delivers what was held back, in its order. */
  resume(): void;
  /** From now on what arrives is passed on so much later; 0 for at once. */
  delay(delayMs: number, direction?: Direction): void;
  /** Breaks all present connections. New ones are welcome. */
  cut(): void;
  /** Refuses new connections, or welcomes them again. Present ones stay. */
  refuse(refuses: boolean): void;
  /**
   * New connections lead to that server. Present ones break, as after the death of a server, or stay where they are, as
   * after a planned switch, or one in DNS or of a service's address.
   */
  leadTo(url: string, options: { readonly present: 'stay' | 'break' }): void;
  connections(): readonly ProxiedConnection[];
  stop(): Promise<void>;
}

/** @param url of the server, as in `redis://127.0.0.1:6379`; only host and port matter. */
export async function startTcpProxy(url: string): Promise<TcpProxy> {
  const proxy = new Proxy(url);
  await proxy.listen();
  return proxy;
}

class Proxy implements TcpProxy {
  port = 0;
  readonly paused: Record<Direction, boolean> = { toServer: false, toClient: false };
  readonly delayMs: Record<Direction, number> = { toServer: 0, toClient: 0 };
  readonly hooks: Record<Direction, Hook | null> = { toServer: null, toClient: null };
  private readonly open = new Set<Connection>();
  private readonly server: Server;
  private refuses = false;
  private opened = 0;

  constructor(private target: string) {
    this.server = createServer((client) => {
      if (this.refuses) {
        client.resetAndDestroy();
        return;
      }
      this.opened += 1;
      const { hostname, port } = new URL(this.target);
      const server = connect(Number(port), hostname);
      const connection = new Connection(this.opened, { client, server }, this);
      this.open.add(connection);
      void connection.closed.then(() => this.open.delete(connection));
    });
  }

  async listen(): Promise<void> {
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.port = (this.server.address() as AddressInfo).port;
  }

  via(url: string): string {
    const changed = new URL(url);
    changed.hostname = '127.0.0.1';
    changed.port = String(this.port);
    return changed.href;
  }

  hook(direction: Direction, hook: Hook | null): void {
    this.hooks[direction] = hook;
  }

  pause(direction?: Direction): void {
    for (const each of directions(direction)) this.paused[each] = true;
  }

  resume(): void {
    for (const each of directions()) this.paused[each] = false;
    for (const connection of this.open) connection.resume();
  }

  delay(delayMs: number, direction?: Direction): void {
    for (const each of directions(direction)) this.delayMs[each] = delayMs;
  }

  cut(): void {
    for (const connection of this.open) connection.cut();
  }

  refuse(refuses: boolean): void {
    this.refuses = refuses;
  }

  leadTo(url: string, options: { readonly present: 'stay' | 'break' }): void {
    this.target = url;
    if (options.present === 'break') this.cut();
  }

  connections(): readonly ProxiedConnection[] {
    return [...this.open];
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    this.cut();
    await closed;
  }
}

class Connection implements ProxiedConnection {
  /** Both sides, as one may outlive the other where its end is held back. */
  readonly closed: Promise<unknown>;
  private readonly streams: Record<Direction, Stream>;

  constructor(
    readonly number: number,
    private readonly sockets: { readonly client: Socket; readonly server: Socket },
    readonly proxy: Proxy,
  ) {
    const { client, server } = sockets;
    this.closed = Promise.all([client, server].map((socket) => hasClosed(socket)));
    this.streams = {
      toServer: new Stream('toServer', { from: client, to: server }, this),
      toClient: new Stream('toClient', { from: server, to: client }, this),
    };
  }

  cut(): void {
    for (const direction of directions()) this.streams[direction].forget();
    reset(this.sockets.client);
    reset(this.sockets.server);
  }

  pause(direction?: Direction): void {
    for (const each of directions(direction)) this.streams[each].paused = true;
  }

  resume(): void {
    for (const each of directions()) {
      this.streams[each].paused = false;
      this.streams[each].flow();
    }
  }
}

/** What arrived from one side and has not been passed to the other yet, in its order. */
class Stream {
  paused = false;
  private held: { readonly bytes: Buffer | 'END'; readonly dueMs: number }[] = [];
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly direction: Direction,
    private readonly ends: { readonly from: Socket; readonly to: Socket },
    private readonly connection: Connection,
  ) {
    const { from } = ends;
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => {
      this.arrive(bytes);
    });
    from.on('error', () => undefined);
    // One side's end is the other's, with or without an error.
    from.on('close', () => {
      this.arrive('END');
    });
  }

  /** Passes on what is due, unless it is held back. */
  flow(): void {
    clearTimeout(this.timer);
    for (;;) {
      const [next] = this.held;
      if (!next || this.paused || this.connection.proxy.paused[this.direction]) return;
      const waitMs = next.dueMs - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => {
          this.flow();
        }, waitMs);
        return;
      }
      this.held.shift();
      this.pass(next.bytes);
    }
  }

  forget(): void {
    clearTimeout(this.timer);
    this.held = [];
  }

  private arrive(bytes: Buffer | 'END'): void {
    const delayMs = this.connection.proxy.delayMs[this.direction];
    this.held.push({ bytes, dueMs: performance.now() + delayMs });
    this.flow();
  }

  private pass(bytes: Buffer | 'END'): void {
    const { connection, direction } = this;
    const verdict =
      bytes === 'END' ? 'cut' : (connection.proxy.hooks[direction]?.(bytes, connection) ?? 'pass');
    if (verdict === 'cut') connection.cut();
    if (verdict === 'pass') this.ends.to.write(bytes);
  }
}

function hasClosed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
}

/** Resetting a socket that is at its end already would fail, and leave its handle open for ever. */
function reset(socket: Socket): void {
  if (socket.readyState === 'open') socket.resetAndDestroy();
  else socket.destroy();
}

function directions(only?: Direction): readonly Direction[] {
  return only ? [only] : ['toServer', 'toClient'];
}
