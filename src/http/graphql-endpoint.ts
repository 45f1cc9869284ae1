/** One operation by HTTP: its principal, the request in Apollo's terms, and Apollo's answer. */
import type { IncomingMessage } from 'node:http';
import { HeaderMap, type ApolloServer } from '@apollo/server';
import { RequestContext, type RequestSettings } from '../graphql/context.js';
import type { Principal } from '../auth/principal.js';
import { toRequestError } from '../graphql/format-error.js';
import type { Admission } from './admission.js';
import type { HttpAnswer } from './answer.js';
import type { HttpRequest } from './process-request.js';

export interface GraphqlEndpointSettings extends RequestSettings {
  readonly apollo: ApolloServer<RequestContext>;
  readonly admission: Admission;
  /** The client's address, as in `203.0.113.7`. */
  readonly addressOf: (request: IncomingMessage) => string;
  /** Aborted when the request's connection closes. */
  readonly hangUpOf: (request: IncomingMessage) => AbortSignal;
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
    const { raw, body } = request;
    const url = raw.url ?? '';
    const reached: { resolvers: boolean; context?: RequestContext } = { resolvers: false };
    this.operations += 1;
    try {
      const answer = await this.settings.apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: raw.method ?? '',
          headers: headersForApollo(raw),
          search: url.includes('?') ? url.slice(url.indexOf('?')) : '',
          body,
        },
        context: async () => {
          reached.resolvers = true;
          return (reached.context = await this.contextOf(request));
        },
      });
      if (!reached.resolvers) this.noteRefusal(request, answer.status ?? 200);
      if (answer.body.kind !== 'complete')
        throw new Error('Multipart responses are not supported.');
      return { status: answer.status ?? 200, headers: answer.headers, body: answer.body.string };
    } finally {
      reached.context?.end();
      this.operations -= 1;
      if (this.operations === 0) this.whenFinished();
    }
  };

  /** For an answer without resolvers: Apollo refused the form of the request, or answered with a page. */
  private noteRefusal({ raw, id }: HttpRequest, status: number): void {
    if (status < 400) return;
    const { refusals, addressOf } = this.settings;
    const address = addressOf(raw);
    refusals.add({ kind: 'form', reason: `HTTP ${status}`, address, correlationId: id });
  }

  /** Resolves when no operation runs, including those of clients that hung up. */
  finished(): Promise<void> {
    if (this.operations === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.whenFinished = resolve;
    });
  }

  private async contextOf({ raw, id, principal: known }: HttpRequest): Promise<RequestContext> {
    const { admission, addressOf, hangUpOf } = this.settings;
    const address = addressOf(raw);
    const { authorization = null } = raw.headers;
    try {
      const principal = known === undefined ? await admission.admit(authorization, address) : known;
      return new RequestContext(this.settings, {
        principal,
        correlationId: id,
        address,
        signal: hangUpOf(raw),
        charge: admission.chargeOf(principal, address),
      });
    } catch (error) {
      throw toRequestError(error);
    }
  }
}

/** Without an `accept` header the answer is the same as with one of these values. */
const USUAL_ACCEPTS = new Set<string | undefined>([undefined, '*/*', 'application/json']);

/**
 * The headers that Apollo needs of a usual request. The body is JSON, a type that a page of another origin can't send
 * without a preflight, which this header attests.
 */
const USUAL_HEADERS = new HeaderMap([['apollo-require-preflight', 'true']]);

/** Has a fast path, because parsing `accept` and `content-type` costs more than the rest of the HTTP path. */
function headersForApollo({ method, headers }: IncomingMessage): HeaderMap {
  const usual = headers['content-type'] === 'application/json' && USUAL_ACCEPTS.has(headers.accept);
  return method === 'POST' && usual ? USUAL_HEADERS : toHeaderMap(headers);
}

function toHeaderMap(headers: IncomingMessage['headers']): HeaderMap {
  const map = new HeaderMap();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) map.set(name, Array.isArray(value) ? value.join(', ') : value);
  }
  return map;
}
