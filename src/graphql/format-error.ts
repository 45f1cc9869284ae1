/**
 * The table from errors to what a client gets. An error in the table passes under its code. Every other one becomes
 * `Internal error` with an id, and the log has it whole under the same id: no SQL, host or stack leaves the process.
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
import { InvalidCursorError } from '../inventory/pages.js';
import { CallerGoneError, StorageUnavailableError } from '../inventory/stock-store.js';
import { RateLimitedError } from '../rate-limit/request-limit.js';
import type { RequestContext, RequestObserver } from './context.js';
import { ForbiddenError } from './permissions.js';
import type { Refusal, RefusalLog } from './refusal-log.js';

/** Codes of GraphQL, Apollo and our limits for a whole request, before it reaches the domain. */
const PASSING_CODES = new Set<unknown>([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'PERSISTED_QUERY_NOT_FOUND',
  'QUERY_NOT_IN_SAFELIST',
  'BAD_REQUEST',
  'BAD_USER_INPUT',
]);

/** How soon a caller may try again whose credential could not be verified. */
const CREDENTIALS_RETRY_S = 1;

/** The end of GraphQL's messages, in errors of validation and of variables. */
const SUGGESTION = / ?Did you mean .*$/s;

interface Translation {
  readonly message: string;
  readonly extensions: {
    readonly code: string;
    readonly field?: string;
    readonly retryAfterMs?: number;
  };
  /** For an error that refuses the whole request before anything of it runs. */
  readonly http?: { readonly status: number; readonly headers?: Readonly<Record<string, string>> };
}

/** Null: the error is not in the table. */
function translate(error: unknown): Translation | null {
  if (error instanceof InvalidRequestError) {
    const { message, field } = error;
    return { message, extensions: { code: 'BAD_USER_INPUT', field } };
  }
  if (error instanceof InvalidCursorError) return withCode('BAD_USER_INPUT', error);
  if (error instanceof IdempotencyKeyReusedError) return withCode('IDEMPOTENCY_KEY_REUSED', error);
  if (error instanceof StorageUnavailableError) return withCode('UNAVAILABLE', error);
  return translateRefusal(error);
}

function withCode(code: string, { message }: Error): Translation {
  return { message, extensions: { code } };
}

/** The errors that refuse a whole request: authentication, scopes, rate limits. */
function translateRefusal(error: unknown): Translation | null {
  if (error instanceof UnauthenticatedError) {
    const headers = { 'www-authenticate': 'Bearer realm="stockade"' };
    return { ...withCode('UNAUTHENTICATED', error), http: { status: 401, headers } };
  }
  if (error instanceof ForbiddenError) {
    return { ...withCode('FORBIDDEN', error), http: { status: 403 } };
  }
  if (error instanceof RateLimitedError || error instanceof TooManyFailuresError) {
    const { message, retryAfterMs } = error;
    const headers = { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) };
    const extensions = { code: 'RATE_LIMITED', retryAfterMs };
    return { message, extensions, http: { status: 429, headers } };
  }
  if (error instanceof AuthenticationUnavailableError) {
    // Its own message may name what is not reachable.
    const message = 'Credentials cannot be verified now. Try again.';
    const headers = { 'retry-after': String(CREDENTIALS_RETRY_S) };
    return { message, extensions: { code: 'UNAVAILABLE' }, http: { status: 503, headers } };
  }
  return null;
}

/** The answer to a request that is refused before its body is read; null for any other error. */
export function answerToRefused(error: unknown): {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
} | null {
  const translated = translateRefusal(error);
  if (!translated?.http) return null;
  const { message, extensions, http } = translated;
  const { status, headers = {} } = http;
  return { status, headers, body: { errors: [{ message, extensions }] } };
}

/** A refusal outside of resolvers, as Apollo expects it: with the HTTP status and headers of the answer. */
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
  /** Remembers the request of each error, which Apollo does not pass to `formatError`. */
  readonly plugin: ApolloServerPlugin<RequestContext>;
  readonly formatError: (formatted: GraphQLFormattedError, error: unknown) => GraphQLFormattedError;
  /** What Apollo does with the errors of an operation, for one that it did not execute itself. */
  readonly format: (errors: readonly GraphQLError[], context: RequestContext) => FormattedErrors;
}

export interface FormattedErrors {
  readonly errors: GraphQLFormattedError[];
  /** The HTTP status and headers that errors ask for. */
  readonly http: { status?: number; readonly headers: HeaderMap };
}

export interface ErrorTableSettings {
  readonly log: Logger;
  readonly refusals: Pick<RefusalLog, 'add'>;
  /** Told of unexpected errors. */
  readonly observer?: RequestObserver | null;
  /** Whether messages keep GraphQL's "Did you mean …?", which reveals names of the schema. */
  readonly suggestions: boolean;
}

