/**
 * The buyers of a tried sale: a program that `stockade dev` starts beside the servers. Each buyer asks once for one
 * unit, over HTTP. Before the first one asks, all connections are open and the servers have answered to requests for a
 * product that does not exist, so the times are those of a server that has been running.
 */
import { Agent, request } from 'node:http';
import { ORDER_VARIABLE, type SaleOrder, type SaleReport } from './sale-report.js';

const REPORT_INTERVAL_MS = 100;
/** Of each connection. */
const REQUESTS_BEFORE = 3;

const BUY = `mutation Buy($productId: ID!) {
  deductStock(input: { items: [{ productId: $productId, quantity: 1 }] }) {
    results { __typename ... on FailedItem { error { code } } }
  }
}`;

interface Answer {
  readonly data?: {
    readonly deductStock: {
      readonly results: readonly {
        readonly __typename: string;
        readonly error?: { readonly code: string };
      }[];
    };
  } | null;
  readonly errors?: readonly { readonly extensions?: { readonly code?: string } }[];
}

export class Buyers {
  private asked = 0;
  private sold = 0;
  private readonly refused: Record<string, number> = {};
  private readonly failed: Record<string, number> = {};
  private readonly timesMs: number[] = [];
  private beganMs = 0;
  private lastAnswerMs: number | null = null;
  private readonly agent: Agent;
  private readonly body: string;

  constructor(
    private readonly order: SaleOrder,
    private readonly report: (report: SaleReport) => void,
  ) {
    const sockets = Math.ceil(order.atOnce / order.urls.length);
    this.agent = new Agent({ keepAlive: true, maxSockets: sockets, maxFreeSockets: sockets });
    this.body = bodyFor(order.productId);
  }

  /** Resolves when all have their answers, or the time is over. */
  async buyAll(): Promise<void> {
    const { atOnce, limitMs } = this.order;
    const over = AbortSignal.timeout(limitMs);
    const callers = Array.from({ length: atOnce }, (_, i) => i);
    await Promise.allSettled(callers.map((i) => this.warmUp(i, over)));
    this.beganMs = performance.now();
    const timer = setInterval(() => {
      this.report(this.now());
    }, REPORT_INTERVAL_MS);
    try {
      await Promise.all(callers.map((i) => this.buyInTurn(i, over)));
    } finally {
      clearInterval(timer);
      this.agent.destroy();
    }
    this.report({ ...this.now(), latencies: this.latencies() });
  }

  private async warmUp(place: number, over: AbortSignal): Promise<void> {
    const body = bodyFor(`${this.order.productId}-warm-up`);
    for (let i = 0; i < REQUESTS_BEFORE; i += 1) await this.send(place, body, over);
  }

  /** One connection's buyers, one after another. */
  private async buyInTurn(place: number, over: AbortSignal): Promise<void> {
    while (this.asked < this.order.buyers && !over.aborted) {
      this.asked += 1;
      const askedMs = performance.now();
      let code: string;
      try {
        code = this.note(JSON.parse(await this.send(place, this.body, over)) as Answer);
      } catch (error) {
        code = codeOf(error);
      }
      if (code !== '') this.failed[code] = (this.failed[code] ?? 0) + 1;
      const nowMs = performance.now();
      this.lastAnswerMs = nowMs - this.beganMs;
      this.timesMs.push(nowMs - askedMs);
    }
  }

  /** Returns the code of a request that failed as a whole, or nothing. */
  private note({ data, errors }: Answer): string {
    const [line] = data?.deductStock.results ?? [];
    if (!line) return errors?.[0]?.extensions?.code ?? 'NO_ANSWER';
    if (line.error) this.refused[line.error.code] = (this.refused[line.error.code] ?? 0) + 1;
    else this.sold += 1;
    return '';
  }

  private send(place: number, body: string, signal: AbortSignal): Promise<string> {
    const { urls, authorization } = this.order;
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      ...(authorization !== null && { authorization }),
    };
    return new Promise((resolve, reject) => {
      const url = new URL('/graphql', urls[place % urls.length]);
      const options = { method: 'POST', agent: this.agent, headers, signal };
      const outgoing = request(url, options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.once('end', () => {
          resolve(text);
        });
        response.once('error', reject);
      });
      outgoing.once('error', reject);
      outgoing.end(body);
    });
  }

  private now(): SaleReport {
    const { asked, sold, refused, failed, lastAnswerMs } = this;
    const atMs = performance.now() - this.beganMs;
    return { atMs, asked, sold, refused, failed, lastAnswerMs, latencies: null };
  }

  private latencies(): SaleReport['latencies'] {
    const sorted = Float64Array.from(this.timesMs).sort();
    const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? 0;
    return { p50Ms: at(0.5), p99Ms: at(0.99) };
  }
}

function bodyFor(productId: string): string {
  return JSON.stringify({ query: BUY, variables: { productId } });
}

function codeOf(error: unknown): string {
  const { code, name } = error as { readonly code?: unknown; readonly name?: string };
  // The time of the sale is over.
  if (name === 'AbortError') return 'NO_ANSWER_IN_TIME';
  return typeof code === 'string' ? code : 'NO_JSON';
}

const order = process.env[ORDER_VARIABLE];
if (order !== undefined) {
  const print = (report: SaleReport) => process.stdout.write(`${JSON.stringify(report)}\n`);
  await new Buyers(JSON.parse(order) as SaleOrder, print).buyAll();
}
