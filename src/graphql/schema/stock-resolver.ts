/** Changing stock, and the ledger of all products: argument → domain → type, nothing else. */
import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { RequestContext } from '../context.js';
import { StockMovementConnection } from './movement.js';
import { nodesOfLines, nodesOfPage } from '../node-cost.js';
import { PageArgs, toConnection } from './page.js';
import { RequiresScope } from '../permissions.js';
import { Product } from './product.js';
import {
  DeductStockInput,
  DeductStockPayload,
  DeductedItem,
  IncreaseStockInput,
  IncreaseStockPayload,
  IncreasedItem,
  toDeductStockPayload,
  toIncreaseStockPayload,
} from './deduct-increase.js';

@Resolver()
export class StockResolver {
  @Mutation(() => DeductStockPayload, {
    complexity: nodesOfLines,
    description:
      'Takes stock out. In PARTIAL mode the lines are independent: some may succeed while others fail.',
  })
  @RequiresScope('deduct')
  async deductStock(
    @Arg('input', () => DeductStockInput) input: DeductStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<DeductStockPayload> {
    return toDeductStockPayload(await services.deductStock.execute(input, caller));
  }

  @Mutation(() => IncreaseStockPayload, {
    complexity: nodesOfLines,
    description: 'Puts stock in or back.',
  })
  @RequiresScope('manage')
  async increaseStock(
    @Arg('input', () => IncreaseStockInput) input: IncreaseStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<IncreaseStockPayload> {
    return toIncreaseStockPayload(await services.increaseStock.execute(input, caller));
  }

  @Query(() => StockMovementConnection, {
    complexity: nodesOfPage,
    description: 'The ledger of one product or of all, newest first.',
  })
  @RequiresScope('read')
  async stockMovements(
    @Arg('productId', () => ID, { nullable: true }) productId: string | null,
    @Args(() => PageArgs) page: PageArgs,
    @Ctx() context: RequestContext,
  ): Promise<StockMovementConnection> {
    const found = context.services.products.movements(page, productId ?? null);
    return toConnection(await context.inTime(found));
  }
}

const PRODUCT_RULE =
  'The product as it is now, also in a replayed answer; null where it could not be read';

@Resolver(() => DeductedItem)
export class DeductedItemResolver {
  @FieldResolver(() => Product, {
    nullable: true,
    description: `${PRODUCT_RULE} (the deduction stands).`,
  })
  product(@Root() item: DeductedItem, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(item.productId));
  }
}

@Resolver(() => IncreasedItem)
export class IncreasedItemResolver {
  @FieldResolver(() => Product, {
    nullable: true,
    description: `${PRODUCT_RULE} (the increase stands).`,
  })
  product(@Root() item: IncreasedItem, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(item.productId));
  }
}
