/**
 * Traces by OpenTelemetry, sent by OTLP over HTTP. Loaded only where an endpoint is set.
 *
 *   span                 | from                                      | to
 *   <type> <field>       | a request's admission                     | its answer
 *   wait <operation>     | a write is asked for                      | its first transaction begins, or it is answered
 *   commit               | a transaction of many writes begins       | it has ended
 *   <statement> <table>  | a statement goes to MySQL                 | its answer
 *
 * Many requests share one commit. It is in the trace of the first of them that is recorded, and links to all of their
 * spans; each wait links to its commit. So a sampler decides on it together with that request.
 *
 * Nothing is registered globally: two applications in one process have their own traces.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  defaultTextMapGetter,
  trace,
  type Context,
  type Span,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api';
import { W3CTraceContextPropagator, parseTraceParent } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { EndedRequest, RequestObserver } from '../graphql/context.js';
import type { HttpAnswer } from '../http/answer.js';
import type { HttpRequest } from '../http/process-request.js';
import type { StockWrite } from '../inventory/stock.js';
import type { Tracing } from '../inventory/tracing.js';
import type { WriteTrace } from '../inventory/write-trace.js';

export interface OpenTelemetrySettings {
  /** As in `http://collector:4318`. */
  readonly endpoint: string;
  readonly serviceName: string;
  /** The most lines, and so the most requests, that a commit may link to. */
  readonly linksMax: number;
}

/** A collector that does not answer must not hold up a stop. */
const FLUSH_MAX_MS = 2_000;

/** A write of a request of this process. */
class OwnTrace implements WriteTrace {
  constructor(
    readonly request: SpanContext,
    private readonly wait: Span,
  ) {}

  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.request;
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  /** A span that has ended stays as it is. */
  endsWith(commit: SpanContext): void {
    if (!this.wait.isRecording()) return;
    this.wait.addLink({ context: commit });
    this.wait.end();
  }
}

export class OpenTelemetry implements Tracing, RequestObserver {
  private readonly provider: BasicTracerProvider;
  private readonly tracer: Tracer;
  private readonly contexts = new AsyncLocalStorage<Context>();
  private readonly propagator = new W3CTraceContextPropagator();

  constructor({ endpoint, serviceName, linksMax }: OpenTelemetrySettings) {
    const url = `${endpoint.replace(/\/$/, '')}/v1/traces`;
    const resource = defaultResource()
      .merge(resourceFromAttributes({ 'service.instance.id': randomUUID() }))
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(resourceFromAttributes({ 'service.name': serviceName }));
    this.provider = new BasicTracerProvider({
      resource,
      spanLimits: { linkCountLimit: linksMax },
      spanProcessors: [new BatchSpanProcessor(new OTLPTraceExporter({ url }))],
    });
    this.tracer = this.provider.getTracer('stockade');
  }

