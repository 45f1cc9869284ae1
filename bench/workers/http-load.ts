/**
 * Requests over kept connections, one at a time on each: a constant operation text, as real clients send it, with the
 * product in the variables. Several servers get the requests in turn, as from a load balancer. It uses undici's lowest
 * level, because load generator and servers share the cores.
 */
import { Pool, type Dispatcher } from 'undici';
import type { Answer } from '../contenders/contender.js';

/** The operation that every server gets. */
const DEDUCT_OPERATION = `mutation Deduct($input: DeductStockInput!) {
  deductStock(input: $input) {
    replayed
    results {
      __typename
      ... on DeductedItem { index productId locationId quantity remaining movementId }
      ... on FailedItem { index productId error { code message retryable } }
    }
  }
}`;

export interface HttpClient {
  deduct(productId: string): Promise<Answer>;
  close(): Promise<void>;
}

const TIMEOUT_MS = 30_000;

export interface HttpTarget {
  /** They get the requests in turn. */
  readonly urls: readonly string[];
  readonly authorization: string;
  /** Whether each product has an address of its own below the URL, and gets the quantity alone. */
  readonly isPerProduct?: boolean;
}

/** @param connectionsMax to each server. */
export function openHttpClient(
  { urls, authorization, isPerProduct = false }: HttpTarget,
  connectionsMax: number,
): HttpClient {
  const servers = urls.map((url) => {
    const { origin, pathname } = new URL(url);
    const pool = new Pool(origin, {
      connections: connectionsMax,
      pipelining: 1,
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
    });
    return { pool, pathname };
  });
  let sent = 0;
  const headers = {
    'content-type': 'application/json',
    accept: 'application/json',
    authorization,
  };
  return {
    deduct: (productId) =>
      new Promise((resolve, reject) => {
        const server = servers[sent % servers.length];
        if (!server) throw new Error('There is no server.');
        sent += 1;
        const { path, body } = isPerProduct ? objectCall(productId) : operation(productId);
        server.pool.dispatch(
          { path: server.pathname + path, method: 'POST', headers, body },
          new AnswerReader(resolve, reject),
        );
      }),
    close: async () => {
      await Promise.all(servers.map(({ pool }) => pool.close()));
    },
  };
}

function operation(productId: string) {
  const variables = { input: { items: [{ productId, quantity: 1 }] } };
  return { path: '', body: JSON.stringify({ query: DEDUCT_OPERATION, variables }) };
}

function objectCall(productId: string) {
  return { path: `${productId}/deduct`, body: '1' };
}

class AnswerReader implements Dispatcher.DispatchHandler {
  private text = '';
  private status = 0;

  constructor(
    private readonly resolve: (answer: Answer) => void,
    private readonly reject: (error: Error) => void,
  ) {}

  // By this method undici recognises the current kind of handler.
  onRequestStart(): void {
    this.text = '';
  }

  onResponseStart(_: Dispatcher.DispatchController, status: number): void {
    this.status = status;
  }

  onResponseData(_: Dispatcher.DispatchController, chunk: Buffer): void {
    this.text += chunk.toString('latin1');
  }

  onResponseEnd(): void {
    if (this.text.includes('"DeductedItem"')) this.resolve('taken');
    else if (this.text.includes('"INSUFFICIENT_STOCK"')) this.resolve('refused');
    else this.reject(new Error(`HTTP ${this.status}: ${this.text.slice(0, 200)}`));
  }

  onResponseError(_: Dispatcher.DispatchController, error: Error): void {
    this.reject(error);
  }
}
