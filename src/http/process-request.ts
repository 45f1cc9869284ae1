/**
 * The path of every request, in the order of the methods below: framing and path, the rules for pages of other origins,
 * route, admission by the headers, body, answer. There is no other path.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger } from 'pino';
import { clientAt } from '../auth/network.js';
import type { Principal } from '../auth/principal.js';
import type { RequestObserver } from '../graphql/context.js';
import type { RefusalLog } from '../graphql/refusal-log.js';
import { RateLimitedError } from '../rate-limit/request-limit.js';
import { systemClock } from '../time/clock.js';
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
import { answerToRefused } from './refused-answer.js';
import { malformedPath, pathOf } from './request-path.js';
import { Shares } from './shares.js';

export interface HttpRequest {
  readonly raw: IncomingMessage;
  /** The id of the request's log entries. */
  readonly id: string;
  /** When its headers had come, on the monotonic clock, in milliseconds. */
  readonly beganMs: number;
  /** The JSON of its body; undefined where it has none. */
  readonly body: unknown;
  /** Undefined where the route did not authenticate the request by its headers. */
  readonly principal: Principal | null | undefined;
}

export interface Route {
  readonly methods: ReadonlySet<string>;
  readonly answer: (request: HttpRequest) => Promise<HttpAnswer>;
  /** Null where `answer` decides. */
  readonly admit?: (raw: IncomingMessage) => Promise<Principal | null> | null;
}

/** By path. */
export interface Routes {
  get(path: string): Route | undefined;
}

interface Exchange {
  readonly raw: IncomingMessage;
  readonly response: ServerResponse;
  readonly id: string;
  readonly beganMs: number;
  readonly reply: (answer: HttpAnswer) => void;
  /** Replies and logs the refusal. */
  readonly refuse: (answer: HttpAnswer) => void;
}

/** An answer is made within milliseconds, so the next one has room soon. */
const UNDER_WAY_RETRY_AFTER_MS = 1_000;

const REQUEST_ID_FORM = /^[\w.:-]{1,128}$/;

export class RequestProcessor {
  private readonly arrivals = new Arrivals();
  private readonly applyCrossOriginRules;
  private readonly underWay: Shares;

  constructor(
    private readonly settings: {
      readonly log: Logger;
      /** Told of unexpected errors. */
      readonly observer?: RequestObserver | null;
      readonly routes: Routes;
      /** Origins whose pages may read answers. */
      readonly corsOrigins: readonly AllowedOrigin[];
      readonly refusals: RefusalLog;
      readonly addressOf: (request: IncomingMessage) => string;
      /** Requests of one principal, or without one of one address, at once. */
      readonly requestsMaxPerPrincipal: number;
      /** An answer was made, with a body of so many bytes. */
      readonly onAnswer: (response: ServerResponse, bytes: number) => void;
      /** Calls back when the answer is sent, or will never be. */
      readonly onceDone: (response: ServerResponse, callback: () => void) => void;
    },
  ) {
    this.underWay = new Shares(settings.requestsMaxPerPrincipal);
    this.applyCrossOriginRules = crossOriginRules(settings.corsOrigins);
  }

  readonly process = (raw: IncomingMessage, response: ServerResponse): void => {
    const { url = '' } = raw;
    const id = requestId(raw);
    const { refusals, addressOf, onAnswer } = this.settings;
    const reply = (answer: HttpAnswer) => {
      onAnswer(response, sendAnswer(response, id, answer));
    };
    const refuse = (answer: HttpAnswer) => {
      const reason = `HTTP ${answer.status}`;
      refusals.add({ kind: 'form', reason, address: addressOf(raw), correlationId: id });
      reply(answer);
    };
    const beganMs = systemClock.nowMs();
    const exchange = { raw, response, id, beganMs, reply, refuse };
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
    const admitted = route.admit?.(raw) ?? null;
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
          reply(answerToRefused(error, raw));
        },
      )
      .catch((error: unknown) => {
        this.fail(exchange, error);
      });
  }

  private receive(exchange: Exchange, route: Route, principal: HttpRequest['principal']): void {
    const client = this.takeShare(exchange, principal?.name ?? null);
    if (client === null) return;
    readBody(exchange.raw, (refused, bytes) => {
      if (refused) {
        exchange.refuse(refused);
        return;
      }
      this.arrivals.add(client, () => {
        this.answer(exchange, route, { bytes, principal });
      });
    });
  }

  /**
   * Counts the request until its connection is done with it.
   * @returns the client for which it counts; null where it is refused.
   */
  private takeShare(
    { raw, response, id, reply }: Exchange,
    principal: string | null,
  ): string | null {
    const { refusals, addressOf, onceDone } = this.settings;
    const key = principal ?? clientAt(addressOf(raw));
    if (this.underWay.take(key)) {
      onceDone(response, () => {
        this.underWay.giveBack(key);
      });
      return key;
    }
    const address = addressOf(raw);
    const reason = 'Too many requests are under way.';
    refusals.add({ kind: 'request-limit', reason, address, principal, correlationId: id });
    const error = new RateLimitedError(
      UNDER_WAY_RETRY_AFTER_MS,
      `At most ${this.underWay.max} requests may be under way at once; wait for the answers of others.`,
    );
    reply(answerToRefused(error, raw));
    return null;
  }

  private answer(
    exchange: Exchange,
    route: Route,
    received: { readonly bytes: Buffer | null; readonly principal: HttpRequest['principal'] },
  ): void {
    const { raw, id, beganMs, reply, refuse } = exchange;
    const { refused, json } = parseBody(received.bytes);
    if (refused) {
      refuse(refused);
      return;
    }
    const { principal } = received;
    route.answer({ raw, id, beganMs, body: json, principal }).then(reply, (error: unknown) => {
      this.fail(exchange, error);
    });
  }

  private fail({ id, reply }: Exchange, error: unknown): void {
    this.settings.log.error({ err: error, correlationId: id }, 'A request failed.');
    this.settings.observer?.unexpected?.();
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
