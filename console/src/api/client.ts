/** The one way to the API: queries and mutations by HTTP, subscriptions by one WebSocket that reconnects by itself. */
import { createClient as createSocket } from 'graphql-ws';
import {
  Client,
  cacheExchange,
  fetchExchange,
  mapExchange,
  subscriptionExchange,
  type CombinedError,
  type ExecutionResult,
} from 'urql';
import { API_PATH, noteLost, watchedFetch } from './connection';
import { credentials, noteRefused } from './session';

const RETRY_MS = 1_000;
const NORMAL_CLOSURE = 1000;
/** The protocol's code for a refused credential. */
const FORBIDDEN = 4403;

export function createClient(): Client {
  const socket = createSocket({
    url: `${location.origin.replace(/^http/, 'ws')}${API_PATH}`,
    connectionParams: credentials,
    retryAttempts: Infinity,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, RETRY_MS)),
    // A refused credential is not tried again: the next request over HTTP tells the same.
    shouldRetry: (event) => (event as { readonly code?: number }).code !== FORBIDDEN,
    on: {
      closed: (event) => {
        const { code = NORMAL_CLOSURE } = event as { readonly code?: number };
        // 44xx: the server has refused; all others but a normal end are losses.
        if (code !== NORMAL_CLOSURE && (code < 4400 || code >= 4500)) noteLost();
      },
    },
  });
  return new Client({
    url: API_PATH,
    fetch: watchedFetch,
    fetchOptions: () => ({ headers: credentials() }),
    preferGetMethod: false,
    exchanges: [
      mapExchange({
        onError: (error) => {
          if (codeOf(error) === 'UNAUTHENTICATED') noteRefused(messageOf(error));
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request) => ({
          subscribe: ({ next, error, complete }) => ({
            unsubscribe: socket.subscribe(
              { ...request, query: request.query ?? '' },
              {
                // The two packages name the same answer differently.
                next: (result) => {
                  next(result as ExecutionResult);
                },
                error,
                complete,
              },
            ),
          }),
        }),
      }),
    ],
  });
}

/** The code of the first error, as in `FORBIDDEN`; null where the server did not answer. */
export function codeOf(error: CombinedError | undefined): string | null {
  const code = error?.graphQLErrors[0]?.extensions.code;
  return typeof code === 'string' ? code : null;
}

/** The input field that the server names as wrong. */
export function fieldOf(error: CombinedError): string | null {
  const field = error.graphQLErrors[0]?.extensions.field;
  return typeof field === 'string' ? field : null;
}

export function messageOf(error: CombinedError): string {
  const [first] = error.graphQLErrors;
  return first?.message ?? 'The server did not answer.';
}
