/** One try of an operation: a POST, and what its answer says about trying again. */
import { StockadeError, type FailureDetails, type GraphqlFault } from './stockade-error.js';

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
/** Of a server or a proxy that did not get the whole request in time, or did not take it. */
const REQUEST_NOT_TAKEN = new Set<number | null>([408, 429]);
/** Of proxies that got no answer of their server. */
const PASSING_STATUSES = new Set<number | null>([502, 503, 504]);

export class Transport {
  constructor(private readonly settings: TransportSettings) {}

  /**
   * Value of the header `authorization`; undefined without a credential.
   * @throws StockadeError where the function that gives the credential throws.
   */
  async authorization(): Promise<string | undefined> {
    const { credential } = this.settings;
    if (credential === undefined) return undefined;
    try {
      return `Bearer ${typeof credential === 'function' ? await credential() : credential}`;
    } catch (error) {
      throw notSent('The function that gives the credential has failed.', error);
    }
  }

  /**
   * Sends it once.
   * @returns the data of an answer without errors.
   * @throws StockadeError for any other answer, and for none.
   */
  async send(sent: Sent, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const { url, fetch = globalThis.fetch } = this.settings;
    const request = this.requestOf(sent, await this.authorizationUntil(signal));
    let status: number | null = null;
    try {
      const response = await fetch(url, { ...request, signal });
      status = response.status;
      const body = bodyOf(await response.text());
      if (body?.data && !body.errors) return body.data;
      throw failureOf(body?.errors ?? [], status, response.headers.get('retry-after'));
    } catch (error) {
      if (error instanceof StockadeError) throw error;
      const details = { status, retryable: true, mayHaveApplied: true };
      throw withoutAnswer(`No answer came from ${url}.`, { code: 'NETWORK', ...details }, error);
    }
  }

  /** A credential that comes too late is not waited for, and nothing is sent then. */
  private async authorizationUntil(signal: AbortSignal): Promise<string | undefined> {
    try {
      return await unlessAborted(signal, () => this.authorization());
    } catch (error) {
      if (error instanceof StockadeError) throw error;
      const details = { status: null, retryable: true, mayHaveApplied: false };
      const message = 'The time was up before anything was sent.';
      throw withoutAnswer(message, { code: 'NETWORK', ...details }, error);
    }
  }

  /** @throws StockadeError where no try could send it: it has no JSON, or the URL or a header is not well-formed. */
  private requestOf(sent: Sent, authorization: string | undefined) {
    const { url, headers, fetch } = this.settings;
    try {
      const request = {
        method: 'POST',
        headers: {
          ...headers,
          ...(authorization !== undefined && { authorization }),
          'content-type': 'application/json',
          accept: ACCEPT,
        },
        body: JSON.stringify(sent),
      };
      // The global fetch fails in the same way for these and for a network that is down.
      if (!fetch) new Request(url, request);
      return request;
    } catch (error) {
      throw notSent(`No request to ${url} can be made of this.`, error);
    }
  }
}

function notSent(message: string, cause: unknown): StockadeError {
  const details = { status: null, retryable: false, mayHaveApplied: false };
  return withoutAnswer(message, { code: 'NOT_SENT', ...details }, cause);
}

export function withoutAnswer(
  message: string,
  details: Omit<FailureDetails, 'faults' | 'retryAfterMs'>,
  cause: unknown,
): StockadeError {
  return new StockadeError(message, { ...details, faults: [], retryAfterMs: null }, { cause });
}

/** Settles as the work does; rejects when the signal is aborted, before the work begins or while it goes on. */
function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const end = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      end();
      return;
    }
    signal.addEventListener('abort', end, { once: true });
    work()
      .then(resolve, reject)
      .finally(() => {
        signal.removeEventListener('abort', end);
      });
  });
}

function bodyOf(text: string): Body | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

/** @param status null: it came over a WebSocket. */
export function failureOf(
  faults: readonly GraphqlFault[],
  status: number | null,
  retryAfter: string | null = null,
): StockadeError {
  const [first] = faults;
  const code = first?.extensions?.code ?? (first ? 'INTERNAL_SERVER_ERROR' : 'NETWORK');
  const isRefused = REFUSALS.has(code);
  const isNotTaken = REQUEST_NOT_TAKEN.has(status);
  const isUnknown = code === 'UNAVAILABLE' || (!first && !isNotTaken);
  const isPassing = isNotTaken || (!first && PASSING_STATUSES.has(status));
  return new StockadeError(first?.message ?? `The answer has the status ${status} and no data.`, {
    code,
    status,
    faults,
    retryable: isRefused || code === 'UNAVAILABLE' || isPassing,
    retryAfterMs: first?.extensions?.retryAfterMs ?? secondsToMs(retryAfter),
    mayHaveApplied: isUnknown || code === 'INTERNAL_SERVER_ERROR',
  });
}

function secondsToMs(header: string | null): number | null {
  const seconds = header === null || header === '' ? NaN : Number(header);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : null;
}
