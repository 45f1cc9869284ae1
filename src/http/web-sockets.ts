/**
 * Subscriptions over WebSocket, in the protocol `graphql-transport-ws`, at `/graphql`.
 *
 * An open socket costs memory, so everything about it is bounded: the number of sockets, the size of a message, the
 * subscriptions of a socket, the time until `connection_init`, the bytes that wait to be sent, and the time without a
 * pong. The next event is taken when the network has accepted the last one, so a slow client delays only itself.
 *
 * Browsers can't send headers with a WebSocket, so a client authenticates by `authorization` in `connection_init`. The
 * credential is checked again for every subscription and every two seconds: a revoked key receives no more events.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { handleProtocols, makeServer, type Context } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { networkOf } from '../auth/network.js';
import { TooManyFailuresError, UnauthenticatedError, type Principal } from '../auth/principal.js';
import type { Admission } from './admission.js';
import { RequestContext, type RequestSettings } from '../graphql/context.js';
import { refusalIn, toRequestError } from '../graphql/format-error.js';
import type { PersistedDocuments } from '../graphql/persisted-documents.js';
import type { RefusalKind } from '../graphql/refusal-log.js';
import { clientOf, type RoomForReads } from '../graphql/room-for-reads.js';
import { RateLimitedError } from '../rate-limit/request-limit.js';
import { refuseConnection } from './answer.js';
import type { Connections } from './connections.js';
import { isAllowedOrigin, type AllowedOrigin } from './cross-origin.js';
import { framingFault } from './framing.js';
import { serveWithoutUpgrade } from './ignored-offer.js';
import type { SubscriptionArgs } from './shared-subscriptions.js';
import { Shares } from './shares.js';
import { SocketPlaces, type SocketBounds } from './socket-places.js';
import { SubscriptionGate, type AskedOperation } from './subscription-gate.js';
import { SubscriptionStarts, type SubscriptionStart } from './subscription-starts.js';

const PATH = '/graphql';
/** From the connection to `connection_init`. */
const INIT_TIMEOUT_MS = 5_000;
/**
 * How often the credential of an open socket is checked again. With the time for which an outcome is cached it stays
 * below the 5 s within which a revoked key receives nothing more.
 */
const RECHECK_INTERVAL_MS = 2_000;
/** A socket that does not answer a ping before the next one is closed. */
const PING_INTERVAL_MS = 20_000;
/** A subscription keeps its message for as long as it is open. A hundred ids fit in. */
const MESSAGE_BYTES_MAX = 16_384;
/** `ws` keeps each piece of a message until the last one has come. */
const MESSAGE_PIECES_MAX = 256;
/** How long a client may take to answer that it closes. */
const CLOSE_TIMEOUT_MS = 2_000;
const RETRY_AFTER_MS = 1_000;
const GOING_AWAY = 1001;
const TRY_AGAIN_LATER = 1013;
/** The protocol's code for a refused credential. */
const FORBIDDEN = 4403;

export interface WebSocketBounds extends SocketBounds {
  /** Subscriptions of one socket at once. */
  readonly watchSubscriptionsMaxPerSocket: number;
  /** Subscriptions of one principal, or without one of one address, at once. */
  readonly watchSubscriptionsMaxPerPrincipal: number;
  /** The most bytes that one socket may buffer. */
  readonly sendBytesMaxPerConnection: number;
}

export interface WebSocketSettings extends RequestSettings {
  readonly schema: GraphQLSchema;
  readonly introspection: boolean;
  readonly persisted: PersistedDocuments;
  readonly reads: RoomForReads;
  /** Origins whose pages may connect, besides the server's own. CORS does not cover WebSockets. */
  readonly origins: readonly AllowedOrigin[];
  readonly bounds: WebSocketBounds;
  readonly admission: Admission;
  /** The client's address, as in `203.0.113.7`. */
  readonly addressOf: (request: IncomingMessage) => string;
}

/** The state of an open connection. */
interface Peer {
  readonly socket: WebSocket;
  readonly correlationId: string;
  /** The client's, as in `203.0.113.7`. */
  readonly address: string;
  /** From `connection_init`: null where it has none, undefined before it is accepted. */
  authorization: string | null | undefined;
  readonly starts: SubscriptionStarts;
}