export function createErrorTable(settings: ErrorTableSettings): ErrorTable {
  const { log, refusals, observer, suggestions } = settings;
  const correlationIds = new WeakMap<object, string>();
  const note = (errors: readonly GraphQLError[], context: RequestContext) => {
    for (const error of errors) correlationIds.set(error, context.correlationId);
    if (errors[0]) context.fails(codeOf(errors[0]));
    const refusal = refusalIn(errors, context);
    if (refusal) refusals.add(refusal);
  };
  const listener: GraphQLRequestListener<RequestContext> = {
    didEncounterErrors: ({ errors, contextValue }) => {
      note(errors, contextValue);
      return Promise.resolve();
    },
  };
  const table: ErrorTable = {
    plugin: { requestDidStart: () => Promise.resolve(listener) },
    format: (errors, context) => {
      note(errors, context);
      const http: FormattedErrors['http'] = { headers: new HeaderMap() };
      return {
        errors: errors.map((error) => table.formatError(withCodeAndHttp(error, http), error)),
        http,
      };
    },
    formatError: (formatted, error) => {
      const cause = toCause(unwrapResolverError(error));
      const correlationId = correlationIds.get(error as object) ?? randomUUID();
      const translated = translate(cause);
      if (translated) {
        if (cause instanceof CallerGoneError) {
          log.debug({ correlationId }, 'A caller has hung up before its answer.');
        } else if (cause instanceof StorageUnavailableError) {
          log.warn({ err: cause, correlationId }, 'A request could not reach the database.');
        }
        const { message, extensions } = translated;
        return { ...formatted, message, extensions };
      }
      // Only a GraphQLError: other libraries throw errors with a code, too.
      if (cause instanceof GraphQLError && PASSING_CODES.has(formatted.extensions?.code)) {
        const { message } = formatted;
        return suggestions ? formatted : { ...formatted, message: message.replace(SUGGESTION, '') };
      }
      if (isClientsFault(cause)) {
        return { ...formatted, extensions: { code: 'BAD_REQUEST' } };
      }
      log.error({ err: cause, correlationId }, 'A request failed with an unexpected error.');
      observer?.unexpected?.();
      return {
        ...formatted,
        message: 'Internal error',
        extensions: { code: 'INTERNAL_SERVER_ERROR', correlationId },
      };
    },
  };
  return table;
}

/** The code that `formatError` gives it. */
function codeOf(error: GraphQLError): string {
  const cause = toCause(unwrapResolverError(error));
  const translated = translate(cause);
  if (translated) return translated.extensions.code;
  const isGraphql = cause instanceof GraphQLError;
  if (isGraphql && PASSING_CODES.has(cause.extensions.code)) return String(cause.extensions.code);
  return isClientsFault(cause) ? 'BAD_REQUEST' : 'INTERNAL_SERVER_ERROR';
}

/** Apollo gives some refusals of persisted queries a status and no code. */
function isClientsFault(cause: unknown): boolean {
  if (!(cause instanceof GraphQLError) || cause.extensions.code !== undefined) return false;
  const { http } = cause.extensions;
  return isHttpHead(http) && http.status === 400;
}

/** As Apollo gives an error to `formatError`: its HTTP status and headers are the answer's, and it has a code. */
function withCodeAndHttp(
  error: GraphQLError,
  answer: FormattedErrors['http'],
): GraphQLFormattedError {
  const { http, ...extensions } = error.extensions;
  if (isHttpHead(http)) {
    if (http.status !== undefined) answer.status = http.status;
    for (const [name, value] of http.headers ?? []) answer.headers.set(name, value);
  }
  const { code = 'INTERNAL_SERVER_ERROR' } = extensions;
  return { ...error.toJSON(), extensions: { ...extensions, code } };
}

function isHttpHead(
  http: unknown,
): http is { readonly status?: number; readonly headers?: ReadonlyMap<string, string> } {
  if (typeof http !== 'object' || http === null) return false;
  const { status, headers } = http as { readonly status?: unknown; readonly headers?: unknown };
  const isStatus = status === undefined || typeof status === 'number';
  return isStatus && (headers === undefined || headers instanceof Map);
}

/** Null where no error is a refusal. Refused credentials and rates are logged where they are refused. */
export function refusalIn(
  errors: readonly GraphQLError[],
  context: Pick<RequestContext, 'correlationId' | 'address' | 'caller'>,
): Refusal | null {
  for (const error of errors) {
    const cause = toCause(unwrapResolverError(error));
    const translated = translate(cause);
    const code =
      translated?.extensions.code ?? (cause instanceof GraphQLError && cause.extensions.code);
    const isForm = PASSING_CODES.has(code) || code === 'IDEMPOTENCY_KEY_REUSED';
    if (!(cause instanceof ForbiddenError) && !isForm) continue;
    const { correlationId, address, caller } = context;
    return {
      kind: isForm ? 'form' : 'scope',
      reason: isForm ? String(code) : (translated?.message ?? ''),
      address,
      principal: caller.principal,
      correlationId,
    };
  }
  return null;
}

/** Undoes `toRequestError`. */
function toCause(error: unknown): unknown {
  const original = error instanceof GraphQLError ? error.originalError : undefined;
  return original && translateRefusal(original) ? original : error;
}
