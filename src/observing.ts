/**
 * Who is told of requests, writes and statements besides the metrics: the log of mutations, and OpenTelemetry. Neither
 * is made, nor a package of OpenTelemetry loaded, where it is off.
 */
import type { Logger } from 'pino';
import type { Config } from './config.js';
import type { AroundStatement } from './database/pool.js';
import type { RequestObserver } from './graphql/context.js';
import type { AroundRequest } from './http/server.js';
import type { Tracing } from './inventory/tracing.js';
import type { StockService, StockServiceSettings } from './inventory/lanes/stock-service.js';
import { TracedStock, TracedStockStore } from './inventory/tracing.js';
import type { StockStore } from './inventory/stock-store.js';
import { openLog } from './log.js';
import { Measuring } from './measuring.js';
import { MutationLog } from './mutation-log.js';

/** The part of OpenTelemetry that is used here. */
interface Traces extends Tracing, RequestObserver {
  readonly request: AroundRequest;
  readonly statement: AroundStatement;
  readonly ids: () => { readonly traceId?: string };
  stop(): Promise<void>;
}

export class Observing {
  readonly measuring = new Measuring();
  private readonly mutations: MutationLog | null;

  private constructor(
    readonly log: Logger,
    private readonly traces: Traces | null,
  ) {
    const ids = traces?.ids ?? (() => ({}));
    this.mutations = log.isLevelEnabled('debug') ? new MutationLog(log, ids) : null;
  }

  static async open(config: Config, given?: Logger): Promise<Observing> {
    const traces = await openTraces(config);
    return new Observing(given ?? openLog(config, traces?.ids), traces);
  }

  /** Null where each request is simply answered. */
  private aroundRequest(): AroundRequest | null {
    const { traces, mutations } = this;
    if (!mutations) return traces?.request ?? null;
    const logged: AroundRequest = (_, answer) => mutations.around(answer);
    if (!traces) return logged;
    return (request, answer) => traces.request(request, () => logged(request, answer));
  }

  /** For the settings of the database. */
  get database(): { readonly aroundStatement?: AroundStatement } {
    return this.traces ? { aroundStatement: this.traces.statement } : {};
  }

  /** For the settings of the server. */
  get requests(): {
    readonly observer: RequestObserver;
    readonly aroundRequest: AroundRequest | null;
  } {
    return { observer: this.observer(), aroundRequest: this.aroundRequest() };
  }

  private observer(): RequestObserver {
    const { requests } = this.measuring;
    const all = [requests, this.mutations, this.traces].filter((each) => each !== null);
    if (all.length === 1) return requests;
    return {
      ended: (request) => {
        for (const each of all) each.ended(request);
      },
      unexpected: () => {
        requests.unexpected();
      },
    };
  }

  /** For the settings of the lanes. */
  get onResult(): NonNullable<StockServiceSettings['onResult']> {
    const { mutations } = this;
    const { lines } = this.measuring;
    if (!mutations) return lines.note;
    return (write, result) => {
      lines.note(write, result);
      mutations.note(write, result);
    };
  }

  /** The writes of clients. */
  stock(
    stock: StockService,
  ): Pick<StockService, 'decreaseStock' | 'increaseStock' | 'carryOut' | 'slots'> {
    if (!this.traces) return stock;
    return Object.assign(new TracedStock(stock, this.traces), { slots: stock.slots });
  }

  store(store: StockStore): StockStore {
    return this.traces ? new TracedStockStore(store, this.traces) : store;
  }

  async stop(): Promise<void> {
    await this.traces?.stop();
  }
}

async function openTraces({
  otlpEndpoint: endpoint,
  otelServiceName: serviceName,
  stockBatchMax: linksMax,
}: Config): Promise<Traces | null> {
  if (endpoint === undefined) return null;
  const { OpenTelemetry } = await import('./telemetry/open-telemetry.js');
  return new OpenTelemetry({ endpoint, serviceName, linksMax });
}
