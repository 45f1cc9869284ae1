/**
 * Requests of the plainest form, which is what a sale sends: JSON by POST, its length said beforehand, and nothing that
 * asks for a second look. Whatever has more to it is not plain, and is answered by the full HTTP server.
 */
import type { IncomingMessage } from 'node:http';

/** Of these, an `accept` that is left out gets the same answer. */
const PLAIN_ACCEPTS = new Set<string | undefined>([undefined, '*/*', 'application/json']);

/** @param bodyBytesMax longer bodies are for the full server to refuse. */
export function isPlain(
  { method, url, headers }: IncomingMessage,
  path: string,
  bodyBytesMax: number,
): boolean {
  if (method !== 'POST' || url !== path || !speaksPlainJson(headers)) return false;
  const length = Number(headers['content-length']);
  return (
    length > 0 &&
    length <= bodyBytesMax &&
    headers['content-encoding'] === undefined &&
    // A browser's page: which answers it may read is not decided here.
    headers.origin === undefined
  );
}

/** Whether the media types are the usual ones, word for word: those need no reading by the book. */
export function speaksPlainJson(headers: IncomingMessage['headers']): boolean {
  return headers['content-type'] === 'application/json' && PLAIN_ACCEPTS.has(headers.accept);
}

/**
 * Reads a body whose length was said: Node's parser neither takes more nor ends with less. Where the client goes before
 * its end, nothing is called, for there is nobody to answer.
 */
export function readBody(request: IncomingMessage, onBody: (body: Buffer) => void): void {
  let body: Buffer | undefined;
  request.on('data', (chunk: Buffer) => {
    body = body ? Buffer.concat([body, chunk]) : chunk;
  });
  request.on('end', () => {
    onBody(body ?? Buffer.alloc(0));
  });
  request.on('error', () => undefined);
}
