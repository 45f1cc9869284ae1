/** The path of a request's URL: with its escapes resolved, without search and, in a URL that is absolute, origin. */
import { refusal, type HttpAnswer } from './answer.js';

const ORIGIN = /^https?:\/\/[^/?#]*/i;
const END = /[?#]/;

/** Null where an escape is not UTF-8. `%2F` and the like stay escaped: they separate nothing. */
export function pathOf(url: string): string | null {
  const local = url.startsWith('/') ? url : url.replace(ORIGIN, '');
  const end = local.search(END);
  const path = end < 0 ? local : local.slice(0, end);
  if (!path.includes('%')) return path;
  try {
    return decodeURI(path);
  } catch {
    return null;
  }
}

export function malformedPath(url: string): HttpAnswer {
  return refusal(400, `The path must be percent-encoded UTF-8; got ${url}`);
}