  /** Answers a request under a span, which belongs to the caller's trace where the request names one. */
  readonly request = (
    { raw, id }: HttpRequest,
    answer: () => Promise<HttpAnswer>,
  ): Promise<HttpAnswer> => {
    const caller = this.propagator.extract(ROOT_CONTEXT, raw.headers, defaultTextMapGetter);
    const attributes = {
      'http.request.method': raw.method ?? '',
      'url.path': '/graphql',
      'stockade.request.id': id,
    };
    const span = this.tracer.startSpan('request', { kind: SpanKind.SERVER, attributes }, caller);
    return this.under(span, caller, async () => {
      const answered = await answer();
      span.setAttribute('http.response.status_code', answered.status);
      if (answered.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
      return answered;
    });
  };

  ended({ operation, isMutation, failure, principal }: EndedRequest): void {
    const span = this.current();
    if (!span) return;
    const type = isMutation ? 'mutation' : 'query';
    span.updateName(`${type} ${operation}`);
    span.setAttribute('graphql.operation.type', type);
    if (principal !== null) span.setAttribute('stockade.principal', principal);
    if (failure === null) return;
    span.setAttribute('error.type', failure);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }

  async waiting<T>(write: StockWrite, work: (write: StockWrite) => Promise<T>): Promise<T> {
    const request = this.current();
    if (!request) return work(write);
    const { operation, lines, productIds } = write;
    const attributes = { 'stockade.lines': lines.length, 'stockade.products': [...productIds] };
    const name = `wait ${operation.name}`;
    const span = this.tracer.startSpan(name, { attributes }, this.contexts.getStore());
    try {
      return await work({ ...write, trace: new OwnTrace(request.spanContext(), span) });
    } finally {
      span.end();
    }
  }

  committing<T>(writes: readonly StockWrite[], work: () => Promise<T>): Promise<T> {
    const traces = writes.flatMap(({ trace: own }) => own ?? []);
    const requests = traces.flatMap((own) => requestOf(own) ?? []);
    const [first] = requests;
    // The work of requests that are not recorded must not count for the one that happened to begin it.
    if (!first) return this.contexts.run(ROOT_CONTEXT, work);
    const parent = trace.setSpanContext(ROOT_CONTEXT, first);
    const span = this.tracer.startSpan(
      'commit',
      {
        links: [...new Map(requests.map((context) => [context.spanId, { context }])).values()],
        attributes: {
          'stockade.writes': writes.length,
          'stockade.lines': writes.reduce((sum, { lines }) => sum + lines.length, 0),
        },
      },
      parent,
    );
    for (const own of traces) if (own instanceof OwnTrace) own.endsWith(span.spanContext());
    return this.under(span, parent, work);
  }

  /** Runs a statement under a span where it belongs to one. Its text has values in it, so only its head is told. */
  readonly statement = <T>(sql: string, run: () => Promise<T>): Promise<T> => {
    const context = this.contexts.getStore();
    if (!context || !this.current()) return run();
    const { operation, table } = headOf(sql);
    const attributes = {
      'db.system.name': 'mysql',
      'db.operation.name': operation,
      ...(table !== null && { 'db.collection.name': table }),
    };
    const name = table === null ? operation : `${operation} ${table}`;
    const span = this.tracer.startSpan(name, { kind: SpanKind.CLIENT, attributes }, context);
    return this.under(span, context, run);
  };

  /** For lines of the log; empty outside of a request that is recorded. */
  readonly ids = (): { readonly traceId?: string; readonly spanId?: string } => {
    const span = this.current();
    if (!span) return {};
    const { traceId, spanId } = span.spanContext();
    return { traceId, spanId };
  };

  /** Sends what is left, within a bounded time. */
  async stop(): Promise<void> {
    const late = AbortSignal.timeout(FLUSH_MAX_MS);
    await Promise.race([
      this.provider.shutdown().catch(() => undefined),
      new Promise((resolve) => {
        late.addEventListener('abort', resolve);
      }),
    ]);
  }

  /** The span under way, where it is recorded. */
  private current(): Span | null {
    const context = this.contexts.getStore();
    const span = context && trace.getSpan(context);
    return span?.isRecording() ? span : null;
  }

  private async under<T>(span: Span, parent: Context, work: () => Promise<T>): Promise<T> {
    try {
      return await this.contexts.run(trace.setSpan(parent, span), work);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      if (error instanceof Error) span.setAttribute('error.type', error.name);
      throw error;
    } finally {
      span.end();
    }
  }
}

/** Null where the request is not recorded. */
function requestOf(own: WriteTrace): SpanContext | null {
  const context = own instanceof OwnTrace ? own.request : remote(own.traceparent);
  return context && (context.traceFlags & TraceFlags.SAMPLED) !== 0 ? context : null;
}

function remote(traceparent: string): SpanContext | null {
  const context = parseTraceParent(traceparent);
  return context && { ...context, isRemote: true };
}

const HEAD = /^\s*(START TRANSACTION|[A-Za-z]+)/;
/** Before all values, or behind those of a list of ids and numbers. */
const TABLE = /(?:\b(?:FROM|INTO|UPDATE)|JOIN)\s+`?([A-Za-z_]\w*)/i;
function headOf(sql: string): { readonly operation: string; readonly table: string | null } {
  const operation = (HEAD.exec(sql)?.[1] ?? 'statement').toUpperCase();
  return { operation, table: TABLE.exec(sql)?.[1] ?? null };
}
