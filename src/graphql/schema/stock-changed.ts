/** The subscription `stockChanged`. */
import {
  Arg,
  Field,
  Int,
  ObjectType,
  Resolver,
  Root,
  Subscription,
  createUnionType,
} from 'type-graphql';
import { checkWatchedIds, type StockEvent as DomainEvent } from '../../inventory/stock-changes.js';
import type { RequestContext } from '../context.js';
import { RequiresScope } from '../permissions.js';
import { DateTime } from './date-time.js';
import { ID } from './id.js';
import { Product } from './product.js';

@ObjectType('StockChange', {
  simpleResolvers: true,
  description:
    'A level after a committed change. A subscriber that reads more slowly than levels change gets the latest state ' +
    'of each level, not every state. The versions of one level only grow.',
})
export class StockChange {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int)
  readonly onHand!: number;

  @Field(() => Int, { description: 'Held by reservations that have not expired.' })
  readonly reserved!: number;

  @Field(() => Int, { description: 'onHand - reserved, at this location.' })
  readonly available!: number;

  @Field(() => Int, {
    description:
      'Over all locations, read when the change is sent: it may be newer than the change.',
  })
  readonly productAvailable!: number;

  @Field(() => Int, {
    description: 'Grows with every change of this level, reservations included.',
  })
  readonly version!: number;

  @Field(() => Boolean, {
    description: "productAvailable is at or below the product's lowStockThreshold.",
  })
  readonly lowStock!: boolean;

  @Field(() => Product, {
    nullable: true,
    description: 'As it is when the change is sent. Null: it could not be read.',
  })
  readonly product!: Product | null;
}

@ObjectType('StockChangesMissed', {
  simpleResolvers: true,
  description: 'Changes may have been missed: read the levels again.',
})
export class StockChangesMissed {
  @Field(() => DateTime, {
    nullable: true,
    description: "From when on, by the server's clock. Null: not known.",
  })
  readonly since!: Date | null;
}

export const StockEvent = createUnionType({
  name: 'StockEvent',
  description: 'A change, or a notice that changes may have been missed.',
  types: () => [StockChange, StockChangesMissed] as const,
});

@Resolver()
export class StockChangedResolver {
  @RequiresScope('read')
  @Subscription(() => StockEvent, {
    subscribe: ({ args, context }) => {
      const { productIds } = args as { readonly productIds?: readonly string[] | null };
      const { services } = context as RequestContext;
      return services.stockWatch.watch(checkWatchedIds(productIds));
    },
    description:
      'Levels after each committed change, made by any process. Without productIds: of all products.',
  })
  stockChanged(
    @Arg('productIds', () => [ID], { nullable: true, description: '1 to 100 ids.' })
    productIds: string[] | null,
    @Root() event: DomainEvent,
  ): StockChange | StockChangesMissed {
    switch (event.kind) {
      case 'CHANGED':
        return Object.assign(new StockChange(), event.change);
      case 'MISSED':
        return Object.assign(new StockChangesMissed(), { since: event.since });
    }
  }
}
