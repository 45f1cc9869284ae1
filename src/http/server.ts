/**
 * The API's server: Apollo over HTTP, the health checks, and an orderly end.
 *
 * Stopping lets what is under way finish: no new connections, idle ones closed at once, each answer the last on its
 * connection; whatever lasts longer than the grace period is cut.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HeaderMap } from '@apollo/server';
import proxyAddr from '@fastify/proxy-addr';
import type { FastifyInstance } from 'fastify';
import type { DocumentNode, FormattedExecutionResult } from 'graphql';
import type { Principal } from '../auth/principal.js';
import { Admission, type AdmissionSettings } from './admission.js';
import { createApollo, type ApolloSettings } from '../graphql/apollo.js';
import { RequestContext, type RequestSettings } from '../graphql/context.js';
import { toRequestError } from '../graphql/format-error.js';
import { SANDBOX_ORIGINS, createHttp, type HttpAnswer, type HttpRequest } from './http.js';
import { speaksPlainJson } from './plain-requests.js';
import { buildStockadeSchema } from '../graphql/schema/schema.js';
import { WebSockets } from './web-sockets.js';

const PATH = '/graphql';

export interface GraphqlServerSettings
  extends RequestSettings, AdmissionSettings, Omit<ApolloSettings, 'schema'> {
  readonly host: string;
  /** 0 lets the system choose a free one. */
  readonly port: number;
  /** Whose pages a browser lets talk to us, besides Sandbox's where that is on. */
  readonly corsOrigins: readonly string[];
  /** Proxies whose word on whom a request comes from is believed: addresses, and networks as in `10.0.0.0/8`. */
  readonly trustedProxies: readonly string[];
  /** The most WebSockets at once. */
  readonly webSocketsMax: number;
  /** How long what is under way may take to finish when the server stops, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly readiness: () => Promise<{ readonly ready: boolean; readonly details: object }>;
  readonly metrics: { readonly contentType: string; read(): Promise<string> };
}

export interface GraphqlServer {
  /** Resolves with the address of the endpoint once it listens. Rejects where it can't. */
  start(): Promise<string>;
  /** Returns within the grace period. */
  stop(): Promise<void>;
  /** Runs one operation as if it had come by HTTP, limits and error table included. */
  readonly execute: <Data = Record<string, unknown>>(
    operation: {
      readonly query: string | DocumentNode;
      readonly variables?: Record<string, unknown>;
      readonly operationName?: string;
    },
    options?: { readonly signal?: AbortSignal; readonly principal?: Principal | null },
  ) => Promise<FormattedExecutionResult<Data>>;
}

export function createGraphqlServer(settings: GraphqlServerSettings): GraphqlServer {
  const schema = buildStockadeSchema();
  const apollo = createApollo({ ...settings, schema });
  const origins = [...settings.corsOrigins, ...(settings.sandbox ? SANDBOX_ORIGINS : [])];
  const admission = new Admission(settings);
  const isTrusted = proxyAddr.compile([...settings.trustedProxies]);
  const addressOf = (request: IncomingMessage) => proxyAddr(request, isTrusted);
  const webSockets = new WebSockets({
    ...settings,
    admission,
    addressOf,
    schema,
    origins,
    connectionsMax: settings.webSocketsMax,
  });
  const work = new WorkUnderWay();
  let http: FastifyInstance | undefined;
  let connections: Connections | undefined;

  async function admit(request: IncomingMessage): Promise<Principal | null> {
    try {
      const { authorization } = request.headers;
      return await admission.admit(authorization ?? null, addressOf(request));
    } catch (error) {
      throw toRequestError(error);
    }
  }

  /** One operation, whichever way it came by HTTP. */
  async function answer(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    const { raw, id, body } = request;
    const url = raw.url ?? '';
    work.begin();
    try {
      const answered = await apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: raw.method ?? '',
          headers: headersForApollo(raw),
          search: url.includes('?') ? url.slice(url.indexOf('?')) : '',
          body,
        },
        context: async () => {
          const principal = await admit(raw);
          return new RequestContext(settings, { principal, correlationId: id, signal });
        },
      });
      if (answered.body.kind !== 'complete') throw new Error('Nothing here answers in parts.');
      const { headers, status } = answered;
      return { status: status ?? 200, headers, body: answered.body.string };
    } finally {
      work.end();
    }
  }

  return {
    start: async () => {
      await apollo.start();
      const answerOn = (request: HttpRequest) =>
        answer(request, known.hangUpOf(request.raw.socket));
      http = await createHttp({
        log: settings.log,
        trustedProxies: settings.trustedProxies,
        corsOrigins: origins,
        plain: { path: PATH, answer: answerOn },
      });
      const known = new Connections(http.server);
      connections = known;
      webSockets.attach(http.server, (socket) => {
        known.forget(socket);
      });
      http.route({
        method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        url: PATH,
        handler: async (request, reply) => {
          const { status, headers, body } = await answerOn(request);
          void reply.code(status);
          for (const [name, value] of headers) void reply.header(name, value);
          return body;
        },
      });
      http.get('/live', () => ({ live: true }));
      http.get('/ready', async (_, reply) => {
        const { ready, details } = await settings.readiness();
        return reply.code(ready ? 200 : 503).send({ ready, ...details });
      });
      http.get('/metrics', async (_, reply) =>
        reply.type(settings.metrics.contentType).send(await settings.metrics.read()),
      );
      await http.listen({ host: settings.host, port: settings.port });
      return endpointOf(http);
    },
    stop: async () => {
      if (http && connections) {
        const { server } = http;
        const grace = setTimeout(() => {
          server.closeAllConnections();
          webSockets.terminate();
          work.forget();
        }, settings.shutdownGraceMs);
        connections.drain();
        await Promise.all([webSockets.drain(), http.close()]);
        await work.finished();
        clearTimeout(grace);
      }
      await apollo.stop();
    },
    execute: async <Data>(
      operation: Parameters<GraphqlServer['execute']>[0],
      options: { readonly signal?: AbortSignal; readonly principal?: Principal | null } = {},
    ) => {
      const { body } = await apollo.executeOperation(operation, {
        contextValue: new RequestContext(settings, {
          ...options,
          principal: options.principal ?? null,
        }),
      });
      if (body.kind === 'single') return body.singleResult as FormattedExecutionResult<Data>;
      throw new Error('Nothing here answers in parts.');
    },
  };
}

