/** The ledger: its types and the query `stockMovements`. */
import {
  Arg,
  Args,
  Ctx,
  Field,
  InputType,
  Int,
  ObjectType,
  Query,
  Resolver,
  registerEnumType,
} from 'type-graphql';
import type { MovementFilter as DomainFilter } from '../../inventory/movements.js';
import type { MovementKind } from '../../inventory/stock.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, nodesOfEntries, nodesOfPage } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { DateTime } from './date-time.js';
import { ID } from './id.js';
import { CURSOR_RULE, NODES_RULE, PageArgs, PageInfo, toConnection } from './page.js';

const StockMovementKind: { readonly [Kind in MovementKind]: Kind } = {
  INITIAL: 'INITIAL',
  DEDUCTION: 'DEDUCTION',
  INCREASE: 'INCREASE',
  CORRECTION: 'CORRECTION',
  TRANSFER_OUT: 'TRANSFER_OUT',
  TRANSFER_IN: 'TRANSFER_IN',
  RESERVATION_COMMIT: 'RESERVATION_COMMIT',
};

registerEnumType(StockMovementKind, {
  name: 'StockMovementKind',
  description: 'Why a level changed.',
  valuesConfig: {
    INITIAL: { description: 'The initial quantity of a new product.' },
    DEDUCTION: { description: 'deductStock.' },
    INCREASE: { description: 'increaseStock.' },
    CORRECTION: { description: 'setStock, after a count.' },
    TRANSFER_OUT: { description: 'transferStock, to another location.' },
    TRANSFER_IN: { description: 'transferStock, from another location.' },
    RESERVATION_COMMIT: { description: 'commitReservation.' },
  },
});

@ObjectType('StockMovement', {
  simpleResolvers: true,
  description:
    'One entry of the ledger. quantityBefore + delta = quantityAfter, and quantityAfter is the quantityBefore of ' +
    'the next entry of the same product and location.',
})
export class StockMovement {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int, { description: '1, 2, 3 … without a gap per product and location.' })
  readonly sequence!: number;

  @Field(() => StockMovementKind)
  readonly kind!: MovementKind;

  @Field(() => Int, { description: 'The change of the quantity on hand; negative: fewer units.' })
  readonly delta!: number;

  @Field(() => Int, { description: 'On hand before the change.' })
  readonly quantityBefore!: number;

  @Field(() => Int, { description: 'On hand after the change.' })
  readonly quantityAfter!: number;

  @Field(() => String, { nullable: true, description: 'The reason given in the request.' })
  readonly reason!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The order or document given in the request.',
  })
  readonly reference!: string | null;

  @Field(() => String, { nullable: true, description: 'The idempotency key of the request.' })
  readonly idempotencyKey!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The name of the principal that sent the request. Null: without authentication.',
  })
  readonly principal!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The lock's fencing token at the write. Null: no lock was held.",
  })
  readonly fencingToken!: string | null;

  @Field(() => DateTime)
  readonly createdAt!: Date;
}

@ObjectType('StockMovementEdge', { simpleResolvers: true })
export class StockMovementEdge {
  @Field(() => String, { description: CURSOR_RULE })
  readonly cursor!: string;

  @Field(() => StockMovement)
  readonly node!: StockMovement;
}

@ObjectType('StockMovementConnection', {
  simpleResolvers: true,
  description: 'A page of the ledger, newest entry first.',
})
export class StockMovementConnection {
  @CountsNodes(nodesOfEntries)
  @Field(() => [StockMovementEdge])
  readonly edges!: readonly StockMovementEdge[];

  @CountsNodes(nodesOfEntries)
  @Field(() => [StockMovement], { description: NODES_RULE })
  readonly nodes!: readonly StockMovement[];

  @Field(() => PageInfo)
  readonly pageInfo!: PageInfo;
}

@InputType('MovementFilter', {
  description:
    'An entry must match every given field. With locationId, or with more than one of productId, reference and ' +
    'kinds, a page looks at a bounded number of entries: it may be short, and even empty, while the list goes on. ' +
    'Use its endCursor or startCursor then.',
})
export class MovementFilter {
  @Field(() => ID, { nullable: true })
  readonly locationId?: string | null;

  @Field(() => String, { nullable: true, description: 'The reference given in the request.' })
  readonly reference?: string | null;

  @Field(() => [StockMovementKind], { nullable: true, description: 'One of these.' })
  readonly kinds?: readonly MovementKind[] | null;

  @Field(() => DateTime, { nullable: true, description: 'Written then or later.' })
  readonly since?: Date | null;

  @Field(() => DateTime, { nullable: true, description: 'Written before.' })
  readonly until?: Date | null;
}

export function toMovementFilter(filter: MovementFilter | null | undefined): DomainFilter {
  return {
    locationId: filter?.locationId ?? undefined,
    reference: filter?.reference ?? undefined,
    kinds: filter?.kinds ?? undefined,
    since: filter?.since ?? undefined,
    until: filter?.until ?? undefined,
  };
}

@Resolver()
export class MovementResolver {
  @CountsNodes(nodesOfPage)
  @Query(() => StockMovementConnection, {
    description:
      'The ledger of one product or of all products, in the order in which entries were written, the newest first. ' +
      'An entry that is committed late stands behind newer ones; a gap in the sequence of a product and location ' +
      'shows that one is missing.',
  })
  @RequiresScope('read')
  async stockMovements(
    @Arg('productId', () => ID, { nullable: true }) productId: string | null,
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => MovementFilter, { nullable: true }) filter: MovementFilter | null,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<StockMovementConnection> {
    const found = services.products.movements(
      page,
      productId ?? null,
      caller.deadline,
      toMovementFilter(filter),
    );
    return toConnection(await found);
  }
}
