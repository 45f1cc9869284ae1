/**
 * The subscription of a watch on its WebSocket. A connection that is lost is followed by another one, and so is a
 * subscription that is refused for a time.
 *
 * A browser does not tell why a WebSocket did not open. So before each connection the same server is asked over HTTP:
 * that waits while the server is away, and ends the watch where the server refuses the credential, or where the address
 * is not the server's.
 */
import { createClient, type Client, type ClientOptions } from 'graphql-ws/client';
import { Backoff, type BackoffBounds } from '../src/time/backoff.js';
import type {
  StockChangedSubscription,
  StockChangedSubscriptionVariables,
} from './generated/operations.js';
import { StockadeError, type GraphqlFault } from './stockade-error.js';
import { failureOf, withoutAnswer } from './transport.js';

const PING_INTERVAL_MS = 10_000;
/** A network that swallows bytes closes nothing; only the answer that does not come tells. */
const ANSWER_MS_MAX = 10_000;
/** Longer than a server takes to begin a subscription. */
const SETTLED_MS = 1_000;
/** Of a WebSocket that has never been open though HTTP is answered, as behind a proxy that passes none on. */
const FIRST_TRIES_MAX = 10;
/** The protocol's code for a refused credential. */
const FORBIDDEN = 4403;
/** From here on the codes are the protocol's. */
const PROTOCOL_CODES = 4400;

export interface SocketSettings {
  readonly webSocketUrl: string;
  readonly webSocketImpl: ClientOptions['webSocketImpl'];
  readonly query: string;
  readonly variables: StockChangedSubscriptionVariables;
  readonly authorization: () => Promise<string | undefined>;
  readonly backoff: BackoffBounds;
  /** Resolves when the server answers over HTTP; rejects with a StockadeError where it refuses for good. */
  readonly answers: () => Promise<unknown>;
}

export interface SocketEvents {
  readonly changed: (event: StockChangedSubscription['stockChanged']) => void;
  /** Changes may have been missed; also after each connection, and again when the subscription stands for sure. */
  readonly missed: () => void;
  /** Without an error where the server has ended the subscription. */
  readonly ended: (error: StockadeError | null) => void;
}

export class StockSocket {
  private readonly client: Client;
  private readonly pauses: Backoff;
  private isEnded = false;
  private wasOpen = false;
  /** Before it was open for the first time. */
  private failedTries = 0;
  /** In a row. */
  private refusals = 0;
  /** The subscription was refused for a time, and nothing tells yet that it stands now. */
  private isRefused = false;
  private pausing: ReturnType<typeof setTimeout> | undefined;
  private answering: ReturnType<typeof setTimeout> | undefined;
  private settling: ReturnType<typeof setTimeout> | undefined;
  private unsubscribe: () => void = () => undefined;

  constructor(
    private readonly settings: SocketSettings,
    private readonly events: SocketEvents,
  ) {
    const { webSocketUrl: url, authorization, backoff, webSocketImpl } = settings;
    this.pauses = new Backoff(backoff, Math.random);
    this.client = createClient({
      url,
      webSocketImpl,
      connectionParams: async () => {
        const credential = await authorization();
        return credential === undefined ? {} : { authorization: credential };
      },
      keepAlive: PING_INTERVAL_MS,
      retryAttempts: Infinity,
      shouldRetry: (event) => this.mayTryAgain(event),
      retryWait: async () => {
        await this.pause(0);
        await this.untilAnswered();
      },
      on: this.listeners(),
    });
    void this.start();
  }

  end(): void {
    this.isEnded = true;
    for (const timer of [this.pausing, this.answering, this.settling]) clearTimeout(timer);
    // The connection ends with its only subscription.
    this.unsubscribe();
  }

  private async start(): Promise<void> {
    await this.untilAnswered();
    if (!this.isEnded) this.subscribe();
  }

