/**
 * Subscriptions over WebSocket, in the protocol `graphql-transport-ws`, at the same address as everything else.
 *
 * A socket costs memory for as long as it is open, so everything about it is bounded: how many there are, how large a
 * message is, how many subscriptions one has, how long it may take to say hello, what waits to be sent, and how long
 * one may be silent. The next event is taken only when the last one has been handed to the network, so a slow client
 * makes its own queue wait and nobody else.
 *
 * Who connects says who he is in the hello, as `authorization`, for browsers can send no header with it. It is asked
 * again for every subscription, and now and then for as long as the socket is open: a revoked key hears no more.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { GraphQLError, type GraphQLSchema } from 'graphql';
import { handleProtocols, makeServer, type Context } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { TooManyFailuresError, UnauthenticatedError, type Principal } from '../auth/principal.js';
import type { Admission } from './admission.js';
import { RequestContext, type RequestSettings } from '../graphql/context.js';
import { toRequestError } from '../graphql/format-error.js';
import { refuseConnection } from './answer.js';
import type { Connections } from './connections.js';
import { BODY_BYTES_MAX } from './request-body.js';
import { SubscriptionGate } from './subscription-gate.js';

const PATH = '/graphql';
const SUBSCRIPTIONS_MAX = 10;
/** From the connection to the client's hello, `connection_init`. */
const INIT_TIMEOUT_MS = 5_000;
/** A client that does not answer a ping until the next one is gone. */
const PING_INTERVAL_MS = 20_000;
/** What may wait in this process for one socket's network: some events, and answers to what it says. */
const BUFFERED_BYTES_MAX = 1_048_576;
const GOING_AWAY = 1001;
/** The protocol's own code for who may not connect. */
const FORBIDDEN = 4403;

export interface WebSocketSettings extends RequestSettings {
  readonly schema: GraphQLSchema;
  readonly introspection: boolean;
  /** Whose pages may connect, besides those of the server's own host. Browsers do not ask CORS about WebSockets. */
  readonly origins: readonly string[];
  /** The most sockets at once. */
  readonly connectionsMax: number;
  readonly admission: Admission;
  /** Whom a connection comes from, as in `203.0.113.7`. */
  readonly addressOf: (request: IncomingMessage) => string;
}

/** What is known of a connection for as long as it lives. */
interface Peer {
  readonly correlationId: string;
  /** Whom it came from, as in `203.0.113.7`. */
  readonly address: string;
  /** What it said of itself in its hello; null where it said nothing, undefined before. */
  authorization: string | null | undefined;
}

type Connection = Context<Record<string, unknown>, Peer>;

export class WebSockets {
  private readonly server = new WebSocketServer({
    noServer: true,
    maxPayload: BODY_BYTES_MAX,
    perMessageDeflate: false,
    handleProtocols,
  });
  private readonly protocol;
  private readonly gate: SubscriptionGate;
  private readonly unanswered = new WeakSet<WebSocket>();
  private readonly peers = new WeakMap<WebSocket, Peer>();
  private readonly pings: NodeJS.Timeout;
  private draining = false;

  constructor(private readonly settings: WebSocketSettings) {
    this.gate = new SubscriptionGate(settings.schema, settings);
    this.protocol = makeServer<Record<string, unknown>, Peer>({
      connectionInitWaitTimeout: INIT_TIMEOUT_MS,
      // Refused, the socket is closed with the protocol's code for it.
      onConnect: async ({ connectionParams, extra }) => {
        extra.authorization = authorizationIn(connectionParams);
        return (await this.principalOf(extra)) !== REFUSED;
      },
      onSubscribe: async (connection, _id, asked) => {
        const tooMany = Object.keys(connection.subscriptions).length > SUBSCRIPTIONS_MAX;
        if (tooMany) return [tooManySubscriptions()];
        try {
          return this.gate.admit(asked, await this.contextOf(connection));
        } catch (error) {
          const refusal = toRequestError(error);
          if (refusal instanceof GraphQLError) return [refusal];
          throw error;
        }
      },
      onError: (_connection, _id, _asked, errors) => this.gate.formatted(errors),
      onNext: (_connection, _id, _asked, _args, { data, errors }) =>
        errors && { data: data ?? null, errors: this.gate.formatted(errors) },
    });
    this.pings = setInterval(() => {
      this.pingAll();
    }, PING_INTERVAL_MS);
    this.pings.unref();
  }

