/** One try of an operation: a POST, and what its answer says about trying again. */
import { StockadeError, type GraphqlFault } from './stockade-error.js';

export type Headers = Readonly<Record<string, string>>;

export interface TransportSettings {
  /** As in `https://stock.example/graphql`. */
  readonly url: string;
  /** An API key or a JWT; a function is asked before each try. */
  readonly credential?: string | (() => string | Promise<string>) | undefined;
  readonly headers?: Headers | undefined;
  /** Instead of the global one. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

export interface Sent {
  readonly query: string;
  readonly operationName: string | null;
  readonly variables: Readonly<Record<string, unknown>>;
}

interface Body {
  readonly data?: Readonly<Record<string, unknown>> | null;
  readonly errors?: readonly GraphqlFault[];
}

/** By GraphQL over HTTP, for servers of which it is not known whether they have the newer type. */
const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';
/** Refusals of the server after which nothing has been applied, and which end by themselves. */
const REFUSALS = new Set(['RATE_LIMITED', 'OVERLOADED']);
/** Answers of proxies, or of a server that did not get the whole request in time. */
const PASSING_STATUSES = new Set([408, 429, 502, 503, 504]);
const REQUEST_NOT_TAKEN = new Set([408, 429]);

export class Transport {
  constructor(private readonly settings: TransportSettings) {}

  /** Value of the header `authorization`; undefined without a credential. */
  async authorization(): Promise<string | undefined> {
    const { credential } = this.settings;
    if (credential === undefined) return undefined;
    return `Bearer ${typeof credential === 'function' ? await credential() : credential}`;
  }

  /**
   * Sends it once.
   * @returns the data of an answer without errors.
   * @throws StockadeError for any other answer, and for none.
   */
  async send(sent: Sent, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const { url, headers, fetch = globalThis.fetch } = this.settings;
    const authorization = await this.authorization();
    let status: number | null = null;
    let text: string;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          ...headers,
          ...(authorization !== undefined && { authorization }),
          'content-type': 'application/json',
          accept: ACCEPT,
        },
        body: JSON.stringify(sent),
        signal,
      });
      status = response.status;
      text = await response.text();
      const body = bodyOf(text);
      if (body?.data && !body.errors) return body.data;
      throw failureOf(body, status, response.headers.get('retry-after'));
    } catch (error) {
      if (error instanceof StockadeError) throw error;
      throw new StockadeError(
        `No answer came from ${url}.`,
        {
          code: 'NETWORK',
          status,
          faults: [],
          retryable: true,
          retryAfterMs: null,
          mayHaveApplied: true,
        },
        { cause: error },
      );
    }
  }
}

function bodyOf(text: string): Body | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function failureOf(body: Body | null, status: number, retryAfter: string | null): StockadeError {
  const faults = body?.errors ?? [];
  const [first] = faults;
  const code = first?.extensions?.code ?? (first ? 'INTERNAL_SERVER_ERROR' : 'NETWORK');
  const isRefused = REFUSALS.has(code);
  const isUnknown = code === 'UNAVAILABLE' || (!first && !REQUEST_NOT_TAKEN.has(status));
  return new StockadeError(first?.message ?? `The answer has the status ${status} and no data.`, {
    code,
    status,
    faults,
    retryable: isRefused || code === 'UNAVAILABLE' || (!first && PASSING_STATUSES.has(status)),
    retryAfterMs: first?.extensions?.retryAfterMs ?? secondsToMs(retryAfter),
    mayHaveApplied: isUnknown || code === 'INTERNAL_SERVER_ERROR',
  });
}

function secondsToMs(header: string | null): number | null {
  const seconds = header === null || header === '' ? NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}
