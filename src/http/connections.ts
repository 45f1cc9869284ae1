/**
 * Open HTTP connections and the pending answers of each, in the order of their requests. Node closes connections
 * that are idle after a request; a connection that has sent none would keep a stopping server open.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

interface Connection {
  readonly owed: Set<ServerResponse>;
  readonly closed: AbortController;
  /** Whether an action after the pending answers is set: the connection then takes no more requests. */
  ending: boolean;
  /** Whether a request of the connection was served without the upgrade that it offered. */
  hasOffered: boolean;
}

export class Connections {
  private readonly open = new Map<Duplex, Connection>();
  private draining = false;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      const known = this.open.get(socket);
      if (known) {
        // Passed to Node again, without the upgrade that its last request offered.
        known.ending = false;
        return;
      }
      const closed = new AbortController();
      this.open.set(socket, { owed: new Set(), closed, ending: false, hasOffered: false });
      socket.once('close', () => {
        this.open.delete(socket);
        closed.abort();
      });
    });
    // Before all other listeners, so that each of them finds its answer among the pending ones.
    server.prependListener('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
      const owed = this.open.get(socket)?.owed;
      owed?.add(answer);
      answer.once('close', () => {
        owed?.delete(answer);
        if (this.draining && owed?.size === 0) socket.end();
      });
      if (this.draining) answer.setHeader('connection', 'close');
    });
  }

  /** The connection was upgraded and is no longer HTTP. */
  forget(socket: Duplex): void {
    this.open.delete(socket);
  }

  /**
   * Notes that a request is served without the upgrade that it offers.
   * @returns whether it is the first one of its connection.
   */
  noteOffer(socket: Duplex): boolean {
    const connection = this.open.get(socket);
    if (!connection || connection.hasOffered) return false;
    connection.hasOffered = true;
    return true;
  }

  /** Whether the connection takes no more requests. */
  isEnding(socket: Duplex): boolean {
    return this.open.get(socket)?.ending ?? true;
  }

  /** Aborted when the connection closes. One for all its requests, as creating one costs a good part of a request. */
  hangUpOf(socket: Duplex): AbortSignal {
    return this.open.get(socket)?.closed.signal ?? AbortSignal.abort();
  }

  /**
   * Runs `action` once the requests before it are answered, so that a pipelining client does not take what `action`
   * sends for the answer to one of them. A partly received request is not waited for, unless it is refused
   * already. Only the first action of a connection counts.
   */
  afterAnswers(socket: Duplex, action: () => void): void {
    const connection = this.open.get(socket);
    if (connection?.ending) return;
    if (connection) connection.ending = true;
    const before = [...(connection?.owed ?? [])].filter(
      ({ req, headersSent }) => req.complete || headersSent,
    );
    const last = before.at(-1);
    if (last) last.once('close', action);
    else action();
  }

  /** Closes idle connections now, and each other one after its last pending answer. */
  drain(): void {
    this.draining = true;
    for (const [socket, { owed }] of this.open) {
      const last = [...owed].at(-1);
      if (!last) socket.destroy();
      else if (!last.headersSent) last.setHeader('connection', 'close');
    }
  }
}
