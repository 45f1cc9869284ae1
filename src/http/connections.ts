/**
 * Open connections and the pending answers of each, in the order of their requests, with the bounds of each connection,
 * of each address and of all. Node closes connections that are idle after a request; a connection that has sent none
 * would keep a stopping server open.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { networkOf } from '../auth/network.js';
import type { RefusalKind, RefusalLog } from '../graphql/refusal-log.js';
import { overloadedAnswer, sendAnswer } from './answer.js';
import type { HttpBounds } from './bounds.js';
import { Connection, type Owed } from './connection.js';
import { Places } from './places.js';
import { pathOf } from './request-path.js';
import { Unsent } from './unsent.js';

/** Refused connections that wait for their request, to be answered; further ones are closed at once. */
const REFUSED_MAX = 1_000;
/** Answered beyond the bounds as well: a full server is healthy, and its load would go to the next one. */
const PROBES: ReadonlySet<string> = new Set(['/live', '/ready']);
/** How long they may be silent. */
const REFUSED_SILENCE_MS = 5_000;
/** How often slow clients are looked for while one may be slow. */
const SWEEPS_IN_TIMEOUT = 4;
const SWEEP_INTERVAL_MAX_MS = 5_000;

export interface ConnectionSettings {
  readonly bounds: HttpBounds;
  readonly refusals: Pick<RefusalLog, 'add'>;
  /** Whether many clients may come from this address. */
  readonly isTrustedProxy: (address: string) => boolean;
}

export interface ConnectionStats {
  /** Now, WebSockets included. */
  readonly connections: number;
  /** Bytes of answers and of messages of WebSockets that wait for their clients now. */
  readonly unsentBytes: number;
  /** Requests that waited until earlier ones of their connection were answered. */
  readonly held: number;
}

type Handler = (request: IncomingMessage, answer: ServerResponse) => void;

export class Connections {
  private readonly open = new Map<Duplex, Connection>();
  private readonly places: Places;
  private readonly unsent: Unsent;
  private readonly sweeping: NodeJS.Timeout;
  private refused = 0;
  private held = 0;
  /** Clients are asked to use another connection for their next request, as this server stops soon. */
  private leaving = false;
  private draining = false;

  constructor(
    private readonly server: Server,
    private readonly settings: ConnectionSettings,
  ) {
    const { bounds } = settings;
    this.places = new Places(bounds);
    const cut = (connection: Connection, reason: string) => {
      this.cut(connection, 'slow-client', reason);
    };
    this.unsent = new Unsent({ ...bounds, cut });
    const sweepMs = Math.min(bounds.sendTimeoutMs / SWEEPS_IN_TIMEOUT, SWEEP_INTERVAL_MAX_MS);
    this.sweeping = setInterval(() => {
      this.unsent.sweep(this.open.values(), performance.now());
    }, sweepMs).unref();
    server.on('connection', (socket: Socket) => {
      this.onConnection(socket);
    });
    server.once('close', () => {
      clearInterval(this.sweeping);
    });
  }

  stats(): ConnectionStats {
    return { connections: this.open.size, unsentBytes: this.unsent.bytes, held: this.held };
  }

  /** Passes each request to the handler as soon as its connection has room for it. */
  serve(handler: Handler): void {
    this.server.on('request', (request: IncomingMessage, answer: ServerResponse) => {
      const connection = this.open.get(request.socket);
      if (!connection) return;
      if (connection.refusal !== null) {
        if (!PROBES.has(pathOf(request.url ?? '') ?? '')) {
          sendAnswer(answer, null, overloadedAnswer(connection.refusal));
          return;
        }
        answer.setHeader('connection', 'close');
      }
      this.receive(connection, answer, () => {
        handler(request, answer);
      });
    });
  }

  /** The bound that the connection is beyond; null where it has a place. */
  refusalOf(socket: Duplex): string | null {
    return this.open.get(socket)?.refusal ?? null;
  }

  /** The connection was upgraded and is no longer HTTP; it keeps its place. */
  becomesWebSocket(socket: Duplex): void {
    const connection = this.open.get(socket);
    if (connection) connection.isWebSocket = true;
  }

  /** An answer was made, and waits until the network has taken it. */
  noteAnswer(answer: ServerResponse, bytes: number): void {
    const connection = this.open.get(answer.req.socket);
    const owed = connection?.owed.get(answer);
    if (connection && owed) this.unsent.add(connection, owed, bytes, this.open.values());
  }

  /**
   * A message of a WebSocket was made, and waits until the network has taken it.
   * @returns to be called then.
   */
  noteMessage(socket: Duplex, bytes: number): () => void {
    const connection = this.open.get(socket);
    if (!connection) return () => undefined;
    const message = { bytes: 0 };
    connection.messages.add(message);
    this.unsent.add(connection, message, bytes, this.open.values());
    return () => {
      if (connection.messages.delete(message)) this.unsent.settle(connection, message);
    };
  }

