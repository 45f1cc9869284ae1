/** The schema, built from the types and resolvers. It needs no services, so it can be emitted without any. */
import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { ChangeResolver, StockSetResolver, StockTransferredResolver } from './change-resolver.js';
import { LocationAlreadyExistsErrorResolver, LocationResolver } from './location-resolver.js';
import { guardRootFields } from '../permissions.js';
import { ProductAlreadyExistsErrorResolver, ProductResolver } from './product-resolver.js';
import { ReservationResolver } from './reservation-resolver.js';
import { DeductedItemResolver, IncreasedItemResolver, StockResolver } from './stock-resolver.js';
import { WatchResolver } from './watch-resolver.js';

export function buildStockadeSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      ProductResolver,
      ProductAlreadyExistsErrorResolver,
      StockResolver,
      DeductedItemResolver,
      IncreasedItemResolver,
      ChangeResolver,
      StockSetResolver,
      StockTransferredResolver,
      ReservationResolver,
      LocationResolver,
      LocationAlreadyExistsErrorResolver,
      WatchResolver,
    ],
    pubSub: NO_PUB_SUB,
    // The domain checks what a client sends, and its answers are part of the schema.
    validate: false,
  });
  return guardRootFields(schema);
}

/** type-graphql wants one where there is a subscription; ours has a stream of its own. */
const NO_PUB_SUB = {
  publish: () => {
    throw new Error('Nothing is published by way of the schema.');
  },
  subscribe: () => {
    throw new Error('Nothing is subscribed to by way of the schema.');
  },
};
