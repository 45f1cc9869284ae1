/**
 * The path of every request, in the order of the methods below: framing and path, the rules for pages of other origins,
 * route, admission by the headers, body, answer. There is no other path.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import type { Principal } from '../auth/principal.js';
import type { RefusalLog } from '../graphql/refusal-log.js';
import { internalError, refusal, sendAnswer, type HttpAnswer } from './answer.js';
import { Arrivals } from './arrivals.js';
import {
  crossOriginRules,
  isAllowedOrigin,
  isPreflight,
  type AllowedOrigin,
} from './cross-origin.js';
import { framingFault } from './framing.js';
import { parseBody, readBody } from './request-body.js';
import { malformedPath, pathOf } from './request-path.js';

export interface HttpRequest {
  readonly raw: IncomingMessage;
  /** The id of the request's log entries. */
  readonly id: string;
  /** The JSON of its body; undefined where it has none. */
  readonly body: unknown;
  /** Undefined where the route did not authenticate the request by its headers. */
  readonly principal: Principal | null | undefined;
}

export interface Route {
  readonly methods: ReadonlySet<string>;
  readonly answer: (request: HttpRequest) => Promise<HttpAnswer>;
  readonly admission?: {
    /** Null where `answer` decides. */
    readonly admit: (raw: IncomingMessage) => Promise<Principal | null> | null;
    /** @throws errors that are not refusals. */
    readonly answerToRefused: (error: unknown, raw: IncomingMessage) => HttpAnswer;
  };
}

interface Exchange {
  readonly raw: IncomingMessage;
  readonly id: string;
  readonly reply: (answer: HttpAnswer) => void;
  /** Replies and logs the refusal. */
  readonly refuse: (answer: HttpAnswer) => void;
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
      readonly corsOrigins: readonly AllowedOrigin[];
      readonly refusals: RefusalLog;
      readonly addressOf: (request: IncomingMessage) => string;
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
    const { refusals, addressOf } = this.settings;
    const refuse = (answer: HttpAnswer) => {
      const reason = `HTTP ${answer.status}`;
      refusals.add({ kind: 'form', reason, address: addressOf(raw), correlationId: id });
      reply(answer);
    };
    const exchange = { raw, id, reply, refuse };
    const fault = framingFault(raw);
    const path = pathOf(url);
    if (fault) refuse(fault);
    else if (path === null) refuse(malformedPath(url));
    else if (!this.applyCrossOriginRules) this.route(exchange, path);
    else if (raw.method === 'OPTIONS' && !isPreflight(raw)) refuse(noPreflight());
    else {
      this.noteForeignPreflight(exchange);
      response.setHeader('x-request-id', id);
      this.applyCrossOriginRules(raw, response, () => {
        this.route(exchange, path);
      });
    }
  };

  /** For a page of an origin that is not allowed: its browser then does not send the request. */
  private noteForeignPreflight({ raw, id }: Exchange): void {
    const { corsOrigins, refusals, addressOf } = this.settings;
    const { origin } = raw.headers;
    if (raw.method !== 'OPTIONS' || !origin || isAllowedOrigin(corsOrigins, origin)) return;
    const reason = 'A preflight from an origin that CORS_ORIGINS does not name.';
    refusals.add({ kind: 'origin', reason, address: addressOf(raw), correlationId: id });
  }

  private route(exchange: Exchange, path: string): void {
    const { raw, reply, refuse } = exchange;
    const route = this.settings.routes.get(path);
    if (!route?.methods.has(raw.method ?? '')) {
      refuse(refusal(404, 'Nothing is served here; send operations by POST to /graphql.'));
      return;
    }
    const admitted = route.admission?.admit(raw) ?? null;
    if (!admitted) {
      this.receive(exchange, route, undefined);
      return;
    }
    admitted
      .then(
        (principal) => {
          this.receive(exchange, route, principal);
        },
        (error: unknown) => {
          if (route.admission) reply(route.admission.answerToRefused(error, raw));
        },
      )
      .catch((error: unknown) => {
        this.fail(exchange, error);
      });
  }

  private receive(exchange: Exchange, route: Route, principal: HttpRequest['principal']): void {
    readBody(exchange.raw, (refused, bytes) => {
      if (refused) {
        exchange.refuse(refused);
        return;
      }
      this.arrivals.add(() => {
        this.answer(exchange, route, { bytes, principal });
      });
    });
  }

  private answer(
    exchange: Exchange,
    route: Route,
    received: { readonly bytes: Buffer | null; readonly principal: HttpRequest['principal'] },
  ): void {
    const { raw, id, reply, refuse } = exchange;
    const { refused, json } = parseBody(received.bytes);
    if (refused) {
      refuse(refused);
      return;
    }
    const { principal } = received;
    route.answer({ raw, id, body: json, principal }).then(reply, (error: unknown) => {
      this.fail(exchange, error);
    });
  }

  private fail({ id, reply }: Exchange, error: unknown): void {
    this.settings.log.error({ err: error, correlationId: id }, 'A request failed.');
    reply(internalError(id));
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
