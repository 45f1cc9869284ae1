/**
 * `stockade dev --demo`: a small steady sale over the public API, so that there is something to see. Buyers take units
 * of a few products, most of them of one; some reserve first and pay, or give up; and what is sold out is delivered
 * again. At most ten requests a second are sent, one after another.
 */
import { setTimeout as wait } from 'node:timers/promises';

const PAUSE_MS = 100;
const PAUSE_AFTER_ERROR_MS = 5_000;
const DELIVERY = 120;

const PRODUCTS = [
  { id: 'demo-tickets', name: 'Concert Tickets (demo)', share: 0.6 },
  { id: 'demo-sneakers', name: 'Limited Sneakers (demo)', share: 0.25 },
  { id: 'demo-console', name: 'Game Console (demo)', share: 0.1 },
  { id: 'demo-vinyl', name: 'Signed Vinyl (demo)', share: 0.05 },
] as const;

const CREATE = `mutation CreateDemoProduct($input: CreateProductInput!) {
  result: createProduct(input: $input) { __typename }
}`;
const DEDUCT = `mutation BuyInDemo($input: DeductStockInput!) {
  result: deductStock(input: $input) { results { ... on FailedItem { error { code } } } }
}`;
const INCREASE = `mutation DeliverInDemo($input: IncreaseStockInput!) {
  result: increaseStock(input: $input) { results { __typename } }
}`;
const RESERVE = `mutation ReserveInDemo($input: ReserveStockInput!) {
  result: reserveStock(input: $input) { reservation { id } }
}`;
const COMMIT = `mutation PayInDemo($input: CommitReservationInput!) {
  result: commitReservation(input: $input) { __typename }
}`;
const RELEASE = `mutation GiveUpInDemo($input: ReleaseReservationInput!) {
  result: releaseReservation(input: $input) { __typename }
}`;

interface Result {
  readonly __typename?: string;
  readonly results?: readonly { readonly error?: { readonly code: string } }[];
  readonly reservation?: { readonly id: string } | null;
}

export interface DemoSettings {
  readonly url: string;
  readonly authorization: string | null;
  readonly random: () => number;
}

export class DemoTraffic {
  private readonly stopped = new AbortController();
  private running: Promise<void> = Promise.resolve();
  private orders = 0;

  constructor(private readonly settings: DemoSettings) {}

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    await this.running;
  }

  private async run(): Promise<void> {
    const { signal } = this.stopped;
    let isCreated = false;
    while (this.isRunning()) {
      try {
        if (!isCreated) await this.createProducts();
        isCreated = true;
        await this.step();
      } catch (error) {
        // A server that is slow is no reason to end the demonstration, but a stop is.
        const why = error instanceof Error ? error.message : String(error);
        if (this.isRunning()) console.error(`The demo traffic pauses: ${why}`);
        await wait(PAUSE_AFTER_ERROR_MS, undefined, { signal }).catch(() => undefined);
      }
    }
  }

  private isRunning(): boolean {
    return !this.stopped.signal.aborted;
  }

  private async createProducts(): Promise<void> {
    for (const { id, name } of PRODUCTS) {
      await this.ask(CREATE, { id, name, quantity: DELIVERY, lowStockThreshold: 20 });
    }
  }

  private async step(): Promise<void> {
    const { random } = this.settings;
    const productId = this.chooseProduct();
    const items = [{ productId, quantity: 1 + Math.floor(random() * 3) }];
    this.orders += 1;
    const reference = `demo-order-${this.orders}`;
    if (random() < 0.2) {
      await this.reserve(items, reference);
      return;
    }
    const bought = await this.ask(DEDUCT, { items, reference });
    const refusal = bought?.results?.[0]?.error?.code;
    if (refusal === 'INSUFFICIENT_STOCK') {
      const delivery = [{ productId, quantity: DELIVERY }];
      await this.ask(INCREASE, { items: delivery, reference: `demo-delivery-${this.orders}` });
    }
  }

  private async reserve(items: readonly object[], reference: string): Promise<void> {
    const reserved = await this.ask(RESERVE, { items, reference, ttlSeconds: 60 });
    const reservationId = reserved?.reservation?.id;
    if (reservationId === undefined) return;
    const chance = this.settings.random();
    // The rest expires.
    if (chance < 0.7) await this.ask(COMMIT, { reservationId });
    else if (chance < 0.9) await this.ask(RELEASE, { reservationId });
  }

  private chooseProduct(): string {
    let left = this.settings.random();
    const found = PRODUCTS.find(({ share }) => (left -= share) < 0);
    return (found ?? PRODUCTS[0]).id;
  }

  private async ask(query: string, input: object): Promise<Result | null> {
    const { url, authorization } = this.settings;
    const headers = {
      'content-type': 'application/json',
      ...(authorization !== null && { authorization }),
    };
    const body = JSON.stringify({ query, variables: { input } });
    const { signal } = this.stopped;
    await wait(PAUSE_MS, undefined, { signal });
    const response = await fetch(url, { method: 'POST', headers, body, signal });
    const { data, errors } = (await response.json()) as {
      readonly data?: { readonly result: Result } | null;
      readonly errors?: readonly { readonly message: string }[];
    };
    const [error] = errors ?? [];
    if (error) throw new Error(error.message);
    return data?.result ?? null;
  }
}