interface StartedArgs extends SubscriptionArgs {
  readonly start: SubscriptionStart;
}

type Connection = Context<Record<string, unknown>, Peer>;

const SERVER_OPTIONS = {
  noServer: true,
  maxPayload: MESSAGE_BYTES_MAX,
  maxFragments: MESSAGE_PIECES_MAX,
  maxBufferedChunks: MESSAGE_PIECES_MAX,
  closeTimeout: CLOSE_TIMEOUT_MS,
  perMessageDeflate: false,
  // One message of a socket in each turn of the event loop: a flood of them does not stop the others.
  allowSynchronousEvents: false,
  handleProtocols,
};

export class WebSockets {
  private readonly server = new WebSocketServer(SERVER_OPTIONS);
  private readonly protocol;
  private readonly gate: SubscriptionGate;
  private readonly places: SocketPlaces;
  private readonly subscriptions: Shares;
  private readonly unanswered = new WeakSet<WebSocket>();
  private readonly peers = new WeakMap<WebSocket, Peer>();
  private readonly timers: readonly NodeJS.Timeout[];
  private draining = false;

  constructor(private readonly settings: WebSocketSettings) {
    const { bounds } = settings;
    this.gate = new SubscriptionGate(settings.schema, settings);
    this.subscriptions = new Shares(bounds.watchSubscriptionsMaxPerPrincipal);
    this.places = new SocketPlaces(bounds, (silent) => {
      const reason = 'A WebSocket without connection_init gives its place to another one.';
      this.refuse(this.peers.get(silent), 'connection-limit', reason);
      silent.terminate();
    });
    this.protocol = makeServer<Record<string, unknown>, Peer>({
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      // False closes the socket with the protocol's code for it.
      onConnect: async ({ connectionParams, extra }) => {
        const authorization = authorizationIn(connectionParams);
        const principal = await this.principalOf(authorization, extra.address);
        if (principal === REFUSED) return false;
        extra.authorization = authorization;
        return this.greet(extra, principal);
      },
      onSubscribe: async (connection, id, asked) => {
        const start = connection.extra.starts.begin(id);
        const admitted = await this.admitOrRefuse(connection, asked);
        if ('document' in admitted) return { ...admitted, start };
        start.end();
        return start.unlessReplaced(admitted);
      },
      subscribe: (args) => {
        // Those that `onSubscribe` has returned.
        const { start, ...admitted } = args as StartedArgs;
        const stream = this.gate.subscriptions.subscribe(admitted, () => {
          start.end();
          this.subscriptions.giveBack(clientOf(admitted.contextValue));
        });
        return start.follow(stream);
      },
      onError: (_connection, _id, _asked, errors) => this.gate.formatted(errors),
      onNext: (_connection, _id, _asked, _args, { data, errors }) =>
        errors && { data: data ?? null, errors: this.gate.formatted(errors) },
    });
    this.timers = [
      setInterval(() => {
        this.pingAll();
      }, PING_INTERVAL_MS),
      setInterval(() => {
        for (const socket of this.server.clients) void this.reauthenticate(socket);
      }, RECHECK_INTERVAL_MS),
    ];
    for (const timer of this.timers) timer.unref();
  }

