/** `setStock` after a count, and `transferStock` between locations. */
import {
  Arg,
  Ctx,
  Field,
  FieldResolver,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Resolver,
  Root,
  createUnionType,
} from 'type-graphql';
import { DEFAULT_LOCATION_ID } from '../../inventory/stock.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, smallNodes } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { ID } from './id.js';
import { Product } from './product.js';
import {
  InsufficientStockError,
  InvalidQuantityError,
  LocationNotFoundError,
  LockTimeoutError,
  OverloadedError,
  ProductNotFoundError,
  QUANTITY_MAX_TEXT,
  StaleQuantityError,
  UnavailableError,
  toStockError,
  type StockError,
} from './stock-error.js';
import {
  DEFAULT_LOCATION_RULE,
  ExplainedInput,
  PRODUCT_NOW_RULE,
  QUANTITY_RULE,
  REPLAYED_RULE,
} from './stock-lines.js';

@InputType('SetStockInput')
export class SetStockInput extends ExplainedInput {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID, { nullable: true, description: DEFAULT_LOCATION_RULE })
  readonly locationId?: string | null;

  @Field(() => Int, {
    description: `0 to ${QUANTITY_MAX_TEXT}. Fewer than the reserved units: INSUFFICIENT_STOCK.`,
  })
  readonly quantity!: number;

  @Field(() => Int, {
    nullable: true,
    description:
      'The quantity on hand that the caller expects; nothing is set where another one is found. ' +
      'Required: absent is BAD_USER_INPUT. null sets the quantity without a comparison.',
  })
  readonly changeFromQuantity?: number | null;
}

@InputType('TransferStockInput', {
  description: 'The two locations must differ; equal ones are BAD_USER_INPUT.',
})
export class TransferStockInput extends ExplainedInput {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly fromLocationId!: string;

  @Field(() => ID)
  readonly toLocationId!: string;

  @Field(() => Int, { description: QUANTITY_RULE })
  readonly quantity!: number;
}

@ObjectType('StockSet', {
  simpleResolvers: true,
  description: 'The quantity on hand is the requested one.',
})
export class StockSet {
  readonly productId!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The entry in the ledger. Null: the quantity on hand did not change.',
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

  @CountsNodes(smallNodes(2))
  @Field(() => [ID], {
    description: 'The two entries in the ledger: first the one out, then the one in.',
  })
  readonly movementIds!: readonly string[];

  @Field(() => Boolean, { description: REPLAYED_RULE })
  readonly replayed!: boolean;
}

export const SetStockResult = createUnionType({
  name: 'SetStockResult',
  description: 'Success, or the error.',
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
  description: 'Success, or the error.',
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

@Resolver()
export class SetTransferResolver {
  @Mutation(() => SetStockResult, { description: 'Sets the quantity on hand after a count.' })
  @RequiresScope('manage')
  async setStock(
    @Arg('input', () => SetStockInput) input: SetStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<StockSet | StockError> {
    const result = await services.setStock.execute(input, caller);
    if (result.outcome !== 'REFUSED') return Object.assign(new StockSet(), result);
    const { productId, quantity, locationId } = input;
    return toStockError(result.failure, {
      productId,
      locationId: locationId ?? DEFAULT_LOCATION_ID,
      quantity,
      quantityMin: 0,
    });
  }

  @Mutation(() => TransferStockResult, {
    description: 'Moves stock between two locations in one transaction.',
  })
  @RequiresScope('manage')
  async transferStock(
    @Arg('input', () => TransferStockInput) input: TransferStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<StockTransferred | StockError> {
    const result = await services.transferStock.execute(input, caller);
    if (result.outcome !== 'REFUSED') return Object.assign(new StockTransferred(), result);
    const { productId, quantity, fromLocationId, toLocationId } = input;
    const locationId = `${fromLocationId} or ${toLocationId}`;
    return toStockError(result.failure, { productId, locationId, quantity });
  }
}

@Resolver(() => StockSet)
export class StockSetResolver {
  @FieldResolver(() => Product, { nullable: true, description: PRODUCT_NOW_RULE })
  product(@Root() set: StockSet, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(set.productId));
  }
}

@Resolver(() => StockTransferred)
export class StockTransferredResolver {
  @FieldResolver(() => Product, { nullable: true, description: PRODUCT_NOW_RULE })
  product(
    @Root() transferred: StockTransferred,
    @Ctx() context: RequestContext,
  ): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(transferred.productId));
  }
}
