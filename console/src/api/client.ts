/** The one way to the API: queries and mutations by HTTP, subscriptions by one WebSocket that reconnects by itself. */
import {
  Client,
  cacheExchange,
  fetchExchange,
  mapExchange,
  subscriptionExchange,
  type CombinedError,
  type ExecutionResult,
} from 'urql';
import { ConsoleViewerDocument } from '../generated/operations';
import { API_PATH, watchedFetch } from './connection';
import { credentials, noteRefused } from './session';
import { createSocket } from './socket';

export function createClient(): Client {
  const socket = createSocket(() => {
    // A WebSocket does not say why its credential was refused. The answer over HTTP does, and is handled below.
    void client.query(ConsoleViewerDocument, {}, { requestPolicy: 'network-only' }).toPromise();
  });
  const client = new Client({
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
  return client;
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
