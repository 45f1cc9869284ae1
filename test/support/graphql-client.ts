/** A client of the tests' own: one POST for each operation, and nothing that would retry behind a test's back. */
import { Agent, request } from 'node:http';
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import { print, visit, type GraphQLFormattedError } from 'graphql';

export interface GraphqlResponse<Data> {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const texts = new WeakMap<object, string>();
const leftOut = new Set<string>();

/** From now on no operation asks for these fields: a server of an earlier version does not know them. */
export function leaveOut(fields: readonly string[]): void {
  for (const field of fields) leftOut.add(field);
}

/**
 * Sends the operation. Rejects where the connection breaks or the signal hangs up; what became of the operation is
 * then unknown, as it is to any client.
 */
export async function send<Data, Variables>(
  graphqlUrl: string,
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
  options: { readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {},
): Promise<GraphqlResponse<Data>> {
  let query = texts.get(document);
  if (query === undefined) {
    query = print(
      visit(document, {
        Field: ({ name }) => (leftOut.has(name.value) ? null : undefined),
        InlineFragment: {
          leave: ({ selectionSet }) => (selectionSet.selections.length === 0 ? null : undefined),
        },
      }),
    );
    texts.set(document, query);
  }
  return post<Data>(graphqlUrl, JSON.stringify({ query, variables }), options);
}

export function post<Data>(
  url: string,
  body: string | Buffer,
  options: { readonly signal?: AbortSignal; readonly headers?: Record<string, string> } = {},
): Promise<GraphqlResponse<Data>> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      url,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          ...options.headers,
        },
        ...(options.signal && { signal: options.signal }),
      },
      (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('error', reject);
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8');
          try {
            const parsed = JSON.parse(text) as Omit<GraphqlResponse<Data>, 'status' | 'headers'>;
            resolve({ ...parsed, status: incoming.statusCode ?? 0, headers: incoming.headers });
          } catch {
            reject(
              new Error(`Not JSON, status ${String(incoming.statusCode)}: ${text.slice(0, 200)}`),
            );
          }
        });
      },
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

/** The data of an operation that must have none of GraphQL's errors. */
export function dataOf<Data>(response: GraphqlResponse<Data>): Data {
  if (response.errors || !response.data) {
    throw new Error(`The operation failed: ${JSON.stringify(response.errors)}`);
  }
  return response.data;
}

/** Ends the connections that were kept, so that a test file leaves nothing open. */
export function closeClient(): void {
  agent.destroy();
}
