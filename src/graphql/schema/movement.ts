/** The ledger as clients see it. */
import { Field, ID, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { MovementKind } from '../../inventory/stock.js';
import { DateTime } from './date-time.js';
import { PageInfo } from './page.js';

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
    INITIAL: { description: 'The quantity with which the product was created.' },
    DEDUCTION: { description: 'Taken out.' },
    INCREASE: { description: 'Put in or back.' },
    CORRECTION: { description: 'Set after a count.' },
    TRANSFER_OUT: { description: 'Moved to another location.' },
    TRANSFER_IN: { description: 'Moved here from another location.' },
    RESERVATION_COMMIT: { description: 'Taken out for a reservation.' },
  },
});

@ObjectType('StockMovement', {
  simpleResolvers: true,
  description:
    'One line of the ledger. quantityBefore + delta = quantityAfter, and the next line of the same product ' +
    'and location begins where this one ended.',
})
export class StockMovement {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int, {
    description: 'Counts 1, 2, 3 … without a gap for one product and location.',
  })
  readonly sequence!: number;

  @Field(() => StockMovementKind)
  readonly kind!: MovementKind;

  @Field(() => Int, { description: 'The change of the quantity on hand; negative where it fell.' })
  readonly delta!: number;

  @Field(() => Int, { description: 'On hand before.' })
  readonly quantityBefore!: number;

  @Field(() => Int, { description: 'On hand after.' })
  readonly quantityAfter!: number;

  @Field(() => String, { nullable: true, description: 'As the request gave it.' })
  readonly reason!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The order or document that the request was for, as it gave it.',
  })
  readonly reference!: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The key of the request that wrote the line.',
  })
  readonly idempotencyKey!: string | null;

  @Field(() => String, {
    nullable: true,
    description: "Who asked: the principal's stable name; null where none was needed.",
  })
  readonly principal!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      "The lock's fencing token under which the line was written; null where no lock was held.",
  })
  readonly fencingToken!: string | null;

  @Field(() => DateTime)
  readonly createdAt!: Date;
}

@ObjectType('StockMovementEdge', { simpleResolvers: true })
export class StockMovementEdge {
  @Field(() => String, { description: 'For `after` or `before`; opaque.' })
  readonly cursor!: string;

  @Field(() => StockMovement)
  readonly node!: StockMovement;
}

@ObjectType('StockMovementConnection', {
  simpleResolvers: true,
  description: 'A page of the ledger, newest first.',
})
export class StockMovementConnection {
  @Field(() => [StockMovementEdge])
  readonly edges!: readonly StockMovementEdge[];

  @Field(() => [StockMovement], {
    description: 'The nodes of the edges, for who needs no cursors.',
  })
  readonly nodes!: readonly StockMovement[];

  @Field(() => PageInfo)
  readonly pageInfo!: PageInfo;
}
