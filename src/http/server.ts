/**
 * The API's server: GraphQL over HTTP and WebSockets, the health checks, and an orderly end.
 *
 * A stop lets requests under way finish: no new connection is accepted, idle ones close at once, the others after their
 * last answer. Connections still open after the grace period are cut.
 */
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ApolloServer } from '@apollo/server';
import type { DocumentNode, FormattedExecutionResult } from 'graphql';
import type { Principal } from '../auth/principal.js';
import { createApollo, type ApolloSettings } from '../graphql/apollo.js';
import type { CompiledOperations } from '../graphql/compiled/compiled-operations.js';
import { RequestContext, type RequestSettings } from '../graphql/context.js';
import { Executor } from '../graphql/executor.js';
import { createErrorTable } from '../graphql/format-error.js';
import { KnownOperations } from '../graphql/known-operations.js';
import { RoomForReads } from '../graphql/room-for-reads.js';
import { buildStockadeSchema } from '../graphql/schema/schema.js';
import { Admission, type AdmissionSettings } from './admission.js';
import { jsonAnswer, type HttpAnswer } from './answer.js';
import type { HttpBounds } from './bounds.js';
import { clientAddressBehind, trustedProxyAmong } from './client-address.js';
import type { ConnectionStats } from './connections.js';
import type { ConsolePages } from './console-pages.js';
import { LOCAL_ORIGIN } from './cross-origin.js';
import { GraphqlEndpoint } from './graphql-endpoint.js';
import { createHttpServer } from './http-server.js';
import { RequestProcessor, type HttpRequest, type Route, type Routes } from './process-request.js';
import { WebSockets, type WebSocketBounds } from './web-sockets.js';

const PATH = '/graphql';
const PAGE_METHODS = new Set(['GET', 'HEAD']);
/** Apollo refuses those but GET and POST, and says which it serves. */
const GRAPHQL_METHODS = new Set([...PAGE_METHODS, 'POST', 'PUT', 'PATCH', 'DELETE']);

/** Pages from which Apollo Sandbox talks to the server. */
const SANDBOX_ORIGINS = [
  'https://studio.apollographql.com',
  'https://sandbox.embed.apollographql.com',
] as const;

export interface GraphqlServerSettings
  extends
    RequestSettings,
    AdmissionSettings,
    Omit<ApolloSettings, 'schema' | 'errors' | 'executor' | 'hasExplorer'> {
  readonly compiled: CompiledOperations;
  /** Whether it is a subgraph of a supergraph. */
  readonly federation: boolean;
  /** Entries of lists that are read at the same time. */
  readonly readNodesMax: number;
  readonly host: string;
  /** 0: the system chooses a free one. */
  readonly port: number;
  /** Origins whose pages may read answers, besides Sandbox's where it is on, and this machine's in development. */
  readonly corsOrigins: readonly string[];
  /** Proxies whose X-Forwarded-For is trusted: addresses, and networks as in `10.0.0.0/8`. */
  readonly trustedProxies: readonly string[];
  readonly bounds: HttpBounds & WebSocketBounds;
  /** The time that a stop gives to operations under way, in milliseconds. */
  readonly shutdownGraceMs: number;
  readonly readiness: () => Promise<{ readonly ready: boolean; readonly details: object }>;
  /** Null where there is no console. */
  readonly pages: ConsolePages | null;
  readonly metrics: { readonly contentType: string; metrics(): Promise<string> };
  /** Runs each request for GraphQL, for traces and the log. */
  readonly aroundRequest?: AroundRequest | null;
}

export type AroundRequest = (
  request: HttpRequest,
  answer: () => Promise<HttpAnswer>,
) => Promise<HttpAnswer>;

export class GraphqlServer {
  private readonly apollo: ApolloServer<RequestContext>;
  private readonly endpoint: GraphqlEndpoint;
  private readonly webSockets: WebSockets;
  private readonly http: ReturnType<typeof createHttpServer>;

