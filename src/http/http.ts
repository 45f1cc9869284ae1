/**
 * HTTP as it is needed here and no more: JSON in, JSON out, also where something is wrong with the request itself.
 * Bodies, headers and the time in which they must arrive are bounded.
 */
import { isUtf8 } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import cors from '@fastify/cors';
import {
  fastify,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify';
import type { Logger } from 'pino';
import { isPlain, readBody } from './plain-requests.js';

export const BODY_BYTES_MAX = 102_400;
const HEADER_BYTES_MAX = 16_384;
const HEADERS_TIMEOUT_MS = 5_000;
const BODY_TIMEOUT_MS = 10_000;
const TIMEOUT_CHECK_INTERVAL_MS = 1_000;
/** Longer than load balancers keep an idle connection, so that none is closed under a request on its way. */
const KEEP_ALIVE_MS = 72_000;
const REQUEST_ID_FORM = /^[\w.:-]{1,128}$/;

/** Sandbox in a browser talks to us from Apollo's pages. */
export const SANDBOX_ORIGINS = [
  'https://studio.apollographql.com',
  'https://sandbox.embed.apollographql.com',
] as const;

export interface HttpRequest {
  readonly raw: IncomingMessage;
  /** By which it is found in the log. */
  readonly id: string;
  /** The JSON of its body, where it has one. */
  readonly body: unknown;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly body: string;
}

/** What is asked so often that Fastify's way of a request would be a good part of its cost. */
export interface PlainRoute {
  readonly path: string;
  /** Hooks of Fastify don't see these requests. */
  readonly answer: (request: HttpRequest) => Promise<HttpAnswer>;
}

/** @param settings.plain answers the plain requests among those to its path; the others are Fastify's to route. */
export async function createHttp(settings: {
  readonly log: Logger;
  readonly corsOrigins: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly plain: PlainRoute;
}): Promise<FastifyInstance> {
  const { log, corsOrigins, trustedProxies, plain } = settings;
  const app = fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    serverFactory: (throughFastify) => {
      const server = createServer(
        {
          requestTimeout: BODY_TIMEOUT_MS,
          keepAliveTimeout: KEEP_ALIVE_MS,
          headersTimeout: HEADERS_TIMEOUT_MS,
          connectionsCheckingInterval: TIMEOUT_CHECK_INTERVAL_MS,
          maxHeaderSize: HEADER_BYTES_MAX,
        },
        (request, response) => {
          if (isPlain(request, plain.path, BODY_BYTES_MAX)) answerPlainly(request, response);
          else throughFastify(request, response);
        },
      );
      // The limits above are those that count; Node's older one would cut answers that take long.
      return server.setTimeout(0);
    },
    // While draining, what still arrives on an open connection is answered, and the connection closed.
    return503OnClosing: false,
    // Anybody can write X-Forwarded-For; only a proxy that is known is believed.
    trustProxy: trustedProxies.length > 0 && [...trustedProxies],
    requestIdHeader: false,
    genReqId: requestId,
    frameworkErrors: (error, request, reply) => {
      void reply.header('x-request-id', request.id);
      void answer(reply, error.statusCode ?? 400, badRequest(error.message));
    },
    clientErrorHandler: answerBrokenRequest,
  });
  app.addHook('onRequest', (request, reply, done) => {
    void reply.header('x-request-id', request.id);
    done();
  });
  const parseJson = app.getDefaultJsonParser('error', 'error');
  acceptJsonAlone(app, parseJson);
  const answerPlainly = plainListener(plain, parseJson, log);
  app.setErrorHandler((error: FastifyError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status < 500) return answer(reply, status, badRequest(error.message));
    log.error({ err: error, correlationId: request.id }, 'A request could not be answered.');
    return answer(reply, 500, internalError(request.id));
  });
  app.setNotFoundHandler((_request, reply) =>
    answer(reply, 404, badRequest('There is nothing here; the API is at /graphql.')),
  );
  if (corsOrigins.length > 0) {
    await app.register(cors, {
      origin: [...corsOrigins],
      methods: ['GET', 'POST'],
      exposedHeaders: ['x-request-id', 'retry-after'],
      maxAge: 600,
    });
  }
  return app;
}

function requestId({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID_FORM.test(given) ? given : randomUUID();
}

const JSON_TYPE = 'application/json; charset=utf-8';

function answer(reply: FastifyReply, status: number, body: string): FastifyReply {
  return reply.code(status).type(JSON_TYPE).send(body);
}

/** The shape of GraphQL's own errors, so that a client has one way of reading them. */
function badRequest(message: string): string {
  return JSON.stringify({ errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] });
}

