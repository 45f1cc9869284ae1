/**
 * Requests that offer an upgrade which the server does not take, as some clients offer HTTP/2 with their first request.
 *
 * Node emits `upgrade` for each of them and reads no more HTTP, so the request is passed to Node again without the
 * offer. Node can be told to ignore an offer (`shouldUpgradeCallback`), but then it drops the requests that arrived
 * together with it, up to 26.10 at least.
 */
import { ServerResponse, type IncomingMessage, type Server } from 'node:http';
import type { Socket } from 'node:net';

export interface Offer {
  readonly request: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  /** Whether the connection ends with the answer: Node gives it a new parser each time. */
  readonly closes: boolean;
}

export function serveWithoutUpgrade(http: Server, offer: Offer): void {
  const { request, socket, head, closes } = offer;
  if (isRead(request, socket)) {
    serveLast(http, offer);
    return;
  }
  const lines = [`${request.method ?? 'GET'} ${request.url ?? '/'} HTTP/${request.httpVersion}`];
  for (let i = 0; i + 1 < request.rawHeaders.length; i += 2) {
    const name = request.rawHeaders[i] ?? '';
    if (OFFERS.has(name.toLowerCase())) continue;
    lines.push(`${name}: ${request.rawHeaders[i + 1] ?? ''}`);
  }
  if (closes || /\bclose\b/i.test(request.headers.connection ?? '')) {
    lines.push('Connection: close');
  }
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), head]));
  http.emit('connection', socket);
}

const OFFERS = new Set(['upgrade', 'connection', 'http2-settings']);

/** From Node 25 on, the body of such a request is read as that of any other; before, it is in `head`. */
function isRead(request: IncomingMessage, socket: Socket): boolean {
  return request.socket !== socket || !request.complete || request.readableLength > 0;
}

function serveLast(http: Server, { request, socket }: Offer): void {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.assignSocket(socket);
  response.once('finish', () => socket.end());
  http.emit('request', request, response);
}
