/** Setting a quantity after a count, and moving stock between locations. */
import { Field, ID, InputType, Int, ObjectType, createUnionType } from 'type-graphql';
import { DEFAULT_LOCATION_ID, QUANTITY_MAX } from '../../inventory/stock.js';
import {
  InsufficientStockError,
  InvalidQuantityError,
  LocationNotFoundError,
  LockTimeoutError,
  OverloadedError,
  ProductNotFoundError,
  StaleQuantityError,
  UnavailableError,
} from './stock-error.js';
import { ExplainedInput, REPLAYED_RULE } from './deduct-increase.js';

@InputType('SetStockInput')
export class SetStockInput extends ExplainedInput {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID, {
    nullable: true,
    description: `The default location, \`${DEFAULT_LOCATION_ID}\`, where left out.`,
  })
  readonly locationId?: string | null;

  @Field(() => Int, {
    description: `0 to ${QUANTITY_MAX}. Below what is reserved: INSUFFICIENT_STOCK.`,
  })
  readonly quantity!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'The count that the caller believes in: where another quantity is on hand, nothing is set. ' +
      'Must be given (BAD_USER_INPUT where it is absent); null opts out of the comparison.',
  })
  readonly changeFromQuantity?: number | null;
}

@InputType('TransferStockInput', { description: 'From a place to itself: BAD_USER_INPUT.' })
export class TransferStockInput extends ExplainedInput {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly fromLocationId!: string;

  @Field(() => ID)
  readonly toLocationId!: string;

  @Field(() => Int, { description: `1 to ${QUANTITY_MAX}.` })
  readonly quantity!: number;
}

@ObjectType('StockSet', {
  simpleResolvers: true,
  description: 'The quantity on hand is what was asked for.',
})
export class StockSet {
  readonly productId!: string;

  @Field(() => ID, {
    nullable: true,
    description:
      'The line of the ledger that tells of it; null where the quantity was this already.',
  })
  readonly movementId!: string | null;

  @Field(() => Boolean, { description: REPLAYED_RULE })
  readonly replayed!: boolean;
}

@ObjectType('StockTransferred', {
  simpleResolvers: true,
  description: 'The stock is at the other location.',
})
export class StockTransferred {
  readonly productId!: string;

  @Field(() => [ID], {
    description: "The ledger's line of the way out, and the one of the way in.",
  })
  readonly movementIds!: readonly string[];

  @Field(() => Boolean, { description: REPLAYED_RULE })
  readonly replayed!: boolean;
}

export const SetStockResult = createUnionType({
  name: 'SetStockResult',
  description: 'Done, or why not.',
  types: () =>
    [
      StockSet,
      InsufficientStockError,
      ProductNotFoundError,
      LocationNotFoundError,
      InvalidQuantityError,
      StaleQuantityError,
      LockTimeoutError,
      OverloadedError,
      UnavailableError,
    ] as const,
});

export const TransferStockResult = createUnionType({
  name: 'TransferStockResult',
  description: 'Done, or why not.',
  types: () =>
    [
      StockTransferred,
      InsufficientStockError,
      ProductNotFoundError,
      LocationNotFoundError,
      InvalidQuantityError,
      LockTimeoutError,
      OverloadedError,
      UnavailableError,
    ] as const,
});
