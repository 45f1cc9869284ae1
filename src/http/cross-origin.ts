/** CORS: which pages may read answers. Only browsers ask. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import cors from 'cors';

export type CrossOriginRules = (
  request: IncomingMessage,
  response: ServerResponse,
  next: () => void,
) => void;

/** As a browser sends it, or a form of it. */
export type AllowedOrigin = string | RegExp;

/** Pages of this machine, on any port: in development they are served by another program than the API. */
export const LOCAL_ORIGIN =
  /^https?:\/\/(?:(?:[\w-]+\.)?localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/;

export function isAllowedOrigin(allowed: readonly AllowedOrigin[], origin: string): boolean {
  return allowed.some((one) => (typeof one === 'string' ? one === origin : one.test(origin)));
}

/** Sets headers on the response, and answers a preflight itself. Null: no page of another origin may read anything. */
export function crossOriginRules(origins: readonly AllowedOrigin[]): CrossOriginRules | null {
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
