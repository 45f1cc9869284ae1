/** Counting and moving stock: argument → domain → type, nothing else. */
import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import {
  SetStockInput,
  SetStockResult,
  StockSet,
  StockTransferred,
  TransferStockInput,
  TransferStockResult,
} from './set-transfer.js';
import type { RequestContext } from '../context.js';
import { toStockError, type StockError } from './stock-error.js';
import { RequiresScope } from '../permissions.js';
import { Product } from './product.js';

@Resolver()
export class ChangeResolver {
  @Mutation(() => SetStockResult, { description: 'Sets the quantity on hand after a count.' })
  @RequiresScope('manage')
  async setStock(
    @Arg('input', () => SetStockInput) input: SetStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<StockSet | StockError> {
    const result = await services.setStock.execute(input, caller);
    if (result.outcome === 'REFUSED') return toStockError(result.failure);
    return Object.assign(new StockSet(), result);
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
    if (result.outcome === 'REFUSED') return toStockError(result.failure);
    return Object.assign(new StockTransferred(), result);
  }
}

const PRODUCT_RULE =
  'The product as it is now; null where it could not be read (the change stands).';

@Resolver(() => StockSet)
export class StockSetResolver {
  @FieldResolver(() => Product, { nullable: true, description: PRODUCT_RULE })
  product(@Root() set: StockSet, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(set.productId));
  }
}

@Resolver(() => StockTransferred)
export class StockTransferredResolver {
  @FieldResolver(() => Product, { nullable: true, description: PRODUCT_RULE })
  product(
    @Root() moved: StockTransferred,
    @Ctx() context: RequestContext,
  ): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(moved.productId));
  }
}
