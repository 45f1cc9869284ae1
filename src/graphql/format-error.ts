/**
 * The one place in which an error becomes what a client hears. What is in the table passes, under its code; all else is
 * `Internal error` with an id, and the whole truth is in the log under the same id. Nothing of SQL, Redis, hosts or
 * stacks leaves the process.
 */
import { randomUUID } from 'node:crypto';
import { HeaderMap, type ApolloServerPlugin, type GraphQLRequestListener } from '@apollo/server';
import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import type { Logger } from 'pino';
import {
  AuthenticationUnavailableError,
  TooManyFailuresError,
  UnauthenticatedError,
} from '../auth/principal.js';
import { InvalidRequestError } from '../inventory/operation.js';
import { IdempotencyKeyReusedError } from '../inventory/stock-request.js';
import { InvalidCursorError, StorageUnavailableError } from '../inventory/stock-store.js';
import { RateLimitedError } from '../rate-limit/request-limit.js';
import type { RequestContext } from './context.js';
import { ForbiddenError } from './permissions.js';

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
  readonly extensions: {
    readonly code: string;
    readonly field?: string;
    readonly retryAfterMs?: number;
  };
  /** Where it is of the whole request, before anything of it has run. */
  readonly http?: { readonly status: number; readonly headers?: Readonly<Record<string, string>> };
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
  return translateRefusal(error);
}

/** What is refused for who asks it, or how often. */
function translateRefusal(error: unknown): Translation | null {
  if (error instanceof UnauthenticatedError) {
    const headers = { 'www-authenticate': 'Bearer realm="stockade"' };
    const { message, code } = error;
    return { message, extensions: { code }, http: { status: 401, headers } };
  }
  if (error instanceof ForbiddenError) {
    const { message, code } = error;
    return { message, extensions: { code }, http: { status: 403 } };
  }
  if (error instanceof RateLimitedError || error instanceof TooManyFailuresError) {
    const { message, retryAfterMs } = error;
    const headers = { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) };
    const extensions = { code: 'RATE_LIMITED', retryAfterMs };
    return { message, extensions, http: { status: 429, headers } };
  }
  if (error instanceof AuthenticationUnavailableError) {
    const message = 'Nobody can be authenticated now; try again.';
    return { message, extensions: { code: 'UNAVAILABLE' }, http: { status: 503 } };
  }
  return null;
}

/** A refusal as Apollo takes it where there is no resolver: with the status and the headers of the answer. */
export function toRequestError(error: unknown): unknown {
  const translated = translateRefusal(error);
  if (!translated?.http || !(error instanceof Error)) return error;
  const { status, headers = {} } = translated.http;
  return new GraphQLError(translated.message, {
    originalError: error,
    extensions: {
      ...translated.extensions,
      http: { status, headers: new HeaderMap(Object.entries(headers)) },
    },
  });
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
  const listener: GraphQLRequestListener<RequestContext> = {
    didEncounterErrors: ({ errors, contextValue }) => {
      for (const error of errors) correlationIds.set(error, contextValue.correlationId);
      return Promise.resolve();
    },
  };
  return {
    plugin: { requestDidStart: () => Promise.resolve(listener) },
    formatError: (formatted, error) => {
      const cause = toCause(unwrapResolverError(error));
      const correlationId = correlationIds.get(error as object) ?? randomUUID();
      const translated = translate(cause);
      if (translated) {
        if (cause instanceof StorageUnavailableError) {
          log.warn({ err: cause, correlationId }, 'A request found no database.');
        }
        if (cause instanceof AuthenticationUnavailableError) {
          log.warn({ err: cause, correlationId }, 'A request could not be authenticated.');
        }
        const { message, extensions } = translated;
        return { ...formatted, message, extensions };
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

/** A refusal that was made an error of GraphQL for its status. */
function toCause(error: unknown): unknown {
  const original = error instanceof GraphQLError ? error.originalError : undefined;
  return original && translateRefusal(original) ? original : error;
}
