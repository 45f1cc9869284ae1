/**
 * The API's server: Apollo over HTTP, the health checks, and an orderly end.
 *
 * Stopping lets what is under way finish: no new connections, idle ones closed at once, each answer the last on its
 * connection; whatever lasts longer than the grace period is cut.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { HeaderMap } from '@apollo/server';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DocumentNode, FormattedExecutionResult } from 'graphql';
import type { Principal } from '../auth/principal.js';
import { Admission, type AdmissionSettings } from './admission.js';
import { createApollo, type ApolloSettings } from './apollo.js';
import { RequestContext, type RequestSettings } from './context.js';
import { toRequestError } from './format-error.js';
import { SANDBOX_ORIGINS, createHttp } from './http.js';
import { buildStockadeSchema } from './schema.js';
import { WebSockets } from './web-sockets.js';

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
  const webSockets = new WebSockets({
    ...settings,
    admission,
    schema,
    origins,
    connectionsMax: settings.webSocketsMax,
  });
  const work = new WorkUnderWay();
  let http: FastifyInstance | undefined;
  let connections: Connections | undefined;

  async function admit(request: FastifyRequest): Promise<Principal | null> {
    try {
      return await admission.admit(request.headers.authorization ?? null, request.ip);
    } catch (error) {
      throw toRequestError(error);
    }
  }

  async function answer(request: FastifyRequest, reply: FastifyReply): Promise<string> {
    const { headers, body, status } = await apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: request.method,
        headers: toHeaderMap(request.headers),
        search: request.url.includes('?') ? request.url.slice(request.url.indexOf('?')) : '',
        body: request.body,
      },
      context: async () => {
        const principal = await admit(request);
        return new RequestContext(settings, {
          principal,
          correlationId: request.id,
          signal: hangUpOf(reply),
        });
      },
    });
    void reply.code(status ?? 200);
    for (const [name, value] of headers) void reply.header(name, value);
    if (body.kind === 'complete') return body.string;
    throw new Error('Nothing here answers in parts.');
  }

  return {
    start: async () => {
      await apollo.start();
      http = await createHttp({
        log: settings.log,
        trustedProxies: settings.trustedProxies,
        corsOrigins: origins,
      });
      const ofHttp = new Connections(http);
      connections = ofHttp;
      webSockets.attach(http.server, (socket) => {
        ofHttp.forget(socket);
      });
      http.route({
        method: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'],
        url: '/graphql',
        handler: (request, reply) => work.track(answer(request, reply)),
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

function toHeaderMap(headers: FastifyRequest['headers']): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}

/** Aborted where the client goes before it has its answer. */
function hangUpOf({ raw }: FastifyReply): AbortSignal {
  const left = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) left.abort();
  });
  return left.signal;
}

function endpointOf(http: FastifyInstance): string {
  const bound = http.server.address();
  if (bound === null || typeof bound === 'string') throw new Error('The server listens nowhere.');
  const host = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
  return `http://${host}:${bound.port}/graphql`;
}

/** Operations that run, whether or not somebody still waits for their answer. */
class WorkUnderWay {
  private readonly operations = new Set<Promise<unknown>>();
  private readonly forgotten = new AbortController();

  track<T>(operation: Promise<T>): Promise<T> {
    const ended = operation.finally(() => this.operations.delete(ended));
    this.operations.add(ended);
    return ended;
  }

  async finished(): Promise<void> {
    if (this.forgotten.signal.aborted || this.operations.size === 0) return;
    await Promise.race([Promise.allSettled(this.operations), once(this.forgotten.signal, 'abort')]);
  }

  forget(): void {
    this.forgotten.abort();
  }
}

/**
 * Open connections and how many requests each has under way. Node closes those that are idle after a request; one that
 * has not sent any would keep a stopping server open.
 */
class Connections {
  private readonly requests = new Map<Duplex, number>();
  private draining = false;

  constructor(http: FastifyInstance) {
    http.server.on('connection', (socket: Socket) => {
      this.requests.set(socket, 0);
      socket.once('close', () => this.requests.delete(socket));
    });
    http.addHook('onRequest', ({ raw: { socket } }, { raw }, done) => {
      this.requests.set(socket, (this.requests.get(socket) ?? 0) + 1);
      raw.once('close', () => {
        const left = this.requests.get(socket);
        if (left !== undefined) this.requests.set(socket, left - 1);
      });
      done();
    });
    http.addHook('onSend', (_request, reply, _payload, done) => {
      if (this.draining) void reply.header('connection', 'close');
      done();
    });
  }

  /** It is no longer one of HTTP. */
  forget(socket: Duplex): void {
    this.requests.delete(socket);
  }

  drain(): void {
    this.draining = true;
    for (const [socket, requests] of this.requests) if (requests === 0) socket.destroy();
  }
}
