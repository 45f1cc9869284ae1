/**
 * The schema of the servers that the product is compared with: the same operation in SDL with plain resolvers, over any
 * way of deciding a line. `mode` may be null here, because graphql-jit ignores the defaults of required input fields.
 */

export const PLAIN_SDL = `#graphql
  type Query { product(id: ID!): Product }
  type Product { id: ID! name: String! }
  type Mutation { deductStock(input: DeductStockInput!): DeductStockPayload! }

  input DeductStockInput {
    items: [StockLineInput!]!
    mode: BatchMode = PARTIAL
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
  readonly locationId?: string | null;
}

interface DeductStockArguments {
  readonly input: { readonly items: readonly Line[] };
}

type Result = ReturnType<typeof deducted> | ReturnType<typeof failed>;

/** From memory, at once: every line is granted, and nothing is kept. */
export const memoryResolvers = {
  deductStock: (_: unknown, { input }: DeductStockArguments) => payload(input.items.map(deducted)),
};

/** @param decide decides a line. What it throws becomes the failure of that line alone. */
export function resolversOf(decide: (line: Line) => Promise<'taken' | 'refused'>) {
  const resultOf = async (line: Line, index: number): Promise<Result> => {
    try {
      const answer = await decide(line);
      if (answer === 'taken') return deducted(line, index);
      return failed(line, index, { code: 'INSUFFICIENT_STOCK', message: 'Not enough stock.' });
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return failed(line, index, { code: 'INTERNAL', message });
    }
  };
  return {
    deductStock: async (_: unknown, { input }: DeductStockArguments) =>
      payload(await Promise.all(input.items.map(resultOf))),
  };
}

/** The rivals do not read the remaining quantity, which would take one more statement. */
function deducted({ productId, quantity, locationId }: Line, index: number) {
  return {
    index,
    productId,
    locationId: locationId ?? 'default',
    quantity,
    remaining: 1_000_000,
    movementId: `${productId}/default/1`,
  };
}

function failed(
  { productId, quantity, locationId }: Line,
  index: number,
  error: { readonly code: string; readonly message: string },
) {
  return {
    index,
    productId,
    locationId: locationId ?? 'default',
    quantity,
    error: { ...error, retryable: false },
  };
}

function payload(results: readonly Result[]) {
  return {
    results,
    successfulItems: results.filter((result) => !('error' in result)),
    failedItems: results.filter((result) => 'error' in result),
    replayed: false,
  };
}

/** The member of the union that a result is. */
export function typeOfResult(result: object): string {
  return 'error' in result ? 'FailedItem' : 'DeductedItem';
}
