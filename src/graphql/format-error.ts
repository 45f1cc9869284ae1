/**
 * The one place in which an error becomes what a client hears. What is in the table passes, under its code; all else is
 * `Internal error` with an id, and the whole truth is in the log under the same id. Nothing of SQL, Redis, hosts or
 * stacks leaves the process.
 */
import { randomUUID } from 'node:crypto';
import type { ApolloServerPlugin } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import { InvalidRequestError } from '../inventory/request-form.js';
import { IdempotencyKeyReusedError } from '../inventory/stock-request.js';
import { InvalidCursorError, StorageUnavailableError } from '../inventory/stock-store.js';
import type { RequestContext } from './context.js';

/** Faults of a whole request that GraphQL, Apollo or our own limits find before the domain is asked. */
const PASSING_CODES = new Set<unknown>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_SUPPORTED',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
]);

/** GraphQL puts it last, in errors of validation as in those of variables. */
const SUGGESTION = / ?Did you mean .*$/s;

interface Translation {
  readonly message: string;
  readonly extensions: { readonly code: string; readonly field?: string };
}

/** What the domain throws, as a message and extensions. Null: nothing that a client should hear of. */
function translate(error: unknown): Translation | null {
  if (error instanceof InvalidRequestError) {
    const { message, field } = error;
    return { message, extensions: { code: 'BAD_USER_INPUT', field } };
  }
  if (error instanceof InvalidCursorError) {
    return { message: error.message, extensions: { code: 'BAD_USER_INPUT' } };
  }
  if (error instanceof IdempotencyKeyReusedError) {
    return { message: error.message, extensions: { code: 'IDEMPOTENCY_KEY_REUSED' } };
  }
  if (error instanceof StorageUnavailableError) {
    return { message: error.message, extensions: { code: 'UNAVAILABLE' } };
  }
  return null;
}

export interface ErrorTable {
  /** Remembers to which request an error belongs, which Apollo does not tell `formatError`. */
  readonly plugin: ApolloServerPlugin<RequestContext>;
  readonly formatError: (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;
}

/** @param suggestions whether a misspelt name is told what it may have meant, which tells of the schema. */
export function createErrorTable(
  log: Logger,
  { suggestions }: { readonly suggestions: boolean },
): ErrorTable {
  const correlationIds = new WeakMap<object, string>();
  return {
    plugin: {
      requestDidStart: () =>
        Promise.resolve({
          didEncounterErrors: ({ errors, contextValue }) => {
            for (const error of errors) correlationIds.set(error, contextValue.correlationId);
            return Promise.resolve();
          },
        }),
    },
    formatError: (formatted, error) => {
      const cause = unwrapResolverError(error);
      const correlationId = correlationIds.get(error as object) ?? randomUUID();
      const translated = translate(cause);
      if (translated) {
        if (cause instanceof StorageUnavailableError) {
          log.warn({ err: cause, correlationId }, 'A request found no database.');
        }
        return { ...formatted, ...translated };
      }
      // A code counts only on an error of GraphQL itself: any library may throw something that has one.
      if (cause instanceof GraphQLError && PASSING_CODES.has(formatted.extensions?.code)) {
        const { message } = formatted;
        return suggestions ? formatted : { ...formatted, message: message.replace(SUGGESTION, '') };
      }
      log.error({ err: cause, correlationId }, 'A request met an error that nobody expected.');
      return {
        ...formatted,
        message: 'Internal error',
        extensions: { code: 'INTERNAL_SERVER_ERROR', correlationId },
      };
    },
  };
}