  attach(http: Server, connections: Connections): void {
    http.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
      socket.on('error', () => socket.destroy());
      connections.afterAnswers(socket, () => {
        if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
          serveWithoutUpgrade(http, { request, socket, head });
          return;
        }
        const refusal = this.refusalOf(request);
        if (refusal) {
          refuseConnection(socket, refusal);
          return;
        }
        this.server.handleUpgrade(request, socket, head, (webSocket) => {
          connections.forget(socket);
          this.open(webSocket, this.settings.addressOf(request));
        });
      });
    });
  }

  /** Sockets that are open now. */
  get connections(): number {
    return this.server.clients.size;
  }

  /** Says goodbye to all; resolves when all have gone. */
  async drain(): Promise<void> {
    this.draining = true;
    clearInterval(this.pings);
    const gone = [...this.server.clients].map(
      (socket) => new Promise((resolve) => socket.once('close', resolve)),
    );
    for (const socket of this.server.clients) socket.close(GOING_AWAY, 'The server stops.');
    await Promise.all(gone);
  }

  /** Cuts those that have not gone. */
  terminate(): void {
    for (const socket of this.server.clients) socket.terminate();
  }

  /** The one place in which what a client says of itself when it connects becomes the context of its operations. */
  private async contextOf({ extra }: Connection): Promise<RequestContext> {
    const { correlationId, authorization, address } = extra;
    const principal = await this.settings.admission.admit(authorization ?? null, address);
    return new RequestContext(this.settings, { principal, correlationId });
  }

  private async principalOf({
    authorization,
    address,
  }: Peer): Promise<Principal | null | typeof REFUSED> {
    try {
      return await this.settings.admission.identify(authorization ?? null, address);
    } catch (error) {
      if (error instanceof UnauthenticatedError || error instanceof TooManyFailuresError) {
        return REFUSED;
      }
      throw error;
    }
  }

  private refusalOf(request: IncomingMessage): BareRefusal | null {
    const path = request.url?.split('?')[0];
    if (path !== PATH) return { status: '404 Not Found', message: 'The API is at /graphql.' };
    if (!this.isWelcome(request)) {
      return { status: '403 Forbidden', message: 'Pages of this origin may not connect.' };
    }
    if (this.draining) {
      return { status: '503 Service Unavailable', message: 'The server stops.' };
    }
    if (this.connections >= this.settings.connectionsMax) {
      return { status: '503 Service Unavailable', message: 'There are too many connections.' };
    }
    return null;
  }

  /** Only browsers send an origin, and they always do. */
  private isWelcome({ headers: { origin, host } }: IncomingMessage): boolean {
    if (origin === undefined || this.settings.origins.includes(origin)) return true;
    return URL.canParse(origin) && new URL(origin).host === host;
  }

  private open(socket: WebSocket, address: string): void {
    const correlationId = randomUUID();
    const peer: Peer = { correlationId, address, authorization: undefined };
    this.peers.set(socket, peer);
    const { log } = this.settings;
    const closed = this.protocol.opened(
      {
        protocol: socket.protocol,
        send: (text) => send(socket, text),
        close: (code, reason) => {
          socket.close(code, reason);
        },
        onMessage: (hear) => {
          socket.on('message', (data: Buffer) => {
            if (socket.bufferedAmount > BUFFERED_BYTES_MAX) {
              socket.terminate();
              return;
            }
            hear(data.toString('utf8')).catch((error: unknown) => {
              log.warn({ err: error, correlationId }, 'A WebSocket failed.');
              socket.terminate();
            });
          });
        },
      },
      peer,
    );
    // What a client does wrong closes its socket with a code that says so; there is nothing to do but not to fall.
    socket.on('error', (error) => {
      log.debug({ err: error, correlationId }, 'A WebSocket was broken by its client.');
    });
    socket.on('ping', () => {
      if (socket.bufferedAmount > BUFFERED_BYTES_MAX) socket.terminate();
    });
    socket.on('pong', () => this.unanswered.delete(socket));
    socket.once('close', (code, reason) => {
      closed(code, reason.toString('utf8')).catch((error: unknown) => {
        log.error({ err: error, correlationId }, 'A WebSocket could not be cleared up.');
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
      void this.recognise(socket);
    }
  }

  /** Closes the socket of somebody who may not come in any more. Who can't be asked about now is asked about again. */
  private async recognise(socket: WebSocket): Promise<void> {
    const peer = this.peers.get(socket);
    if (peer?.authorization === undefined) return;
    const principal = await this.principalOf(peer).catch(() => null);
    if (principal === REFUSED) socket.close(FORBIDDEN, 'Forbidden');
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
  readonly status: string;
  readonly message: string;
}

/** Resolves when the network has taken it: whoever sends waits for slow clients, and holds nothing for them. */
function send(socket: WebSocket, text: string): Promise<void> {
  return new Promise((resolve) => {
    if (socket.readyState === socket.OPEN) {
      // An error closes the socket, which ends its subscriptions.
      socket.send(text, () => {
        resolve();
      });
    } else {
      resolve();
    }
  });
}

function tooManySubscriptions(): GraphQLError {
  return new GraphQLError(`A connection has at most ${SUBSCRIPTIONS_MAX} subscriptions.`, {
    extensions: { code: 'BAD_USER_INPUT' },
  });
}

/**
 * Some clients offer to upgrade to HTTP/2 with their first request, which a server may ignore. Node hands every offer
 * to whoever listens for one, so this request is given back to it without the offer.
 */
function serveWithoutUpgrade(
  http: Server,
  { request, socket, head }: { request: IncomingMessage; socket: Socket; head: Buffer },
): void {
  const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/${request.httpVersion}`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? '';
    if (OFFERS.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${request.rawHeaders[i + 1] ?? ''}`);
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  http.emit('connection', socket);
}

const OFFERS = new Set(['upgrade', 'connection', 'http2-settings']);
