/** Node's server with all its bounds: the size of a request, and the time in which it must arrive. */
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { refuseConnection } from './answer.js';
import { giveAtFirstByte } from './first-byte.js';
import { Connections, type ConnectionSettings } from './connections.js';

const HEADER_BYTES_MAX = 16_384;
/** From the first byte of a request. */
const HEADERS_TIMEOUT_MS = 5_000;
const BODY_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;
/**
 * Longer than load balancers keep an idle connection, so that none is closed under a request on its way. Also before a
 * connection's first request.
 */
const KEEP_ALIVE_MS = 72_000;

/** A server that listens nowhere yet; its owner adds the listener of its requests. */
export function createHttpServer(settings: ConnectionSettings): {
  readonly server: Server;
  readonly connections: Connections;
} {
  const server = createServer({
    requestTimeout: BODY_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: HEADERS_TIMEOUT_MS,
    connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
    // framing.ts checks the Host: Node answers a missing one without a body and drops a second one silently.
    requireHostHeader: false,
    joinDuplicateHeaders: true,
  });
  giveAtFirstByte(server, KEEP_ALIVE_MS);
  // The bounds above count; Node's older one would cut answers that take long.
  server.setTimeout(0);
  // Bounded by their bytes; beyond a number, Node would drop headers silently.
  server.maxHeadersCount = 0;
  const { refusals } = settings;
  const connections = new Connections(server, settings);
  // Refused on the one path of all requests.
  server.on('checkExpectation', (request, response) => server.emit('request', request, response));
  server.on('connect', (_request, socket: Socket) => {
    refusals.add({ kind: 'form', reason: 'CONNECT', address: socket.remoteAddress ?? null });
    connections.afterAnswers(socket, () => {
      refuseConnection(socket, { status: '501 Not Implemented', message: 'This is no proxy.' });
    });
  });
  server.on('clientError', (error: ParserError, socket: Socket) => {
    // Bytes behind the last request of a connection: its answer closes the connection.
    if (error.code === 'HPE_CLOSED_CONNECTION') return;
    // More bytes of a connection that is refused already.
    if (connections.isEnding(socket) && !socket.destroyed) return;
    if (error.code !== 'ECONNRESET') {
      const { code: reason = 'no HTTP' } = error;
      // The address of the connection: what the request says of its client could not be read.
      refusals.add({ kind: 'form', reason, address: socket.remoteAddress ?? null });
    }
    connections.afterAnswers(socket, () => {
      refuseBrokenRequest(error, socket);
    });
  });
  return { server, connections };
}

interface ParserError extends Error {
  readonly code?: string;
  readonly reason?: string;
}

/** Called by Node with the bare connection when its bytes are not a valid request. */
function refuseBrokenRequest(
  { code = '', reason = 'unknown error' }: ParserError,
  socket: Socket,
): void {
  if (code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const refused = BROKEN_REQUESTS[code];
  const message = `The request is not well-formed HTTP/1.1: ${reason}.`;
  refuseConnection(socket, refused ?? { status: '400 Bad Request', message });
}

const BROKEN_REQUESTS: Readonly<Record<string, { status: string; message: string }>> = {
  HPE_HEADER_OVERFLOW: {
    status: '431 Request Header Fields Too Large',
    message: `Headers must have at most ${HEADER_BYTES_MAX.toLocaleString('en-US')} bytes together.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: '408 Request Timeout',
    message:
      `Headers must arrive within ${HEADERS_TIMEOUT_MS / 1_000} s ` +
      `and the whole request within ${BODY_TIMEOUT_MS / 1_000} s.`,
  },
};