  private listeners(): NonNullable<ClientOptions['on']> {
    const answered = () => {
      clearTimeout(this.answering);
    };
    const expectAnswer = () => {
      answered();
      if (this.isEnded) return;
      this.answering = setTimeout(() => {
        this.client.terminate();
      }, ANSWER_MS_MAX);
    };
    return {
      opened: () => {
        this.wasOpen = true;
        expectAnswer();
      },
      connected: () => {
        answered();
        this.refusals = 0;
        this.settle();
      },
      ping: (isReceived) => {
        if (!isReceived) expectAnswer();
      },
      pong: (isReceived) => {
        if (isReceived) answered();
      },
      closed: () => {
        answered();
        clearTimeout(this.settling);
      },
    };
  }

  private settle(): void {
    if (this.isEnded) return;
    // A read for each refusal would use up what the server lacks.
    if (!this.isRefused) this.events.missed();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => {
      this.isRefused = false;
      this.pauses.reset();
      this.events.missed();
    }, SETTLED_MS);
  }

  private subscribe(): void {
    const { query, variables } = this.settings;
    this.unsubscribe = this.client.subscribe<StockChangedSubscription>(
      { query, variables: { ...variables } },
      {
        next: ({ data, errors }) => {
          if (data && !errors) this.events.changed(data.stockChanged);
          else this.lose(failureOf(errors ?? [], null));
        },
        error: (reason) => {
          if (isRefusal(reason)) void this.subscribeAgain(failureOf(reason, null));
          else this.fail(reason instanceof StockadeError ? reason : lossOf(reason));
        },
        complete: () => {
          if (this.isEnded) return;
          this.end();
          this.events.ended(null);
        },
      },
    );
  }

  /** The subscription goes on after an event that could not be resolved. */
  private lose(failure: StockadeError): void {
    if (failure.retryable) this.events.missed();
    else this.fail(failure);
  }

  private async subscribeAgain(refusal: StockadeError): Promise<void> {
    if (!refusal.retryable) {
      this.fail(refusal);
      return;
    }
    this.isRefused = true;
    clearTimeout(this.settling);
    await this.pause(refusal.retryAfterMs ?? 0);
    this.subscribe();
  }

  /** A refused credential is tried once more, for a function gives another one where the last has run out. */
  private mayTryAgain(event: unknown): boolean {
    if (this.isEnded) return false;
    this.failedTries += 1;
    if (codeOf(event) === FORBIDDEN) this.refusals += 1;
    return this.refusals < 2 && (this.wasOpen || this.failedTries < FIRST_TRIES_MAX);
  }

  private async untilAnswered(): Promise<void> {
    try {
      await this.settings.answers();
    } catch (error) {
      this.fail(error as StockadeError);
    }
  }

  /** Never ends where the watch ends before. */
  private pause(leastMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.isEnded) return;
      this.pausing = setTimeout(resolve, leastMs + this.pauses.nextMs());
    });
  }

  private fail(error: StockadeError): void {
    if (this.isEnded) return;
    this.end();
    this.events.ended(error);
  }
}

/** The errors of GraphQL with which the server refuses the subscription; all else is an event of the WebSocket. */
function isRefusal(reason: unknown): reason is readonly GraphqlFault[] {
  return Array.isArray(reason);
}

function lossOf(event: unknown): StockadeError {
  const code = codeOf(event);
  const details = { status: null, mayHaveApplied: false };
  if (code === FORBIDDEN) {
    const message = 'The server takes the credential over HTTP, and refuses it over a WebSocket.';
    return withoutAnswer(message, { code: 'UNAUTHENTICATED', retryable: false, ...details }, event);
  }
  const retryable = code === null || code < PROTOCOL_CODES;
  const message = `The WebSocket does not stay open${code === null ? '' : `: it closes with ${code}`}.`;
  return withoutAnswer(message, { code: 'NETWORK', retryable, ...details }, event);
}

function codeOf(event: unknown): number | null {
  const { code } = (event ?? {}) as { readonly code?: unknown };
  return typeof code === 'number' ? code : null;
}
