/**
 * The schema of the servers that the product is compared with: the same operation in SDL with plain resolvers, over any
 * way of deciding a line. It imports nothing, so that a program outside this project's packages can load it.
 */

export const PLAIN_SDL = `#graphql
  type Query { product(id: ID!): Product }
  type Product { id: ID! name: String! }
  type Mutation { deductStock(input: DeductStockInput!): DeductStockPayload! }

  input DeductStockInput {
    items: [StockLineInput!]!
    mode: BatchMode! = PARTIAL
    idempotencyKey: String
    reason: String
    reference: String
  }
  enum BatchMode { PARTIAL ALL_OR_NOTHING }
  input StockLineInput { productId: ID! quantity: Int! locationId: ID }

  type DeductStockPayload {
    results: [DeductStockResult!]!
    successfulItems: [DeductedItem!]!
    failedItems: [FailedItem!]!
    replayed: Boolean!
  }
  union DeductStockResult = DeductedItem | FailedItem
  type DeductedItem {
    index: Int!
    productId: ID!
    locationId: ID!
    quantity: Int!
    remaining: Int!
    movementId: ID!
    product: Product
  }
  type FailedItem {
    index: Int!
    productId: ID!
    locationId: ID!
    quantity: Int!
    error: StockError!
  }
  type StockError { code: String! message: String! retryable: Boolean! }
`;

interface Line {
  readonly productId: string;
  readonly quantity: number;
}

/** Decides a line. What it throws becomes the failure of that line alone. */
export type Decide = (line: Line) => 'taken' | 'refused' | Promise<'taken' | 'refused'>;

interface DeductStockArguments {
  readonly input: { readonly items: readonly (Line & { readonly locationId?: string | null })[] };
}

/** From memory: every line is granted, and nothing is kept. */
export const fromMemory: Decide = () => 'taken';

export function plainResolvers(decide: Decide) {
  const resultOf = async (item: DeductStockArguments['input']['items'][number], index: number) => {
    const { productId, quantity } = item;
    const line = { index, productId, locationId: item.locationId ?? 'default', quantity };
    const failed = (code: string, message: string) => ({
      ...line,
      error: { code, message, retryable: false },
    });
    try {
      const answer = await decide({ productId, quantity });
      if (answer === 'refused') return failed('INSUFFICIENT_STOCK', 'Not enough stock.');
      // The rivals do not read the remaining quantity, which would take one more statement.
      return { ...line, remaining: 1_000_000, movementId: `${productId}/default/1` };
    } catch (error) {
      return failed('INTERNAL', error instanceof Error ? error.message : String(error));
    }
  };
  return {
    deductStock: async (_: unknown, { input }: DeductStockArguments) => {
      const results = await Promise.all(input.items.map(resultOf));
      const failedItems = results.filter((result) => 'error' in result);
      const successfulItems = results.filter((result) => !('error' in result));
      return { results, successfulItems, failedItems, replayed: false };
    },
  };
}

/** The member of the union that a result is. */
export function typeOfResult(result: object): string {
  return 'error' in result ? 'FailedItem' : 'DeductedItem';
}
