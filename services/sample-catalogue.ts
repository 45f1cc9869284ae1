/**
 * A small shop's products for a first look, added through the public API. A product that exists is not changed, so a
 * database that the user named keeps its stock.
 */
import { ServiceError } from './service-errors.js';

interface SampleProduct {
  readonly id: string;
  readonly name: string;
  readonly quantity: number;
  readonly lowStockThreshold: number;
}

export const SAMPLE_CATALOGUE: readonly SampleProduct[] = [
  product('flash-sale', 'Wireless Headphones, today only', 100, 10),
  product('headphones-over-ear', 'Over-Ear Headphones', 240, 25),
  product('earbuds-sport', 'Sport Earbuds', 410, 40),
  product('speaker-mini', 'Mini Bluetooth Speaker', 180, 20),
  product('keyboard-75', 'Mechanical Keyboard, 75 %', 95, 10),
  product('mouse-ergonomic', 'Ergonomic Mouse', 320, 30),
  product('monitor-27', '27-inch Monitor', 64, 8),
  product('webcam-hd', 'HD Webcam', 150, 15),
  product('usb-c-cable-2m', 'USB-C Cable, 2 m', 2_500, 250),
  product('charger-65w', '65 W Charger', 780, 80),
  product('power-bank-20k', 'Power Bank, 20,000 mAh', 360, 40),
  product('desk-lamp', 'Desk Lamp', 210, 20),
  product('backpack-25l', 'Backpack, 25 l', 130, 15),
  product('water-bottle', 'Steel Water Bottle', 900, 90),
  product('notebook-a5', 'Notebook, A5, dotted', 1_600, 160),
  product('pen-set', 'Set of Five Pens', 1_150, 120),
  product('coffee-grinder', 'Hand Coffee Grinder', 75, 10),
  product('espresso-cups', 'Espresso Cups, Set of Four', 140, 15),
  product('gift-card-50', 'Gift Card, 50', 5_000, 500),
  product('last-one-left', 'Restored Typewriter', 1, 1),
];

/** One line that is applied and one that is refused; the README shows it with its answer. */
export const SAMPLE_MUTATION = `mutation {
  deductStock(
    input: {
      items: [{ productId: "flash-sale", quantity: 1 }, { productId: "last-one-left", quantity: 2 }]
    }
  ) {
    results {
      ... on DeductedItem {
        productId
        quantity
        remaining
      }
      ... on FailedItem {
        productId
        error {
          code
          message
        }
      }
    }
  }
}`;

function product(
  id: string,
  name: string,
  quantity: number,
  lowStockThreshold: number,
): SampleProduct {
  return { id, name, quantity, lowStockThreshold };
}

interface Answer {
  readonly data?: Readonly<
    Record<string, { readonly __typename: string; readonly message?: string }>
  > | null;
  readonly errors?: readonly { readonly message: string }[];
}

/** Runs an operation. It needs no credential, because the caller is the server's own process. */
export type Ask = (
  operation: { readonly query: string; readonly variables: Record<string, unknown> },
  options: { readonly signal: AbortSignal },
) => Promise<Answer>;

const ADD_PRODUCT = `mutation AddSampleProduct($input: CreateProductInput!) {
  result: createProduct(input: $input) { __typename ... on Error { message } }
}`;
const ADD_LOCATION = `mutation AddSampleLocation($input: CreateLocationInput!) {
  result: createLocation(input: $input) { __typename ... on Error { message } }
}`;
const COUNT = `mutation CountSample($input: SetStockInput!) {
  result: setStock(input: $input) { __typename ... on Error { message } }
}`;
const MOVE = `mutation MoveSample($input: TransferStockInput!) {
  result: transferStock(input: $input) { __typename ... on Error { message } }
}`;
const RESERVE = `mutation ReserveSample($input: ReserveStockInput!) {
  result: reserveStock(input: $input) { __typename }
}`;

/**
 * Data for the other parts of the API: a second location, a transfer to it, a count, and a reservation. Each operation
 * has an idempotency key, so it takes effect once in a database that is kept.
 */
const SAMPLE_HISTORY: readonly (readonly [query: string, input: object])[] = [
  [ADD_LOCATION, { id: 'warehouse', name: 'Warehouse' }],
  [
    MOVE,
    {
      productId: 'usb-c-cable-2m',
      fromLocationId: 'default',
      toLocationId: 'warehouse',
      quantity: 1_500,
      idempotencyKey: 'sample-transfer',
      reference: 'T-1001',
    },
  ],
  [
    COUNT,
    {
      productId: 'gift-card-50',
      quantity: 4_990,
      changeFromQuantity: 5_000,
      idempotencyKey: 'sample-count',
      reason: 'cycle count',
    },
  ],
  [
    RESERVE,
    {
      items: [
        { productId: 'espresso-cups', quantity: 2 },
        { productId: 'coffee-grinder', quantity: 1 },
      ],
      ttlSeconds: 86_400,
      idempotencyKey: 'sample-cart',
      reference: 'cart-42',
    },
  ],
];

/** Returns how many products were created. @throws ServiceError, or the signal's reason. */
export async function addSampleCatalogue(ask: Ask, signal: AbortSignal): Promise<number> {
  let added = 0;
  for (const input of SAMPLE_CATALOGUE) {
    const { type, why } = await send(ask, ADD_PRODUCT, input, signal);
    if (type === 'Product') added += 1;
    else if (type !== 'ProductAlreadyExistsError') {
      throw new ServiceError(`The sample product ${input.id} could not be added: ${why}`);
    }
  }
  for (const [query, input] of SAMPLE_HISTORY) {
    // Refused if the stock was changed after an earlier start: the user's data stay as they are.
    const { type, why } = await send(ask, query, input, signal);
    if (type === undefined) throw new ServiceError(`The sample data could not be added: ${why}`);
  }
  return added;
}

async function send(
  ask: Ask,
  query: string,
  input: object,
  signal: AbortSignal,
): Promise<{ readonly type: string | undefined; readonly why: string }> {
  signal.throwIfAborted();
  const { data, errors } = await ask({ query, variables: { input } }, { signal });
  const result = data?.result;
  const why = result?.message ?? errors?.[0]?.message ?? 'it was not answered';
  return { type: result?.__typename, why };
}
