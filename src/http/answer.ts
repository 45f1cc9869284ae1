/** HTTP responses. A refusal has the shape of GraphQL's own errors, so that clients parse all errors in one way. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export interface HttpAnswer<Body extends string | Uint8Array = string | Uint8Array> {
  readonly status: number;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly body: Body;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const JSON_HEADERS = [['content-type', JSON_TYPE]] as const;
const LAST_HEADERS = [...JSON_HEADERS, ['connection', 'close']] as const;

export function jsonAnswer(status: number, value: object): HttpAnswer<string> {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

export function refusal(status: number, message: string): HttpAnswer {
  return jsonAnswer(status, badRequest(message));
}

/** A refusal after which the connection closes, because its next bytes may not begin a request. */
export function lastRefusal(status: number, message: string): HttpAnswer {
  return { ...refusal(status, message), headers: LAST_HEADERS };
}

/** For a client that may be served later. It closes its connection. */
export function overloadedAnswer(message: string): HttpAnswer {
  const headers = [...LAST_HEADERS, ['retry-after', String(RETRY_AFTER_S)] as const];
  return { ...jsonAnswer(503, overloaded(message)), headers };
}

/** @param correlationId the id of the error's log entry. */
export function internalError(correlationId: string): HttpAnswer {
  const extensions = { code: 'INTERNAL_SERVER_ERROR', correlationId };
  return jsonAnswer(500, { errors: [{ message: 'Internal error', extensions }] });
}

/**
 * @param requestId null where the request was not looked at.
 * @returns the bytes of the body.
 */
export function sendAnswer(
  response: ServerResponse,
  requestId: string | null,
  { status, headers, body }: HttpAnswer,
): number {
  const all: Record<string, string | number> = {};
  if (requestId !== null) all['x-request-id'] = requestId;
  for (const [name, value] of headers) all[name] = value;
  const bytes = Buffer.byteLength(body);
  // It would be the length of what the client has already.
  if (status !== NOT_MODIFIED) all['content-length'] = bytes;
  response.writeHead(status, all).end(body);
  return bytes;
}

/** How long a refused client may keep its connection open to read why. */
const LINGER_MS = 1_000;

const NOT_MODIFIED = 304;
const RETRY_AFTER_S = 1;
const UNAVAILABLE = '503 Service Unavailable';

/** Refuses on a connection that has no request to reply to, and closes it. */
export function refuseConnection(
  socket: Duplex,
  { status, message }: { readonly status: string; readonly message: string },
): void {
  const mayRetry = status === UNAVAILABLE;
  const body = JSON.stringify(mayRetry ? overloaded(message) : badRequest(message));
  const retry = mayRetry ? `Retry-After: ${RETRY_AFTER_S}\r\n` : '';
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\n${retry}Content-Type: ${JSON_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // Closed with bytes unread, the network may drop the answer before the client reads it.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function overloaded(message: string): object {
  const extensions = { code: 'OVERLOADED', retryAfterMs: RETRY_AFTER_S * 1_000 };
  return { errors: [{ message: `${message} Try again later.`, extensions }] };
}

function badRequest(message: string): object {
  return { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] };
}
