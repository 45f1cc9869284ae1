/** One operation by HTTP: its principal, the request in Apollo's terms, and Apollo's answer. */
import type { IncomingMessage } from 'node:http';
import { HeaderMap, type ApolloServer } from '@apollo/server';
import type { FormattedExecutionResult } from 'graphql';
import { RequestContext, type RequestSettings } from '../graphql/context.js';
import type { Principal } from '../auth/principal.js';
import { toRequestError } from '../graphql/format-error.js';
import { isRecord } from '../graphql/is-record.js';
import {
  GRAPHQL_TYPE,
  likelyMedia,
  mediaOf,
  statusIn,
  usualMedia,
  type ResponseMedia,
} from '../graphql/response-media.js';
import type { KnownOperations } from '../graphql/known-operations.js';
import type { Admission } from './admission.js';
import type { HttpAnswer } from './answer.js';
import type { HttpRequest } from './process-request.js';

export interface GraphqlEndpointSettings extends RequestSettings {
  readonly apollo: ApolloServer<RequestContext>;
  readonly known: KnownOperations;
  readonly admission: Admission;
  /** The client's address, as in `203.0.113.7`. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Aborted when the request's connection closes. */
  readonly hangUpOf: (request: IncomingMessage) => AbortSignal;
}

/** How far a request came. */
interface Reached {
  context?: RequestContext;
}

export class GraphqlEndpoint {
  private operations = 0;
  private whenFinished: () => void = () => undefined;

  constructor(private readonly settings: GraphqlEndpointSettings) {}

  /**
   * Authenticates the request by its headers, before its body is read. Null where the headers decide
   * nothing: without authentication, and for pages, which need none.
   */
  readonly admit = (raw: IncomingMessage): Promise<Principal | null> | null => {
    const { admission, addressOf } = this.settings;
    if (raw.method !== 'POST' || !admission.isGuarded) return null;
    return admission.admit(raw.headers.authorization ?? null, addressOf(raw));
  };

  readonly answer = async (request: HttpRequest): Promise<HttpAnswer> => {
    const reached: Reached = {};
    this.operations += 1;
    try {
      const body = this.settings.known.withText(request.body);
      return await this.answerTo(body === request.body ? request : { ...request, body }, reached);
    } catch (error) {
      reached.context?.fails('INTERNAL_SERVER_ERROR');
      throw error;
    } finally {
      reached.context?.end();
      this.operations -= 1;
      if (this.operations === 0) this.whenFinished();
    }
  };

  private async answerTo(request: HttpRequest, reached: Reached): Promise<HttpAnswer> {
    const { known: operations } = this.settings;
    const media = usualMediaOf(request.raw);
    const isRefused = operations.refuses(queryOf(request));
    const known = media && !isRefused ? operations.find(request.body) : null;
    if (!known && !isRefused)
      return this.answerByApollo(request, reached, () => this.contextOf(request));
    let context: RequestContext;
    try {
      context = reached.context = await this.contextOf(request);
    } catch (error) {
      return await this.answerByApollo(request, reached, () => {
        throw error;
      });
    }
    if (known && media) return operations.answer(known, context, media);
    return operations.refused(context, media ?? likelyMedia(request.raw.headers.accept));
  }

  private async answerByApollo(
    request: HttpRequest,
    reached: Reached,
    contextOf: () => Promise<RequestContext>,
  ): Promise<HttpAnswer> {
    const { raw, body } = request;
    // Apollo sets it, which the compiler does not see.
    let reachedResolvers = false as boolean;
    const answer = await this.settings.apollo.executeHTTPGraphQLRequest({
      httpGraphQLRequest: {
        method: raw.method ?? '',
        headers: headersFor(raw),
        search: searchOf(raw.url ?? ''),
        body,
      },
      context: async () => {
        reachedResolvers = true;
        return (reached.context = await contextOf());
      },
    });
    const { status = 200, headers } = answer;
    if (!reachedResolvers) this.noteRefusal(request, status);
    if (answer.body.kind !== 'complete') throw new Error('Multipart responses are not supported.');
    return conforming({ status, headers, body: answer.body.string });
  }