  /** Calls back once, when the answer is sent or its connection closed; at once where it is closed already. */
  onceDone(answer: ServerResponse, callback: () => void): void {
    const owed = this.open.get(answer.req.socket)?.owed.get(answer);
    if (owed) owed.onDone = callback;
    else callback();
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
    const before = [...(connection?.owed.keys() ?? [])].filter(
      ({ req, headersSent }) => req.complete || headersSent,
    );
    const last = before.at(-1);
    if (last) last.once('close', action);
    else action();
  }

  /** From now on each answer is the last one of its connection, so that few connections are left for `drain`. */
  leave(): void {
    this.leaving = true;
  }

  /** Closes idle connections now, and each other one after its last pending answer. */
  drain(): void {
    this.leaving = true;
    this.draining = true;
    for (const { socket, owed, isWebSocket } of this.open.values()) {
      if (isWebSocket) continue;
      const last = [...owed.keys()].at(-1);
      if (!last) socket.destroy();
      else if (!last.headersSent) last.setHeader('connection', 'close');
    }
  }

  private onConnection(socket: Socket): void {
    const known = this.open.get(socket);
    if (known) {
      // Passed to Node again, without the upgrade that its last request offered.
      known.ending = false;
      return;
    }
    const { remoteAddress = '' } = socket;
    const isProxy = this.settings.isTrustedProxy(remoteAddress);
    const connection = new Connection(socket, isProxy ? null : networkOf(remoteAddress));
    connection.refusal = this.places.take(connection, (idle) => {
      this.cut(idle, 'connection-evicted', 'An idle connection gives its place to another client.');
    });
    if (connection.refusal !== null && !this.mayWait(connection)) return;
    this.open.set(socket, connection);
    socket.once('close', () => {
      this.open.delete(socket);
      if (connection.refusal === null) this.places.giveBack(connection);
      else this.refused -= 1;
      // Node emits no `close` for answers that were not yet assigned to the connection.
      for (const answer of connection.owed.keys()) this.settle(connection, answer);
      for (const message of connection.messages) this.unsent.settle(connection, message);
      connection.messages.clear();
      connection.closed.abort();
    });
  }

  /** Whether a connection beyond the bounds may wait for its request, to get its refusal as the answer. */
  private mayWait({ socket, refusal }: Connection): boolean {
    const address = socket.remoteAddress ?? null;
    this.settings.refusals.add({ kind: 'connection-limit', reason: refusal ?? '', address });
    if (this.refused >= REFUSED_MAX) {
      socket.destroy();
      return false;
    }
    this.refused += 1;
    socket.setTimeout(REFUSED_SILENCE_MS);
    return true;
  }

  private receive(connection: Connection, answer: ServerResponse, handle: () => void): void {
    const owed: Owed = { bytes: 0, isHeld: false, onDone: null };
    connection.owed.set(answer, owed);
    answer.once('close', () => {
      this.settle(connection, answer);
      connection.beginHeld(() => this.hasRoom(connection));
      if (this.draining && connection.owed.size === 0) connection.socket.end();
    });
    if (this.leaving) closeAfter(answer, connection);
    if (connection.held.length === 0 && this.hasRoom(connection)) {
      connection.running += 1;
      handle();
      return;
    }
    this.held += 1;
    owed.isHeld = true;
    connection.hold(() => {
      owed.isHeld = false;
      connection.running += 1;
      handle();
    });
  }

  private settle(connection: Connection, answer: ServerResponse): void {
    const owed = connection.owed.get(answer);
    if (!owed) return;
    connection.owed.delete(answer);
    this.unsent.settle(connection, owed);
    if (!owed.isHeld) connection.running -= 1;
    owed.onDone?.();
  }

  private hasRoom({ running, sendBytes }: Connection): boolean {
    const { requestsMaxPerConnection, sendBytesMaxPerConnection } = this.settings.bounds;
    return running < requestsMaxPerConnection && sendBytes < sendBytesMaxPerConnection;
  }

  private cut({ socket }: Connection, kind: RefusalKind, reason: string): void {
    this.settings.refusals.add({ kind, reason, address: socket.remoteAddress ?? null });
    socket.destroy();
  }
}

/** The last answer of its connection: a client that pipelines has those of its earlier requests first. */
function closeAfter(answer: ServerResponse, { owed }: Connection): void {
  for (const earlier of owed.keys()) {
    if (!earlier.headersSent) earlier.removeHeader('connection');
  }
  answer.setHeader('connection', 'close');
}
