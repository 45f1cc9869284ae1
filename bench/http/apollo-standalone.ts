/**
 * Apollo Server out of the box, as its documentation starts it: a schema in SDL, plain resolvers, and
 * startStandaloneServer. It answers the same operation from memory.
 */
import { ApolloServer } from '@apollo/server';
import { startStandaloneServer } from '@apollo/server/standalone';

const typeDefs = `#graphql
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

interface DeductStockArguments {
  readonly input: {
    readonly items: readonly {
      readonly productId: string;
      readonly quantity: number;
      readonly locationId?: string | null;
    }[];
  };
}

const resolvers = {
  DeductStockResult: {
    __resolveType: (result: object) => ('error' in result ? 'FailedItem' : 'DeductedItem'),
  },
  Mutation: {
    deductStock: (_: unknown, { input }: DeductStockArguments) => {
      const results = input.items.map((item, index) => ({
        index,
        productId: item.productId,
        locationId: item.locationId ?? 'default',
        quantity: item.quantity,
        remaining: 1_000_000,
        movementId: `${item.productId}/default/1`,
      }));
      return { results, successfulItems: results, failedItems: [], replayed: false };
    },
  },
};

const server = new ApolloServer({ typeDefs, resolvers });
await startStandaloneServer(server, {
  listen: { host: process.env.HOST, port: Number(process.env.PORT) },
});
