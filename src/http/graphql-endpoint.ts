/** One operation by HTTP: its principal, the request in Apollo's terms, and Apollo's answer. */
import type { IncomingMessage } from 'node:http';
import { HeaderMap, type ApolloServer } from '@apollo/server';
import { RequestContext, type RequestSettings } from '../graphql/context.js';
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

  readonly answer = async ({ raw, id, body }: HttpRequest): Promise<HttpAnswer> => {
    const url = raw.url ?? '';
    this.operations += 1;
    try {
      const answer = await this.settings.apollo.executeHTTPGraphQLRequest({
        httpGraphQLRequest: {
          method: raw.method ?? '',
          headers: headersForApollo(raw),
          search: url.includes('?') ? url.slice(url.indexOf('?')) : '',
          body,
        },
        context: () => this.contextOf(raw, id),
      });
      if (answer.body.kind !== 'complete') throw new Error('An answer in parts is not supported.');
      return { status: answer.status ?? 200, headers: answer.headers, body: answer.body.string };
    } finally {
      this.operations -= 1;
      if (this.operations === 0) this.whenFinished();
    }
  };

  /** Resolves when no operation runs, whether or not a client still waits for its answer. */
  finished(): Promise<void> {
    if (this.operations === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.whenFinished = resolve;
    });
  }

  private async contextOf(request: IncomingMessage, id: string): Promise<RequestContext> {
    const { admission, addressOf, hangUpOf } = this.settings;
    try {
      const { authorization = null } = request.headers;
      const principal = await admission.admit(authorization, addressOf(request));
      const signal = hangUpOf(request);
      return new RequestContext(this.settings, { principal, correlationId: id, signal });
    } catch (error) {
      throw toRequestError(error);
    }
  }
}

/** Of these, an `accept` that is left out gets the same answer. */
const USUAL_ACCEPTS = new Set<string | undefined>([undefined, '*/*', 'application/json']);

/**
 * What the usual headers mean to Apollo. The body is known to be JSON; a page of another origin can't send that type
 * without a preflight, which is what this header stands for.
 */
const USUAL_HEADERS = new HeaderMap([['apollo-require-preflight', 'true']]);

/** Parsing `accept` and `content-type` costs more than the rest of a request's way through HTTP. */
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
