/** Reads a body: JSON in UTF-8 of at most 100 kB, not compressed. Any other body is refused. */
import { isUtf8 } from 'node:buffer';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import rawBody, { type RawBodyError } from 'raw-body';
import { parse } from 'secure-json-parse';
import { lastRefusal, refusal, type HttpAnswer } from './answer.js';

export const BODY_BYTES_MAX = 102_400;

/** Calls back once with the body, null where there is none; not at all where the client hangs up before its end. */
export function readBody(
  request: IncomingMessage,
  onRead: (refused: HttpAnswer | null, bytes: Buffer | null) => void,
): void {
  const { method, headers } = request;
  if (method === 'GET' || method === 'HEAD' || hasNoBody(headers)) {
    onRead(null, null);
    return;
  }
  const refusedUnread = refusalOf(headers);
  if (refusedUnread) {
    onRead(refusedUnread, null);
    return;
  }
  const length = headers['content-length'] ?? null;
  const onBytes = (error: RawBodyError | null, bytes: Buffer) => {
    if (!error) onRead(null, bytes);
    else if (error.type === 'entity.too.large') onRead(tooLarge(length), null);
  };
  rawBody(request, { length, limit: BODY_BYTES_MAX }, onBytes);
}

/** Whether the unread rest of the body may exceed the bound. */
export function isOfUnknownSize(headers: IncomingHttpHeaders): boolean {
  const { 'content-length': length, 'transfer-encoding': coding } = headers;
  return coding !== undefined || Number(length ?? 0) > BODY_BYTES_MAX;
}

export function parseBody(bytes: Buffer | null): {
  readonly refused: HttpAnswer | null;
  readonly json: unknown;
} {
  if (bytes === null) return { refused: null, json: undefined };
  // Decoding would replace the invalid bytes silently, and two different keys would become one.
  if (!isUtf8(bytes)) return refused('The body is not valid UTF-8.');
  if (bytes.length === 0) return refused('The body is empty; send JSON with a "query".');
  try {
    return { refused: null, json: parse(bytes.toString('utf8')) };
  } catch (error) {
    return refused(`The body is not valid JSON: ${(error as Error).message}.`);
  }
}

function refused(message: string): { readonly refused: HttpAnswer; readonly json: undefined } {
  return { refused: lastRefusal(400, message), json: undefined };
}

function hasNoBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'] ?? '0';
  return (
    length === '0' &&
    headers['content-type'] === undefined &&
    headers['transfer-encoding'] === undefined
  );
}

function refusalOf(headers: IncomingHttpHeaders): HttpAnswer | null {
  const type = headers['content-type'];
  if (type !== 'application/json' && !isJson(type)) {
    return refusal(
      415,
      `Content-Type must be application/json; got ${type === undefined ? 'none' : JSON.stringify(type)}.`,
    );
  }
  const encoding = headers['content-encoding'] ?? 'identity';
  if (encoding === 'identity') return null;
  const message = `The body must not be compressed; got Content-Encoding ${JSON.stringify(encoding)}.`;
  return lastRefusal(415, message);
}

/** Parameters are ignored: JSON has no charset but UTF-8, and a body that is not UTF-8 is refused. */
function isJson(type = ''): boolean {
  return type.split(';', 1)[0]?.trim().toLowerCase() === 'application/json';
}

function tooLarge(length: string | null): HttpAnswer {
  const most = BODY_BYTES_MAX.toLocaleString('en-US');
  return lastRefusal(413, `The body must have at most ${most} bytes; got ${length ?? 'more'}.`);
}
