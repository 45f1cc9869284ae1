/** HTTP responses. A refusal has the shape of GraphQL's own errors, so that clients parse all errors in one way. */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly body: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const JSON_HEADERS = [['content-type', JSON_TYPE]] as const;
const LAST_HEADERS = [...JSON_HEADERS, ['connection', 'close']] as const;

export function jsonAnswer(status: number, value: object): HttpAnswer {
  return { status, headers: JSON_HEADERS, body: JSON.stringify(value) };
}

export function refusal(status: number, message: string): HttpAnswer {
  return jsonAnswer(status, badRequest(message));
}

/** A refusal after which the connection closes, because its next bytes may not begin a request. */
export function lastRefusal(status: number, message: string): HttpAnswer {
  return { ...refusal(status, message), headers: LAST_HEADERS };
}

/** @param correlationId the id of the error's log entry. */
export function internalError(correlationId: string): HttpAnswer {
  const extensions = { code: 'INTERNAL_SERVER_ERROR', correlationId };
  return jsonAnswer(500, { errors: [{ message: 'Internal error', extensions }] });
}

export function sendAnswer(
  response: ServerResponse,
  requestId: string,
  { status, headers, body }: HttpAnswer,
): void {
  const all: Record<string, string | number> = { 'x-request-id': requestId };
  for (const [name, value] of headers) all[name] = value;
  all['content-length'] = Buffer.byteLength(body);
  response.writeHead(status, all).end(body);
}

/** How long a refused client may keep its connection open to read why. */
const LINGER_MS = 1_000;

/** Refuses on a connection that has no request to reply to, and closes it. */
export function refuseConnection(
  socket: Duplex,
  { status, message }: { readonly status: string; readonly message: string },
): void {
  const body = JSON.stringify(badRequest(message));
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: ${JSON_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
  // Closed with bytes unread, the network may drop the answer before the client reads it.
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}

function badRequest(message: string): object {
  return { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] };
}
