/**
 * The path of every request, in the order of the methods below: framing and path, the rules for pages of other origins,
 * route, body, answer. There is no other path.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { internalError, refusal, sendAnswer, type HttpAnswer } from './answer.js';
import { Arrivals } from './arrivals.js';
import { crossOriginRules, isPreflight } from './cross-origin.js';
import { framingFault } from './framing.js';
import { parseBody, readBody } from './request-body.js';
import { malformedPath, pathOf } from './request-path.js';

export interface HttpRequest {
  readonly raw: IncomingMessage;
  /** The log tells of the request under this id. */
  readonly id: string;
  /** The JSON of its body; undefined where it has none. */
  readonly body: unknown;
}

export interface Route {
  readonly methods: ReadonlySet<string>;
  readonly answer: (request: HttpRequest) => Promise<HttpAnswer>;
}

interface Exchange {
  readonly raw: IncomingMessage;
  readonly id: string;
  readonly reply: (answer: HttpAnswer) => void;
}

const REQUEST_ID_FORM = /^[\w.:-]{1,128}$/;

export class RequestProcessor {
  private readonly arrivals = new Arrivals();
  private readonly applyCrossOriginRules;

  constructor(
    private readonly settings: {
      readonly log: Logger;
      /** By path. */
      readonly routes: ReadonlyMap<string, Route>;
      /** Origins whose pages may read answers. */
      readonly corsOrigins: readonly string[];
    },
  ) {
    this.applyCrossOriginRules = crossOriginRules(settings.corsOrigins);
  }

  readonly process = (raw: IncomingMessage, response: ServerResponse): void => {
    const { url = '' } = raw;
    const id = requestId(raw);
    const reply = (answer: HttpAnswer) => {
      sendAnswer(response, id, answer);
    };
    const fault = framingFault(raw);
    const path = pathOf(url);
    if (fault) reply(fault);
    else if (path === null) reply(malformedPath(url));
    else if (!this.applyCrossOriginRules) this.route({ raw, id, reply }, path);
    else if (raw.method === 'OPTIONS' && !isPreflight(raw)) reply(noPreflight());
    else {
      response.setHeader('x-request-id', id);
      this.applyCrossOriginRules(raw, response, () => {
        this.route({ raw, id, reply }, path);
      });
    }
  };

  private route(exchange: Exchange, path: string): void {
    const { raw, reply } = exchange;
    const route = this.settings.routes.get(path);
    if (!route?.methods.has(raw.method ?? '')) {
      reply(refusal(404, 'Nothing is served here; send operations by POST to /graphql.'));
      return;
    }
    readBody(raw, (refused, bytes) => {
      if (refused) {
        reply(refused);
        return;
      }
      this.arrivals.add(() => {
        this.answer(exchange, route, bytes);
      });
    });
  }

  private answer({ raw, id, reply }: Exchange, route: Route, bytes: Buffer | null): void {
    const { refused, json } = parseBody(bytes);
    if (refused) {
      reply(refused);
      return;
    }
    route.answer({ raw, id, body: json }).then(reply, (error: unknown) => {
      this.settings.log.error({ err: error, correlationId: id }, 'A request failed.');
      reply(internalError(id));
    });
  }
}

function requestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id'];
  return typeof given === 'string' && REQUEST_ID_FORM.test(given) ? given : randomUUID();
}

function noPreflight(): HttpAnswer {
  const message = 'A preflight needs the headers Origin and Access-Control-Request-Method.';
  return refusal(400, message);
}