/**
 * What a plain request's headers mean to Apollo. That the body is JSON has been seen already, and that type keeps pages
 * of other origins out, which is what this header of Apollo's stands for.
 */
const PLAIN_HEADERS = new HeaderMap([['apollo-require-preflight', 'true']]);

/** Reading `accept` and `content-type` by the book costs more than the rest of a plain request's way through HTTP. */
function headersForApollo({ method, headers }: IncomingMessage): HeaderMap {
  return method === 'POST' && speaksPlainJson(headers) ? PLAIN_HEADERS : toHeaderMap(headers);
}

function toHeaderMap(headers: IncomingMessage['headers']): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

function endpointOf(http: FastifyInstance): string {
  const bound = http.server.address();
  if (bound === null || typeof bound === 'string') throw new Error('The server listens nowhere.');
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return `http://${host}:${bound.port}${PATH}`;
}

/** Operations that run, whether or not somebody still waits for their answer. */
class WorkUnderWay {
  private operations = 0;
  private forgotten = false;
  private whenFinished: () => void = () => undefined;

  begin(): void {
    this.operations += 1;
  }

  end(): void {
    this.operations -= 1;
    if (this.operations === 0) this.whenFinished();
  }

  finished(): Promise<void> {
    if (this.forgotten || this.operations === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.whenFinished = resolve;
    });
  }

  forget(): void {
    this.forgotten = true;
    this.whenFinished();
  }
}

interface Connection {
  /** The answers that it still has to carry. */
  readonly owed: Set<ServerResponse>;
  readonly closed: AbortController;
}

/**
 * Open connections and what each has under way. Node closes those that are idle after a request; one that has not sent
 * any would keep a stopping server open.
 */
class Connections {
  private readonly open = new Map<Duplex, Connection>();
  private draining = false;

  constructor(server: Server) {
    server.on('connection', (socket: Socket) => {
      const closed = new AbortController();
      this.open.set(socket, { owed: new Set(), closed });
      socket.once('close', () => {
        this.open.delete(socket);
        closed.abort();
      });
    });
    // First of all: whoever answers is to find it owed.
    server.prependListener('request', ({ socket }: IncomingMessage, answer: ServerResponse) => {
      const owed = this.open.get(socket)?.owed;
      owed?.add(answer);
      answer.once('close', () => owed?.delete(answer));
      if (this.draining) answer.setHeader('connection', 'close');
    });
  }

  /** It is no longer one of HTTP. */
  forget(socket: Duplex): void {
    this.open.delete(socket);
  }

  /**
   * Aborted when the connection is closed: whoever then still waits for an answer on it will not have it. One for all
   * requests of a connection, as making one costs as much as a good part of a request.
   */
  hangUpOf(socket: Duplex): AbortSignal {
    return this.open.get(socket)?.closed.signal ?? AbortSignal.abort();
  }

  drain(): void {
    this.draining = true;
    for (const [socket, { owed }] of this.open) {
      if (owed.size === 0) socket.destroy();
      for (const answer of owed) {
        if (!answer.headersSent) answer.setHeader('connection', 'close');
      }
    }
  }
}