  /** For an answer without resolvers: Apollo refused the form of the request, or answered with a page. */
  private noteRefusal({ raw, id }: HttpRequest, status: number): void {
    if (status < 400) return;
    const { refusals, addressOf } = this.settings;
    const address = addressOf(raw);
    refusals.add({ kind: 'form', reason: `HTTP ${status}`, address, correlationId: id });
  }

  /** Operations that have no answer yet. */
  get underWay(): number {
    return this.operations;
  }

  /** Resolves when no operation runs, including those of clients that hung up. */
  finished(): Promise<void> {
    if (this.operations === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.whenFinished = resolve;
    });
  }

  private async contextOf(request: HttpRequest): Promise<RequestContext> {
    const { raw, id, beganMs, principal: known } = request;
    const { admission, addressOf, hangUpOf } = this.settings;
    const address = addressOf(raw);
    const { authorization = null } = raw.headers;
    try {
      const principal = known === undefined ? await admission.admit(authorization, address) : known;
      return new RequestContext(this.settings, {
        principal,
        correlationId: id,
        beganMs,
        address,
        signal: hangUpOf(raw),
        charge: admission.chargeOf(principal, address),
      });
    } catch (error) {
      throw toRequestError(error);
    }
  }
}

/**
 * The headers that Apollo needs of a usual request. The body is JSON, a type that a page of another origin can't send
 * without a preflight, which this header attests.
 */
const PREFLIGHT = ['apollo-require-preflight', 'true'] as const;
const USUAL_HEADERS: Readonly<Record<ResponseMedia, HeaderMap>> = {
  json: new HeaderMap([PREFLIGHT]),
  graphql: new HeaderMap([PREFLIGHT, ['accept', GRAPHQL_TYPE]]),
};

function headersFor(raw: IncomingMessage): HeaderMap {
  const media = usualMediaOf(raw);
  return media ? USUAL_HEADERS[media] : toHeaderMap(raw.headers);
}

/** Has a fast path, because parsing `accept` and `content-type` costs more than the rest of the HTTP path. */
function usualMediaOf({ method, headers }: IncomingMessage): ResponseMedia | undefined {
  const isJson = headers['content-type'] === 'application/json';
  return method === 'POST' && isJson ? usualMedia(headers.accept) : undefined;
}

/** The text of a request, if it sends one; an empty parameter is as none. */
function queryOf({ raw, body }: HttpRequest): unknown {
  if (raw.method !== 'GET') return isRecord(body) ? body.query : null;
  const query = new URLSearchParams(searchOf(raw.url ?? '')).get('query');
  return query === '' ? null : query;
}

/** An optional parameter that is empty is as none; Apollo would parse it as JSON. */
const EMPTY_PARAMETER = /(?<=[?&])(?:operationName|variables|extensions)=(?=&|$)/g;

function searchOf(url: string): string {
  const start = url.indexOf('?');
  return start < 0 ? '' : url.slice(start).replace(EMPTY_PARAMETER, '');
}

/** Apollo writes errors first, so an answer without them need not be parsed. */
const WITH_ERRORS = '{"errors":';

/** Apollo's answer with the status that its media type asks for. */
function conforming(answer: HttpAnswer<string> & { readonly headers: HeaderMap }): HttpAnswer {
  const { status, headers, body } = answer;
  const media = mediaOf(headers.get('content-type'));
  if (media !== 'graphql' || !body.startsWith(WITH_ERRORS)) return answer;
  return {
    ...answer,
    status: statusIn(media, status, JSON.parse(body) as FormattedExecutionResult),
  };
}

function toHeaderMap(headers: IncomingMessage['headers']): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}
