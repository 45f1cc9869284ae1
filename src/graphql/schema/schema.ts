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
import { withFederation } from './federation.js';
import { FleetResolver, HotProductResolver } from './fleet.js';
import { JourneyResolver } from './journey.js';
import { LocationAlreadyExistsErrorResolver, LocationResolver } from './location.js';
import { MovementResolver } from './movement.js';
import {
  ProductAlreadyExistsErrorResolver,
  ProductResolver,
  StockLevelResolver,
} from './product.js';
import { ProductChangesResolver } from './product-changes.js';
import { ReservationResolver } from './reservation.js';
import { SaleTrialResolver } from './sale-trial.js';
import { SetTransferResolver, StockSetResolver, StockTransferredResolver } from './set-transfer.js';
import { StockChangedResolver } from './stock-changed.js';
import { ViewerResolver } from './viewer.js';

const RESOLVERS = [
  ProductResolver,
  ProductAlreadyExistsErrorResolver,
  StockLevelResolver,
  ProductChangesResolver,
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
  ViewerResolver,
  FleetResolver,
  HotProductResolver,
  JourneyResolver,
] as const;

/** What only the server of `stockade dev` has. */
const DEVELOPMENT_RESOLVERS = [...RESOLVERS, SaleTrialResolver] as const;

/**
 * @param options.federation whether it is a subgraph of a supergraph.
 * @param options.development whether it has what only the server of `stockade dev` can do.
 */
export function buildStockadeSchema({
  federation = false,
  development = false,
} = {}): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: development ? DEVELOPMENT_RESOLVERS : RESOLVERS,
    pubSub: NO_PUB_SUB,
    // The domain checks input, and answers errors of the schema's types.
    validate: false,
  });
  const direct = callMutationsDirectly(schema);
  return guardRootFields(federation ? withFederation(direct) : direct);
}

type Mutation = (input: unknown, context: unknown) => unknown;

/**
 * Calls each mutation's method with its input and the context, as type-graphql does. But type-graphql copies the input
 * into an instance of its class, which has no methods, and waits for a validation that is switched off.
 */
function callMutationsDirectly(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) {
    const [Resolver] = DEVELOPMENT_RESOLVERS.filter(({ prototype }) => field.name in prototype);
    const [argument, ...more] = field.args;
    if (!Resolver || argument?.name !== 'input' || more.length > 0) {
      throw new Error(
        `${field.name} must be a method of a resolver, and take one argument: input.`,
      );
    }
    const resolver = new Resolver() as unknown as Readonly<Record<string, Mutation>>;
    field.resolve = (_source, { input }: { input: unknown }, context) =>
      resolver[field.name]?.(input, context);
  }
  return schema;
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
