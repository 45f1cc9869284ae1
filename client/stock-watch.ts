/**
 * The subscription `stockChanged`, for as long as the caller reads it. It reconnects by itself, and reads the stock
 * again where changes may have been missed: after each connection, and after StockChangesMissed.
 *
 * The protocol does not say when a subscription stands, and a new one does not repeat earlier changes. So after each
 * connection the stock is read twice, the second time when the subscription stands for sure.
 */
import { createClient, type Client, type ClientOptions } from 'graphql-ws/client';
import { Backoff, type BackoffBounds } from '../src/time/backoff.js';
import type {
  ProductsWithLevelsQuery,
  StockChangedSubscription,
  StockChangedSubscriptionVariables,
} from './generated/operations.js';

type StockEvent = StockChangedSubscription['stockChanged'];
export type StockChange = Extract<StockEvent, { __typename: 'StockChange' }>;
export type ProductStock = ProductsWithLevelsQuery['products']['nodes'][number];

/** What a watcher gets: stock that was read, and changes of levels, in the order in which they are to be applied. */
export type StockNews =
  | { readonly kind: 'read'; readonly products: readonly ProductStock[] }
  | { readonly kind: 'changed'; readonly change: StockChange };

export interface WatchSettings {
  readonly webSocketUrl: string;
  readonly query: string;
  readonly authorization: () => Promise<string | undefined>;
  /** A page of products with their levels. */
  readonly read: (
    variables: { readonly first: number; readonly after: string | null; readonly filter: object },
    signal: AbortSignal,
  ) => Promise<ProductsWithLevelsQuery['products']>;
  readonly backoff: BackoffBounds;
  readonly webSocketImpl: ClientOptions['webSocketImpl'];
}

const PAGE = 100;
/** Longer than a server takes to begin a subscription. */
const SETTLED_MS = 1_000;

/** Ends with the signal, or when its reader ends. It throws where the server refuses the subscription. */
export async function* watchStock(
  settings: WatchSettings,
  variables: StockChangedSubscriptionVariables,
  signal: AbortSignal | undefined,
): AsyncGenerator<StockNews, void, undefined> {
  const watch = new Watch(settings, variables);
  const end = () => {
    watch.end();
  };
  signal?.addEventListener('abort', end, { once: true });
  if (signal?.aborted) end();
  try {
    for (;;) {
      const news = await watch.next();
      if (!news) return;
      yield news;
    }
  } finally {
    signal?.removeEventListener('abort', end);
    end();
  }
}

class Watch {
  private readonly client: Client;
  private readonly ended = new AbortController();
  private readonly changes: StockChange[] = [];
  private readonly pages: (readonly ProductStock[])[] = [];
  /** Changes wait while the stock is read, for they are applied to what was read. */
  private reading = 0;
  private readAgain = false;
  private failure: { readonly error: unknown } | null = null;
  private settled: ReturnType<typeof setTimeout> | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly settings: WatchSettings,
    private readonly variables: StockChangedSubscriptionVariables,
  ) {
    const { webSocketUrl: url, authorization, backoff, webSocketImpl } = settings;
    const pauses = new Backoff(backoff, Math.random);
    this.client = createClient({
      url,
      webSocketImpl,
      connectionParams: async () => {
        const credential = await authorization();
        return credential === undefined ? {} : { authorization: credential };
      },
      retryAttempts: Infinity,
      shouldRetry: () => !this.ended.signal.aborted,
      retryWait: () => new Promise((resolve) => setTimeout(resolve, pauses.nextMs())),
      on: {
        connected: () => {
          pauses.reset();
          this.startReading();
          clearTimeout(this.settled);
          this.settled = setTimeout(() => {
            this.startReading();
          }, SETTLED_MS);
        },
      },
    });
    this.client.subscribe<StockChangedSubscription>(
      { query: settings.query, variables: { ...variables } },
      {
        next: ({ data, errors }) => {
          if (errors) this.fail(errors);
          else if (data?.stockChanged.__typename === 'StockChange') {
            this.changes.push(data.stockChanged);
            this.wake();
          } else this.startReading();
        },
        error: (error) => {
          this.fail(error);
        },
        complete: () => {
          this.end();
        },
      },
    );
  }

  /** Null: the watch has ended. */
  async next(): Promise<StockNews | null> {
    for (;;) {
      if (this.ended.signal.aborted) {
        if (this.failure) throw toError(this.failure.error);
        return null;
      }
      const products = this.pages.shift();
      if (products) return { kind: 'read', products };
      const change = this.reading > 0 ? undefined : this.changes.shift();
      if (change) return { kind: 'changed', change };
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  end(): void {
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    clearTimeout(this.settled);
    void this.client.dispose();
    this.wake();
  }

  private fail(error: unknown): void {
    if (this.ended.signal.aborted) return;
    this.failure = { error };
    this.end();
  }

  /** Reads under way did not see what is missed now: they are followed by another one. */
  private startReading(): void {
    if (this.reading > 0) {
      this.readAgain = true;
      return;
    }
    this.reading += 1;
    this.readAll()
      .catch((error: unknown) => {
        this.fail(error);
      })
      .finally(() => {
        this.reading -= 1;
        if (this.readAgain && !this.ended.signal.aborted) {
          this.readAgain = false;
          this.startReading();
        }
        this.wake();
      });
  }

  private async readAll(): Promise<void> {
    const { productIds = null } = this.variables;
    const filter = productIds === null ? {} : { ids: productIds };
    let after: string | null = null;
    do {
      const page = await this.settings.read({ first: PAGE, after, filter }, this.ended.signal);
      this.pages.push(page.nodes);
      this.wake();
      after = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
    } while (after !== null && !this.ended.signal.aborted);
  }
}

function toError(error: unknown): Error {
  if (error instanceof Error) return error;
  const [first] = Array.isArray(error) ? (error as readonly { readonly message?: string }[]) : [];
  const message = first?.message ?? 'The subscription was refused.';
  return new Error(message, { cause: error });
}