  constructor(private readonly settings: GraphqlServerSettings) {
    const { log, refusals, observer = null, introspection: suggestions } = settings;
    const development = settings.services.saleTrials !== undefined;
    const schema = buildStockadeSchema({ federation: settings.federation, development });
    const errors = createErrorTable({ log, refusals, observer, suggestions });
    const reads = new RoomForReads(settings.readNodesMax);
    const shared = {
      ...settings,
      schema,
      errors,
      reads,
      executor: new Executor({ ...settings, schema, errors, reads }),
      admission: new Admission(settings),
      addressOf: clientAddressBehind(settings.trustedProxies),
    };
    const { bounds, trustedProxies } = settings;
    const isTrustedProxy = trustedProxyAmong(trustedProxies);
    this.http = createHttpServer({ bounds, refusals, isTrustedProxy });
    const { server, connections } = this.http;
    this.apollo = createApollo({ ...shared, hasExplorer: settings.pages !== null });
    this.endpoint = new GraphqlEndpoint({
      ...shared,
      apollo: this.apollo,
      known: new KnownOperations(shared),
      hangUpOf: ({ socket }) => connections.hangUpOf(socket),
    });
    const origins = [
      ...settings.corsOrigins,
      ...(settings.sandbox ? SANDBOX_ORIGINS : []),
      ...(settings.environment === 'development' ? [LOCAL_ORIGIN] : []),
    ];
    this.webSockets = new WebSockets({ ...shared, origins });
    this.webSockets.attach(server, connections);
    const processor = new RequestProcessor({
      ...shared,
      routes: this.routes(),
      corsOrigins: origins,
      requestsMaxPerPrincipal: bounds.requestsMaxPerPrincipal,
      onAnswer: (response, bytes) => {
        connections.noteAnswer(response, bytes);
      },
      onceDone: (response, callback) => {
        connections.onceDone(response, callback);
      },
    });
    connections.serve(processor.process);
  }

  stats(): ConnectionStats & { readonly webSockets: number; readonly operations: number } {
    const { connections: webSockets } = this.webSockets;
    const { underWay: operations } = this.endpoint;
    return { ...this.http.connections.stats(), webSockets, operations };
  }

  /** Resolves with the address of the endpoint once it listens. */
  async start(): Promise<string> {
    const { host, port } = this.settings;
    const { server } = this.http;
    await this.apollo.start();
    await once(server.listen({ host, port }), 'listening');
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('The server has no port.');
    const name = bound.family === 'IPv6' ? `[${bound.address}]` : bound.address;
    return `http://${name}:${bound.port}${PATH}`;
  }

  /** Asks clients to use other connections, perhaps of other servers, while everything is still served. */
  leave(): void {
    this.http.connections.leave();
  }

  /** Resolves within the grace period, plus what closing connections takes. */
  async stop(): Promise<void> {
    const { server, connections } = this.http;
    // Calls back with an error where the server does not listen; then there is nothing to close.
    const closed = new Promise((resolve) => server.close(resolve));
    const drained = Promise.all([closed, this.webSockets.drain()]);
    connections.drain();
    // Only a closed server begins no operation; one whose client hung up may still run then.
    const finished = drained.then(() => this.endpoint.finished());
    const grace = new AbortController();
    const { signal } = grace;
    await Promise.race([finished, sleep(this.settings.shutdownGraceMs, undefined, { signal })]);
    grace.abort();
    server.closeAllConnections();
    this.webSockets.terminate();
    await closed;
    await this.apollo.stop();
  }

  /** Runs one operation as over HTTP, with limits and error table. */
  readonly execute = async <Data = Record<string, unknown>>(
    operation: {
      readonly query: string | DocumentNode;
      readonly variables?: Record<string, unknown>;
      readonly operationName?: string;
    },
    options: { readonly signal?: AbortSignal; readonly principal?: Principal | null } = {},
  ): Promise<FormattedExecutionResult<Data>> => {
    const principal = options.principal ?? null;
    const contextValue = new RequestContext(this.settings, { ...options, principal });
    const { body } = await this.apollo.executeOperation(operation, { contextValue });
    contextValue.end();
    if (body.kind === 'single') return body.singleResult as FormattedExecutionResult<Data>;
    throw new Error('Multipart responses are not supported.');
  };

  private routes(): Routes {
    const { readiness, metrics, pages, aroundRequest } = this.settings;
    const { answer, admit } = this.endpoint;
    // Requests that come together get one report, and one rendering: neither costs more for being asked for often.
    const report = shared(readiness);
    const rendered = shared(() => metrics.metrics());
    const page = (made: Route['answer']): Route => ({ methods: PAGE_METHODS, answer: made });
    const fixed = new Map([
      [
        PATH,
        {
          methods: GRAPHQL_METHODS,
          admit,
          answer: aroundRequest
            ? (request) => aroundRequest(request, () => answer(request))
            : answer,
        },
      ],
      ['/live', page(() => Promise.resolve(jsonAnswer(200, { live: true })))],
      [
        '/ready',
        page(async () => {
          const { ready, details } = await report();
          return jsonAnswer(ready ? 200 : 503, { ready, ...details });
        }),
      ],
      [
        '/metrics',
        page(async () => {
          const headers = [['content-type', metrics.contentType]] as const;
          return { status: 200, headers, body: await rendered() };
        }),
      ],
    ]);
    return { get: (path) => fixed.get(path) ?? pages?.routeOf(path) };
  }
}

/** Calls that come while the work of an earlier one is under way get its outcome. */
function shared<T>(work: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | null = null;
  return () => {
    underWay ??= work().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}
