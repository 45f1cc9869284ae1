/** An open loop: one deduction each 100 ms, whatever became of those before, to each of several servers in turn. */
import { openHttpClient, type HttpClient } from '../workers/http-load.js';
import type { HttpServer } from '../http/server-process.js';

export interface Attempt {
  /** When it began, on the scale of `performance.now`. */
  readonly beganMs: number;
  readonly endedMs: number;
  /** TAKEN, or the code of the error. */
  readonly outcome: string;
}

export const TAKEN = 'TAKEN';
const PACE_MS = 100;
const CONNECTIONS_MAX = 200;

export class Attempts {
  /** In the order of their end. */
  readonly ended: Attempt[] = [];
  private readonly underWay = new Set<Promise<void>>();
  private readonly clients: readonly HttpClient[];
  private readonly timer: NodeJS.Timeout;
  private begun = 0;

  constructor(servers: readonly HttpServer[], productId: string) {
    this.clients = servers.map((server) => openHttpClient(server, CONNECTIONS_MAX));
    this.timer = setInterval(() => {
      const client = this.clients[this.begun % this.clients.length];
      this.begun += 1;
      if (!client) return;
      const attempt = this.attempt(client, productId).finally(() => this.underWay.delete(attempt));
      this.underWay.add(attempt);
    }, PACE_MS);
  }

  takenSince(sinceMs: number): number {
    return this.ended.filter(({ beganMs, outcome }) => outcome === TAKEN && beganMs > sinceMs)
      .length;
  }

  /** Begins no more, and resolves when all have ended. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await Promise.all(this.underWay);
    await Promise.all(this.clients.map((client) => client.close()));
  }

  private async attempt(client: HttpClient, productId: string): Promise<void> {
    const beganMs = performance.now();
    const outcome = await client.deduct(productId).then((answer) => {
      return answer === 'taken' ? TAKEN : 'INSUFFICIENT_STOCK';
    }, codeOf);
    this.ended.push({ beganMs, endedMs: performance.now(), outcome });
  }
}

function codeOf(error: unknown): string {
  const text = error instanceof Error ? error.message : '';
  return /"code":"([A-Z_]+)"/.exec(text)?.[1] ?? 'NO_ANSWER';
}
