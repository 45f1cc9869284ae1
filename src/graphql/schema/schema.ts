/** The schema, built from the types and resolvers. It needs no services, so that it can be emitted without any. */
import 'reflect-metadata';
import type { GraphQLSchema } from 'graphql';
import { buildSchemaSync } from 'type-graphql';
import { guardRootFields } from '../permissions.js';
import {
  DeductIncreaseResolver,
  DeductedItemResolver,
  IncreasedItemResolver,
} from './deduct-increase.js';
import { LocationAlreadyExistsErrorResolver, LocationResolver } from './location.js';
import { MovementResolver } from './movement.js';
import { ProductAlreadyExistsErrorResolver, ProductResolver } from './product.js';
import { ReservationResolver } from './reservation.js';
import { SetTransferResolver, StockSetResolver, StockTransferredResolver } from './set-transfer.js';
import { StockChangedResolver } from './stock-changed.js';

export function buildStockadeSchema(): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [
      ProductResolver,
      ProductAlreadyExistsErrorResolver,
      MovementResolver,
      DeductIncreaseResolver,
      DeductedItemResolver,
      IncreasedItemResolver,
      SetTransferResolver,
      StockSetResolver,
      StockTransferredResolver,
      ReservationResolver,
      LocationResolver,
      LocationAlreadyExistsErrorResolver,
      StockChangedResolver,
    ],
    pubSub: NO_PUB_SUB,
    // The domain checks input, and answers errors of the schema's types.
    validate: false,
  });
  return guardRootFields(schema);
}

/** type-graphql requires one for subscriptions; ours has its own stream. */
const NO_PUB_SUB = {
  publish: () => {
    throw new Error('Events must be published by src/changes, not by type-graphql.');
  },
  subscribe: () => {
    throw new Error('Events must be subscribed to by src/changes, not by type-graphql.');
  },
};
