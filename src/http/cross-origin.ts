/** CORS: which pages may read answers. Only browsers ask. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';

export type CrossOriginRules = (
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
) => void;

/** Sets headers on the response, and answers a preflight itself. Null: no page of another origin may read anything. */
export function crossOriginRules(origins: readonly string[]): CrossOriginRules | null {
  if (origins.length === 0) return null;
  return cors({
    origin: [...origins],
    methods: 'GET, POST',
    exposedHeaders: 'x-request-id, retry-after',
    maxAge: 600,
  });
}

export function isPreflight({ headers }: IncomingMessage): boolean {
  return Boolean(headers.origin && headers['access-control-request-method']);
}
