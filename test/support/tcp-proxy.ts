/**
 * A TCP proxy between a client and a server, for faults that only a network has: bytes that arrive late or never, and
 * connections that break before or after the other side has read. It knows nothing of what passes through it.
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
  /** Holds bytes back, in one direction or in both, on present and future connections. */
  pause(direction?: Direction): void;
  /** Delivers what was held back, in its order. */
  resume(): void;
  /** Breaks all present connections. New ones are welcome. */
  cut(): void;
  /** Refuses new connections, or welcomes them again. Present ones stay. */
  refuse(refuses: boolean): void;
  /** New connections lead to that server, as after a failover; present ones break. */
  leadTo(url: string): void;
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
      connection.closed.then(
        () => this.open.delete(connection),
        () => undefined,
      );
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

  cut(): void {
    for (const connection of this.open) connection.cut();
  }

  refuse(refuses: boolean): void {
    this.refuses = refuses;
  }

  leadTo(url: string): void {
    this.target = url;
    this.cut();
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
  readonly closed: Promise<unknown>;
  private readonly held: Record<Direction, Buffer[]> = { toServer: [], toClient: [] };
  private readonly paused: Record<Direction, boolean> = { toServer: false, toClient: false };

  constructor(
    readonly number: number,
    private readonly sockets: { readonly client: Socket; readonly server: Socket },
    private readonly proxy: Proxy,
  ) {
    const { client, server } = sockets;
    this.closed = once(client, 'close');
    this.forward(client, 'toServer');
    this.forward(server, 'toClient');
  }

  cut(): void {
    reset(this.sockets.client);
    reset(this.sockets.server);
  }

  pause(direction?: Direction): void {
    for (const each of directions(direction)) this.paused[each] = true;
  }

  resume(): void {
    for (const direction of directions()) {
      this.paused[direction] = false;
      if (this.proxy.paused[direction]) continue;
      for (const bytes of this.held[direction].splice(0)) this.pass(bytes, direction);
    }
  }

  private forward(from: Socket, direction: Direction): void {
    from.setNoDelay(true);
    from.on('data', (bytes: Buffer) => {
      const isPaused = this.paused[direction] || this.proxy.paused[direction];
      if (isPaused) this.held[direction].push(bytes);
      else this.pass(bytes, direction);
    });
    from.on('error', () => undefined);
    // One side's end is the other's, with or without an error.
    from.on('close', () => {
      this.cut();
    });
  }

  private pass(bytes: Buffer, direction: Direction): void {
    const { client, server } = this.sockets;
    const verdict = this.proxy.hooks[direction]?.(bytes, this) ?? 'pass';
    if (verdict === 'cut') this.cut();
    if (verdict === 'pass') (direction === 'toServer' ? server : client).write(bytes);
  }
}

/** Resetting a socket that is at its end already would fail, and leave its handle open for ever. */
function reset(socket: Socket): void {
  if (socket.readyState === 'open') socket.resetAndDestroy();
  else socket.destroy();
}

function directions(only?: Direction): readonly Direction[] {
  return only ? [only] : ['toServer', 'toClient'];
}