function internalError(correlationId: string): string {
  const extensions = { code: 'INTERNAL_SERVER_ERROR', correlationId };
  return JSON.stringify({ errors: [{ message: 'Internal error', extensions }] });
}

class UnacceptableBodyError extends Error {
  constructor(
    readonly statusCode: 400 | 415,
    message: string,
  ) {
    super(message);
    this.name = 'UnacceptableBodyError';
  }
}

type ParseJson = ReturnType<FastifyInstance['getDefaultJsonParser']>;

function acceptJsonAlone(app: FastifyInstance, parseJson: ParseJson): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    (request: FastifyRequest, body: Buffer, done) => {
      const encoding = request.headers['content-encoding'] ?? 'identity';
      if (encoding !== 'identity') {
        done(new UnacceptableBodyError(415, 'Compressed bodies are not accepted.'));
      } else {
        const read = parseBody(body, parseJson);
        done(read.error, read.body);
      }
    },
  );
}

interface ReadBody {
  readonly error: (Error & { readonly statusCode?: number }) | null;
  readonly body?: unknown;
}

function parseBody(bytes: Buffer, parseJson: ParseJson): ReadBody {
  if (!isUtf8(bytes)) {
    // Decoding would replace the broken bytes silently, and two different keys would become one.
    return { error: new UnacceptableBodyError(400, 'The body is not valid UTF-8.') };
  }
  let read: ReadBody | undefined;
  // Fastify's parser asks nothing of the request that it is given, and is done when it returns.
  void parseJson(undefined as unknown as FastifyRequest, bytes.toString('utf8'), (error, body) => {
    read = { error, body };
  });
  if (!read) throw new Error('The parser of JSON gave no result.');
  return read;
}

/** Answers a plain request as Fastify would, with the same headers and the same refusals. */
function plainListener(
  plain: PlainRoute,
  parseJson: ParseJson,
  log: Logger,
): (request: IncomingMessage, response: ServerResponse) => void {
  const begin = (raw: IncomingMessage, response: ServerResponse, bytes: Buffer) => {
    const id = requestId(raw);
    const sendAnswer = (answer: HttpAnswer) => {
      send(response, id, answer);
    };
    const { error, body } = parseBody(bytes, parseJson);
    if (error) {
      response.setHeader('connection', 'close');
      sendAnswer(refusal(error.statusCode ?? 400, error.message));
      return;
    }
    plain.answer({ raw, id, body }).then(sendAnswer, (failure: unknown) => {
      log.error({ err: failure, correlationId: id }, 'A request could not be answered.');
      sendAnswer({ status: 500, headers: JSON_HEADERS, body: internalError(id) });
    });
  };
  const arrivals = new Arrivals();
  return (raw, response) => {
    readBody(raw, (bytes) => {
      arrivals.add(() => {
        begin(raw, response, bytes);
      });
    });
  };
}

/**
 * Begins together what has arrived in one turn of the event loop. Node reads one connection after another and runs each
 * request to its first wait before it reads the next, so each would ask for its lock in a command of its own.
 */
class Arrivals {
  private waiting: (() => void)[] = [];

  add(begin: () => void): void {
    if (this.waiting.push(begin) > 1) return;
    setImmediate(() => {
      const all = this.waiting;
      this.waiting = [];
      for (const each of all) each();
    });
  }
}

const JSON_HEADERS = [['content-type', JSON_TYPE]] as const;

function refusal(status: number, message: string): HttpAnswer {
  return { status, headers: JSON_HEADERS, body: badRequest(message) };
}

function send(response: ServerResponse, id: string, { status, headers, body }: HttpAnswer): void {
  const all: Record<string, string | number> = { 'x-request-id': id };
  for (const [name, value] of headers) all[name] = value;
  all['content-length'] = Buffer.byteLength(body);
  response.writeHead(status, all).end(body);
}

/** A request so broken that there is no request yet: Node hands over the bare connection. */
function answerBrokenRequest(error: Error & { readonly code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message] = BROKEN_REQUESTS[error.code ?? ''] ?? ['400 Bad Request', 'Not HTTP.'];
  endBareConnection(socket, { status, message });
}

/** Answers where there is no request to reply to, and closes the connection. */
export function endBareConnection(
  socket: Socket,
  { status, message }: { readonly status: string; readonly message: string },
): void {
  const body = badRequest(message);
  socket.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: ${JSON_TYPE}\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

const BROKEN_REQUESTS: Readonly<Record<string, readonly [status: string, message: string]>> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
};
