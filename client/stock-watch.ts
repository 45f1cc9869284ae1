/**
 * The subscription `stockChanged`, for as long as the caller reads it. It reconnects by itself, and reads the stock
 * again where changes may have been missed: after each connection, after StockChangesMissed, and after a change that
 * the server could not tell.
 *
 * The protocol does not say when a subscription stands, and a new one does not repeat earlier changes. So after each
 * connection the stock is read twice, the second time when the subscription stands for sure.
 */
import type {
  ProductsWithLevelsQuery,
  StockChangedSubscription,
  StockChangedSubscriptionVariables,
} from './generated/operations.js';
import { Backoff } from '../src/time/backoff.js';
import { pause } from './pause.js';
import { StockSocket, type SocketSettings } from './stock-socket.js';
import { StockadeError } from './stockade-error.js';

type StockEvent = StockChangedSubscription['stockChanged'];
export type StockChange = Extract<StockEvent, { __typename: 'StockChange' }>;
export type ProductStock = ProductsWithLevelsQuery['products']['nodes'][number];

/** What a watcher gets: stock that was read, and changes of levels, in the order in which they are to be applied. */
export type StockNews =
  | { readonly kind: 'read'; readonly products: readonly ProductStock[] }
  | { readonly kind: 'changed'; readonly change: StockChange };

export interface WatchSettings extends Omit<SocketSettings, 'variables' | 'answers'> {
  /** A page of products with their levels. */
  readonly read: (
    variables: { readonly first: number; readonly after: string | null; readonly filter: object },
    signal: AbortSignal,
  ) => Promise<ProductsWithLevelsQuery['products']>;
}

const PAGE = 100;

/**
 * Ends with the signal, or when its reader ends.
 * @throws StockadeError where the server refuses the subscription for good.
 */
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
  private readonly socket: StockSocket;
  private readonly filter: object;
  private readonly ended = new AbortController();
  private readonly changes: StockChange[] = [];
  private readonly pages: (readonly ProductStock[])[] = [];
  /** Changes wait while the stock is read, for they are applied to what was read. */
  private reading = 0;
  private readAgain = false;
  private wasServed = false;
  private failure: unknown = null;
  private wake: () => void = () => undefined;

  constructor(
    private readonly settings: WatchSettings,
    variables: StockChangedSubscriptionVariables,
  ) {
    const { productIds = null } = variables;
    this.filter = productIds === null ? {} : { ids: productIds };
    this.socket = new StockSocket(
      { ...settings, variables, answers: () => this.readPage(null, 1) },
      {
        changed: (event) => {
          if (event.__typename === 'StockChange') this.take(event);
          else this.startReading();
        },
        missed: () => {
          this.startReading();
        },
        ended: (error) => {
          this.fail(error);
        },
      },
    );
  }

  /** Null: the watch has ended. */
  async next(): Promise<StockNews | null> {
    for (;;) {
      if (this.ended.signal.aborted) {
        if (this.failure !== null) throw this.failure as Error;
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
    this.socket.end();
    this.wake();
  }

  private take(change: StockChange): void {
    this.changes.push(change);
    this.wake();
  }

  /** @param error null: it ends without one. */
  private fail(error: unknown): void {
    if (this.ended.signal.aborted) return;
    this.failure = error;
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
    let after: string | null = null;
    do {
      const page = await this.readPage(after, PAGE);
      this.pages.push(page.nodes);
      this.wake();
      after = page.pageInfo.hasNextPage ? (page.pageInfo.endCursor ?? null) : null;
    } while (after !== null && !this.ended.signal.aborted);
  }

  /**
   * A watch that was served once outlives what is answered in the server's place for a time, and a credential that
   * cannot be had without the network.
   */
  private async readPage(after: string | null, first: number) {
    const { signal } = this.ended;
    const pauses = new Backoff(this.settings.backoff, Math.random);
    for (;;) {
      try {
        const page = await this.settings.read({ first, after, filter: this.filter }, signal);
        this.wasServed = true;
        return page;
      } catch (error) {
        const isServers = !(error instanceof StockadeError) || error.faults.length > 0;
        if (!this.wasServed || isServers || signal.aborted) throw error;
        await pause(pauses.nextMs(), signal);
      }
    }
  }
}
