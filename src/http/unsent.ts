/**
 * What clients do not take. An answer, or a message of a WebSocket, waits in memory until the network accepts it, so a
 * client that asks and does not read costs memory: the bytes of all that waits have a bound, and a client must take
 * some of what waits for it within a time.
 */
import type { Socket } from 'node:net';
import type { Connection, Waiting } from './connection.js';

interface Standing {
  readonly mark: string;
  readonly sinceMs: number;
}

export class Unsent {
  private readonly standing = new WeakMap<Connection, Standing>();
  /** Bytes of the answers and messages that wait, on all connections. */
  bytes = 0;

  constructor(
    private readonly settings: {
      readonly sendBytesMax: number;
      readonly sendTimeoutMs: number;
      readonly cut: (connection: Connection, reason: string) => void;
    },
  ) {}

  /** An answer or a message of so many bytes was made, which the connection has among those that wait. */
  add(connection: Connection, waiting: Waiting, bytes: number, all: Iterable<Connection>) {
    if (connection.socket.destroyed) return;
    waiting.bytes = bytes;
    connection.sendBytes += bytes;
    this.bytes += bytes;
    if (this.bytes <= this.settings.sendBytesMax) return;
    // The largest has at least as much as was added now, so that one is enough.
    let largest = connection;
    for (const each of all) if (each.sendBytes > largest.sendBytes) largest = each;
    this.settings.cut(largest, 'What waits to be read by all clients is too much.');
    this.forget(largest);
  }

  /** It was sent, or its connection is closed. */
  settle(connection: Connection, { bytes }: Waiting): void {
    connection.sendBytes -= bytes;
    this.bytes -= bytes;
  }

  /** Cuts the connections whose clients have taken nothing for too long. */
  sweep(all: Iterable<Connection>, nowMs: number): void {
    for (const connection of all) {
      const { socket } = connection;
      if (socket.writableLength === 0 || socket.destroyed) {
        this.standing.delete(connection);
        continue;
      }
      const mark = markOf(socket);
      const known = this.standing.get(connection);
      if (known?.mark !== mark) this.standing.set(connection, { mark, sinceMs: nowMs });
      else if (nowMs - known.sinceMs >= this.settings.sendTimeoutMs) {
        this.settings.cut(connection, 'The client does not read what was sent to it.');
      }
    }
  }

  private forget(connection: Connection): void {
    for (const owed of connection.owed.values()) owed.bytes = 0;
    for (const message of connection.messages) message.bytes = 0;
    this.bytes -= connection.sendBytes;
    connection.sendBytes = 0;
  }
}

/** Changes when the network takes something: bytes of the write that is under way, or the whole of it. */
function markOf(socket: Socket): string {
  const { _handle: handle } = socket as { readonly _handle?: { readonly writeQueueSize?: number } };
  return `${socket.bytesWritten - socket.writableLength}:${handle?.writeQueueSize ?? 0}`;
}