  attach(http: Server, connections: Connections): void {
    http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      const cut = () => socket.destroy();
      socket.on('error', cut);
      connections.afterAnswers(request.socket, () => {
        if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
          socket.off('error', cut);
          const closes = !connections.noteOffer(request.socket);
          serveWithoutUpgrade(http, { request, socket, head, closes });
          return;
        }
        const beyond = connections.refusalOf(request.socket);
        if (beyond !== null) {
          refuseConnection(socket, { status: '503 Service Unavailable', message: beyond });
          return;
        }
        const refusal = this.refusalOf(request);
        if (refusal) {
          this.settings.refusals.add({
            kind: refusal.kind,
            reason: refusal.message,
            address: this.settings.addressOf(request),
          });
          refuseConnection(socket, refusal);
          return;
        }
        this.server.handleUpgrade(request, socket, head, (webSocket) => {
          connections.becomesWebSocket(request.socket);
          const note = (bytes: number) => connections.noteMessage(request.socket, bytes);
          this.open(webSocket, this.settings.addressOf(request), note);
        });
      });
    });
  }

  /** The number of open sockets. */
  get connections(): number {
    return this.places.size;
  }

  /** Asks all clients to close; resolves when all sockets are closed. */
  async drain(): Promise<void> {
    this.draining = true;
    for (const timer of this.timers) clearInterval(timer);
    const gone = [...this.server.clients].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    );
    for (const socket of this.server.clients) socket.close(GOING_AWAY, 'The server is stopping.');
    await Promise.all(gone);
  }

  /** Cuts the sockets that are still open. */
  terminate(): void {
    for (const socket of this.server.clients) socket.terminate();
  }

  private async admitOrRefuse(
    connection: Connection,
    asked: AskedOperation,
  ): Promise<SubscriptionArgs | readonly GraphQLError[]> {
    try {
      return await this.admit(connection, asked);
    } catch (error) {
      const refusal = toRequestError(error);
      if (refusal instanceof GraphQLError) return [refusal];
      throw error;
    }
  }

  /** @throws RateLimitedError, and as Admission.admit */
  private async admit(
    connection: Connection,
    asked: AskedOperation,
  ): Promise<SubscriptionArgs | readonly GraphQLError[]> {
    const { extra: peer } = connection;
    const { watchSubscriptionsMaxPerSocket: subscriptionsMax } = this.settings.bounds;
    if (Object.keys(connection.subscriptions).length > subscriptionsMax) {
      this.refuse(peer, 'connection-limit', 'Too many subscriptions on one WebSocket.');
      return [tooManySubscriptions(subscriptionsMax)];
    }
    const context = await this.contextOf(connection);
    const admitted = this.gate.admit(asked, context);
    if (!('document' in admitted)) {
      const refusal = refusalIn(admitted, context);
      if (refusal) this.settings.refusals.add(refusal);
      return admitted;
    }
    if (!this.subscriptions.take(clientOf(context))) {
      this.refuse(peer, 'connection-limit', 'Too many subscriptions of one principal.');
      throw new RateLimitedError(
        RETRY_AFTER_MS,
        `At most ${this.subscriptions.max} subscriptions may be open at once; end one.`,
      );
    }
    return admitted;
  }

  /** False where the socket is gone, or its principal has too many: it is then closed with a code of its own. */
  private greet(peer: Peer, principal: Principal | null): boolean {
    if (!this.places.has(peer.socket)) return false;
    if (this.places.greet(peer.socket, principal?.name ?? null)) return true;
    const reason = 'Too many WebSockets of this principal are open.';
    this.refuse(peer, 'connection-limit', reason, principal?.name);
    peer.socket.close(TRY_AGAIN_LATER, reason);
    return false;
  }

  private refuse(
    peer: Peer | undefined,
    kind: RefusalKind,
    reason: string,
    principal?: string,
  ): void {
    const { address = null, correlationId } = peer ?? {};
    this.settings.refusals.add({
      kind,
      reason,
      address,
      ...(correlationId !== undefined && { correlationId }),
      ...(principal !== undefined && { principal }),
    });
  }

  /** The only place where a socket's credential becomes the context of an operation. */
  private async contextOf({ extra }: Connection): Promise<RequestContext> {
    const { correlationId, authorization, address } = extra;
    const principal = await this.settings.admission.admit(authorization ?? null, address);
    return new RequestContext(this.settings, { principal, correlationId, address });
  }

  private async principalOf(
    authorization: string | null,
    address: string,
  ): Promise<Principal | null | typeof REFUSED> {
    try {
      return await this.settings.admission.identify(authorization, address);
    } catch (error) {
      if (error instanceof UnauthenticatedError || error instanceof TooManyFailuresError) {
        return REFUSED;
      }
      throw error;
    }
  }

  private refusalOf(request: IncomingMessage): BareRefusal | null {
    const path = request.url?.split('?')[0];
    if (path !== PATH)
      return {
        kind: 'form',
        status: '404 Not Found',
        message: 'WebSockets are served at /graphql.',
      };
    if (framingFault(request)) {
      const message = 'A WebSocket needs HTTP/1.1 and exactly one Host header.';
      return { kind: 'form', status: '400 Bad Request', message };
    }
    if (!this.isWelcome(request)) {
      const message = 'Pages of this origin may not connect; allow it in CORS_ORIGINS.';
      return { kind: 'origin', status: '403 Forbidden', message };
    }
    if (this.draining) {
      const message = 'The server is stopping.';
      return { kind: 'connection-limit', status: '503 Service Unavailable', message };
    }
    const beyond = this.places.refusalOf(networkOf(this.settings.addressOf(request)));
    if (beyond === null) return null;
    return { kind: 'connection-limit', status: '503 Service Unavailable', message: beyond };
  }

  /** Only browsers send an Origin, and they always do. */
  private isWelcome({ headers: { origin, host } }: IncomingMessage): boolean {
    if (origin === undefined || isAllowedOrigin(this.settings.origins, origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host;
  }

  private open(socket: WebSocket, address: string, note: NoteMessage): void {
    const correlationId = randomUUID();
    const starts = new SubscriptionStarts();
    const peer: Peer = { socket, correlationId, address, authorization: undefined, starts };
    this.peers.set(socket, peer);
    this.places.add(socket, networkOf(address));
    const { log, bounds } = this.settings;
    const cutIfDeaf = () => {
      if (socket.bufferedAmount <= bounds.sendBytesMaxPerConnection) return false;
      this.refuse(peer, 'slow-client', 'A WebSocket sends and does not read.');
      socket.terminate();
      return true;
    };
    const closed = this.protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => send(socket, text, note),
        close: (code, reason) => {
          socket.close(code, reason);
        },
        onMessage: (hear) => {
          socket.on('message', (data: Buffer) => {
            if (cutIfDeaf()) return;
            hear(data.toString('utf8')).catch((error: unknown) => {
              log.warn({ err: error, correlationId }, 'A WebSocket failed.');
              socket.terminate();
            });
          });
        },
      },
      peer,
    );
    // `ws` closes the socket with the error's code; without a listener the process would end.
    socket.on('error', (error) => {
      log.debug({ err: error, correlationId }, 'A client broke the WebSocket protocol.');
    });
    socket.on('ping', cutIfDeaf);
    socket.on('pong', () => this.unanswered.delete(socket));
    socket.once('close', (code, reason) => {
      this.places.remove(socket);
      starts.close();
      closed(code, reason.toString('utf8')).catch((error: unknown) => {
        log.error({ err: error, correlationId }, 'A WebSocket could not be cleaned up.');
      });
    });
  }

  private pingAll(): void {
    for (const socket of this.server.clients) {
      if (this.unanswered.has(socket)) {
        socket.terminate();
        continue;
      }
      this.unanswered.add(socket);
      socket.ping();
    }
  }

  /** Closes a socket whose credential is no longer accepted. Where that can't be checked now, the next check does. */
  private async reauthenticate(socket: WebSocket): Promise<void> {
    const authorization = this.peers.get(socket)?.authorization;
    if (authorization === undefined) return;
    if (await this.settings.authenticator?.refuses(authorization)) {
      socket.close(FORBIDDEN, 'Forbidden');
    }
  }
}

