/**
 * A small shop's products for a first look, added through the public API as any client would add them. A product that
 * is there already stays as it is, so a database that the user named keeps its stock.
 */
import { ServiceError } from './service-errors.js';

const ADD_TIMEOUT_MS = 10_000;

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

/** One line that is taken and one that is not; the README shows it with its answer. */
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

const ADD_PRODUCT = `mutation AddSampleProduct($input: CreateProductInput!) {
  createProduct(input: $input) {
    __typename
    ... on InvalidInputError { message }
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
  readonly data?: { readonly createProduct: { readonly __typename: string; message?: string } };
  readonly errors?: readonly { readonly message: string }[];
}

/** Returns how many were not there before. @throws ServiceError, or the signal's reason. */
export async function addSampleCatalogue(url: string, signal: AbortSignal): Promise<number> {
  let added = 0;
  for (const input of SAMPLE_CATALOGUE) {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: ADD_PRODUCT, variables: { input } }),
      signal: AbortSignal.any([signal, AbortSignal.timeout(ADD_TIMEOUT_MS)]),
    });
    const answer = (await response.json()) as Answer;
    const made = answer.data?.createProduct;
    if (made?.__typename === 'Product') added += 1;
    else if (made?.__typename !== 'ProductAlreadyExistsError') {
      const why = made?.message ?? answer.errors?.[0]?.message ?? `HTTP ${response.status}`;
      throw new ServiceError(`The sample product ${input.id} could not be added: ${why}`);
    }
  }
  return added;
}
