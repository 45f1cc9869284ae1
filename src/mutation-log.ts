/**
 * At LOG_LEVEL=debug: one line for each mutation, with what became of its lines. The lines are counted where they are
 * decided, and found again by the asynchronous context of their request; at other levels there is no such context.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from 'pino';
import type { EndedRequest, RequestObserver } from './graphql/context.js';
import { eachOutcome } from './inventory/line-outcome.js';
import type { StockWrite } from './inventory/stock.js';
import type { WriteResult } from './inventory/stock-store.js';

type Tally = Record<string, number>;

export class MutationLog implements RequestObserver {
  private readonly tallies = new AsyncLocalStorage<Tally>();

  constructor(
    private readonly log: Pick<Logger, 'debug'>,
    /** The trace that is under way. */
    private readonly traceIds: () => { readonly traceId?: string },
  ) {}

  /** Runs a request, whose lines are counted. */
  around<T>(answer: () => Promise<T>): Promise<T> {
    return this.tallies.run({}, answer);
  }

  readonly note = (write: StockWrite, result: WriteResult): void => {
    const tally = this.tallies.getStore();
    if (!tally) return;
    eachOutcome(write, result, (outcome) => {
      tally[outcome] = (tally[outcome] ?? 0) + 1;
    });
  };

  ended(request: EndedRequest): void {
    if (!request.isMutation) return;
    const { operation, failure, tookMs, principal, correlationId } = request;
    const { traceId } = this.traceIds();
    this.log.debug(
      {
        ...{ operation, outcome: failure ?? 'ok', lines: this.tallies.getStore() ?? {} },
        ...{ ms: Math.round(tookMs * 10) / 10, principal, correlationId },
        ...(traceId !== undefined && { traceId }),
      },
      'A mutation was answered.',
    );
  }
}
