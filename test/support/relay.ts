/**
 * Stands between a client and a server, and does to their connection what networks do: delays, loses replies, cuts, and
 * leads to another server after a failover. Bytes are passed on as they are.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Towards the server flow requests, towards the client replies. */
export type Direction = 'requests' | 'replies';

export class Relay {
  private readonly pairs = new Set<Pair>();
  private readonly held = new Set<Direction>();
  private refuses = false;

  private constructor(
    private readonly server: Server,
    private targetPort: number,
  ) {
    server.on('connection', (client) => {
      this.join(client);
    });
  }

  static async open(targetPort: number): Promise<Relay> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Relay(server, targetPort);
  }

  get port(): number {
    const address = this.server.address();
    if (address === null || typeof address === 'string') throw new Error('The relay is closed.');
    return address.port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Nothing flows in that direction until `letFlow`; nothing is lost either, unless the connections are cut. */
  holdBack(direction: Direction): void {
    this.held.add(direction);
    for (const pair of this.pairs) pair.source(direction).pause();
  }

  letFlow(): void {
    this.held.clear();
    for (const pair of this.pairs) pair.resume();
  }

  /** Breaks the connections that there are; what was held back is lost. New ones are welcome. */
  cut(): void {
    for (const pair of this.pairs) pair.destroy();
  }

  /** Breaks them, and every new one, until `accept`. */
  refuse(): void {
    this.refuses = true;
    this.cut();
  }

  accept(): void {
    this.refuses = false;
  }

  /** New connections lead there; those that there are end. */
  leadTo(targetPort: number): void {
    this.targetPort = targetPort;
    this.cut();
  }

  async close(): Promise<void> {
    this.refuse();
    if (!this.server.listening) return;
    this.server.close();
    await once(this.server, 'close');
  }

  private join(client: Socket): void {
    if (this.refuses) {
      client.destroy();
      return;
    }
    const pair = new Pair(client, connect(this.targetPort, '127.0.0.1'));
    this.pairs.add(pair);
    pair.onEnd(() => this.pairs.delete(pair));
    for (const direction of this.held) pair.source(direction).pause();
  }
}

class Pair {
  constructor(
    private readonly client: Socket,
    private readonly server: Socket,
  ) {
    // Not pipe(): it would resume by itself what is to be held back.
    client.on('data', (chunk) => server.write(chunk));
    server.on('data', (chunk) => client.write(chunk));
    for (const socket of [client, server]) {
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.destroy();
      });
    }
  }

  source(direction: Direction): Socket {
    return direction === 'requests' ? this.client : this.server;
  }

  resume(): void {
    this.client.resume();
    this.server.resume();
  }

  onEnd(callback: () => void): void {
    this.client.once('close', callback);
  }

  destroy(): void {
    this.client.destroy();
    this.server.destroy();
  }
}
