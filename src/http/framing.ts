/**
 * Refuses requests with an ambiguous end or host that Node's parser accepts. A proxy in
 * front may read such a request differently, and an attacker may use the difference (request smuggling).
 */
import type { IncomingMessage } from 'node:http';
import { lastRefusal, refusal, type HttpAnswer } from './answer.js';

/** For a server with `joinDuplicateHeaders`: without it, Node drops the second of two Host headers. */
export function framingFault(request: IncomingMessage): HttpAnswer | null {
  const { headers, httpVersion, httpVersionMajor, httpVersionMinor } = request;
  if (httpVersionMajor !== 1) {
    return lastRefusal(505, `This server speaks HTTP/1.1; got HTTP/${httpVersion}.`);
  }
  const { host } = headers;
  if (host === undefined ? httpVersionMinor > 0 : host.includes(',') && hostsIn(request) > 1) {
    const hosts = hostsIn(request);
    return lastRefusal(400, `A request needs exactly one Host header; got ${hosts}.`);
  }
  const { expect } = headers;
  if (expect !== undefined && expect.toLowerCase() !== '100-continue') {
    return refusal(417, `The only expectation that is met is 100-continue; got ${expect}.`);
  }
  const coding = headers['transfer-encoding'];
  if (coding === undefined) return null;
  if (httpVersionMinor === 0) {
    return lastRefusal(400, 'HTTP/1.0 has no Transfer-Encoding; send a Content-Length.');
  }
  return coding.toLowerCase() === 'chunked'
    ? null
    : lastRefusal(501, `The only Transfer-Encoding is chunked; got ${JSON.stringify(coding)}.`);
}

function hostsIn({ rawHeaders }: IncomingMessage): number {
  return rawHeaders.filter((name, i) => i % 2 === 0 && name.toLowerCase() === 'host').length;
}
