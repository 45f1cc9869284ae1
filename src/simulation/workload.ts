/**
 * The requests of a round's clients, drawn from its seed: bursts of requests for the same few products, with idle spans
 * between them that take no time to simulate.
 */
import type { HistoryItem } from './history.js';
import type { SeededRandom } from './seeded-random.js';

export interface LineInput {
  readonly productId: string;
  readonly locationId: string;
  readonly quantity: number;
}

/** One operation that a client requests. */
export type Request = {
  /** Its reference in the ledger. */
  readonly reference: string;
  readonly idempotencyKey: string | null;
} & (
  | {
      readonly kind: 'deduct' | 'increase';
      readonly mode: 'PARTIAL' | 'ALL_OR_NOTHING';
      readonly items: readonly LineInput[];
    }
  | {
      readonly kind: 'set';
      readonly item: LineInput;
      /** Null: sets it unconditionally. */
      readonly changeFrom: number | null;
    }
  | { readonly kind: 'transfer'; readonly item: LineInput; readonly toLocationId: string }
  | { readonly kind: 'reserve'; readonly items: readonly LineInput[]; readonly ttlSeconds: number }
);

/** A client's next operation on a reservation that it created. */
export type Ending = 'COMMITTED' | 'RELEASED' | 'LEFT_TO_EXPIRE';

export interface PlannedOperation {
  readonly request: Request;
  /** The client's, on each of its calls; null without authentication. */
  readonly principal: string | null;
  /** Of a reservation. */
  readonly ending: Ending;
  /** How often the same request is sent at once, to one process after another. */
  readonly copies: number;
  readonly hangsUpAfterMs: number | null;
  readonly asksAgain: boolean;
  readonly pauseMs: number;
  /** How long the client waits for an answer, in milliseconds. */
  readonly deadlineMs: number;
}

export interface Shop {
  readonly products: readonly string[];
  readonly locations: readonly string[];
}

export class Workload {
  private operations = 0;

  constructor(
    private readonly random: SeededRandom,
    private readonly shop: Shop,
  ) {}

  /** For each client of a burst its operations, in order. */
  burst(): readonly (readonly PlannedOperation[])[] {
    const { random } = this;
    const clients = random.integer(3, 14);
    const each = random.integer(1, 8);
    return Array.from({ length: clients }, () =>
      Array.from({ length: each }, () => this.operation()),
    );
  }

  private operation(): PlannedOperation {
    const { random } = this;
    this.operations += 1;
    const reference = `op-${this.operations}`;
    const isKeyed = random.chance(0.55);
    const request = this.request(reference, isKeyed ? `key-${this.operations}` : null);
    return {
      request,
      principal: random.pick([null, 'anna', 'ben']),
      ending: random.pick(['COMMITTED', 'COMMITTED', 'RELEASED', 'LEFT_TO_EXPIRE'] as const),
      copies: isKeyed && random.chance(0.15) ? random.integer(2, 3) : 1,
      hangsUpAfterMs: random.chance(0.06) ? random.between(1, 200) : null,
      asksAgain: isKeyed && random.chance(0.3),
      pauseMs: random.chance(0.6) ? 0 : random.between(0, 300),
      deadlineMs: random.pick([10_000, 10_000, 3_000, 200]),
    };
  }

  private request(reference: string, idempotencyKey: string | null): Request {
    const { random } = this;
    const base = { reference, idempotencyKey };
    const roll = random.next();
    if (roll < 0.66) {
      const count = random.chance(0.6) ? 1 : random.integer(2, 4);
      return {
        ...base,
        kind: roll < 0.5 ? 'deduct' : 'increase',
        mode: random.chance(0.6) ? 'PARTIAL' : 'ALL_OR_NOTHING',
        items: Array.from({ length: count }, () => this.line()),
      };
    }
    if (roll < 0.74) {
      const changeFrom = random.chance(0.5) ? random.integer(0, 12) : null;
      const item = { ...this.line(), quantity: random.integer(0, 12) };
      return { ...base, kind: 'set', item, changeFrom };
    }
    if (roll < 0.82) {
      const item = this.line();
      const others = this.shop.locations.filter((id) => id !== item.locationId);
      return { ...base, kind: 'transfer', item, toLocationId: random.pick(others) };
    }
    const items = Array.from({ length: random.integer(1, 2) }, () => this.line());
    return { ...base, kind: 'reserve', items, ttlSeconds: random.pick([1, 3, 20, 600]) };
  }

  private line(): LineInput {
    const { random, shop } = this;
    const [hot] = shop.products;
    const productId = random.chance(0.5) && hot !== undefined ? hot : random.pick(shop.products);
    return {
      productId: random.chance(0.01) ? 'unknown' : productId,
      locationId: random.chance(0.85) ? (shop.locations[0] ?? '') : random.pick(shop.locations),
      quantity: random.chance(0.01) ? 0 : random.integer(1, 5),
    };
  }
}

/** The changes of levels that a request asks for, in the form of the checks. */
export function itemsOf(request: Request): readonly HistoryItem[] {
  switch (request.kind) {
    case 'deduct':
      return request.items.map((item) => ({ ...item, effect: 'TAKE' }));
    case 'increase':
      return request.items.map((item) => ({ ...item, effect: 'PUT' }));
    case 'set':
      return [{ ...request.item, effect: 'SET' }];
    case 'transfer':
      return [
        { ...request.item, effect: 'TAKE' },
        { ...request.item, locationId: request.toLocationId, effect: 'PUT' },
      ];
    case 'reserve':
      return request.items.map((item) => ({ ...item, effect: 'HOLD' }));
  }
}