const REFUSED = Symbol('refused');

function authorizationIn(params: Readonly<Record<string, unknown>> | undefined): string | null {
  const entry = Object.entries(params ?? {}).find(
    ([name]) => name.toLowerCase() === 'authorization',
  );
  return typeof entry?.[1] === 'string' ? entry[1] : null;
}

interface BareRefusal {
  readonly kind: RefusalKind;
  readonly status: string;
  readonly message: string;
}

/** Told of the bytes of a message that waits; what it returns is called when the message is sent. */
type NoteMessage = (bytes: number) => () => void;

/** Resolves when the network has taken the message, so that the sender waits for a slow client and buffers nothing. */
function send(socket: WebSocket, text: string, note: NoteMessage): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === socket.OPEN) {
      let sent: (() => void) | undefined;
      // An error closes the socket, which ends its subscriptions.
      socket.send(text, () => {
        sent?.();
        resolve();
      });
      // What the network has taken at once waits for no client.
      if (socket.bufferedAmount > 0) sent = note(Buffer.byteLength(text));
    } else {
      resolve();
    }
  });
}

function tooManySubscriptions(max: number): GraphQLError {
  return new GraphQLError(
    `A WebSocket may have at most ${max} subscriptions; end one, or open another WebSocket.`,
    {
      extensions: { code: 'BAD_USER_INPUT' },
    },
  );
}
