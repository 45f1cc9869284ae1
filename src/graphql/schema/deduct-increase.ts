/** `deductStock` and `increaseStock`: lines in, one result per line out. */
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
  registerEnumType,
} from 'type-graphql';
import type { LineResult, StockResponse } from '../../inventory/stock-request.js';
import { LINES_MAX, type BatchMode } from '../../inventory/stock.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, nodesOfEntries, nodesOfLines } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { CountsLines, linesOfItems } from '../request-weight.js';
import { ID } from './id.js';
import { Product } from './product.js';
import {
  ExplainedInput,
  FailedItem,
  Line,
  MAX_WAIT_RULE,
  PRODUCT_NOW_RULE,
  StockLineInput,
  toFailedItem,
} from './stock-lines.js';

const BatchModes: { readonly [Mode in BatchMode]: Mode } = {
  PARTIAL: 'PARTIAL',
  ALL_OR_NOTHING: 'ALL_OR_NOTHING',
};

registerEnumType(BatchModes, {
  name: 'BatchMode',
  description: 'What happens to the other lines when one fails.',
  valuesConfig: {
    PARTIAL: { description: 'Each line is applied or refused on its own.' },
    ALL_OR_NOTHING: { description: 'All lines or none, in one transaction.' },
  },
});

@InputType()
abstract class ChangeStockInput extends ExplainedInput {
  @Field(() => [StockLineInput], {
    description: `1 to ${LINES_MAX} lines. Several lines may name the same product; each gets its own result.`,
  })
  readonly items!: readonly StockLineInput[];

  @Field(() => BatchModes, { defaultValue: BatchModes.PARTIAL })
  readonly mode!: BatchMode;

  @Field(() => Int, { nullable: true, description: MAX_WAIT_RULE })
  readonly maxWaitMs?: number | null;
}

@InputType('DeductStockInput')
export class DeductStockInput extends ChangeStockInput {}

@InputType('IncreaseStockInput')
export class IncreaseStockInput extends ChangeStockInput {}

@ObjectType({ simpleResolvers: true })
abstract class ChangedItem extends Line {
  @Field(() => Int, {
    description: 'Available at this location right after this line and before any later line.',
  })
  readonly remaining!: number;

  @Field(() => ID, { description: "The line's entry in the ledger." })
  readonly movementId!: string;
}

@ObjectType('DeductedItem', { simpleResolvers: true, description: 'A line that was deducted.' })
export class DeductedItem extends ChangedItem {}

@ObjectType('IncreasedItem', { simpleResolvers: true, description: 'A line that was added.' })
export class IncreasedItem extends ChangedItem {}

export const DeductStockResult = createUnionType({
  name: 'DeductStockResult',
  description: 'The result of one line.',
  types: () => [DeductedItem, FailedItem] as const,
});

export const IncreaseStockResult = createUnionType({
  name: 'IncreaseStockResult',
  description: 'The result of one line.',
  types: () => [IncreasedItem, FailedItem] as const,
});

const RESULTS_RULE =
  'One result per line, in the order of the input. Products are locked in another order.';
const LINES_REPLAYED_RULE =
  'True: this call decided no line; every result was stored by an earlier call with the same idempotencyKey.';

@ObjectType('DeductStockPayload', { simpleResolvers: true })
export class DeductStockPayload {
  @CountsNodes(nodesOfEntries)
  @Field(() => [DeductStockResult], { description: RESULTS_RULE })
  readonly results!: readonly (DeductedItem | FailedItem)[];

  @CountsNodes(nodesOfEntries)
  @Field(() => [DeductedItem], { description: 'The results of the lines that were deducted.' })
  readonly successfulItems!: readonly DeductedItem[];

  @CountsNodes(nodesOfEntries)
  @Field(() => [FailedItem], { description: 'The results of the lines that failed.' })
  readonly failedItems!: readonly FailedItem[];

  @Field(() => Boolean, { description: LINES_REPLAYED_RULE })
  readonly replayed!: boolean;
}

@ObjectType('IncreaseStockPayload', { simpleResolvers: true })
export class IncreaseStockPayload {
  @CountsNodes(nodesOfEntries)
  @Field(() => [IncreaseStockResult], { description: RESULTS_RULE })
  readonly results!: readonly (IncreasedItem | FailedItem)[];

  @Field(() => Boolean, { description: LINES_REPLAYED_RULE })
  readonly replayed!: boolean;
}

@Resolver()
export class DeductIncreaseResolver {
  @CountsNodes(nodesOfLines)
  @CountsLines(linesOfItems)
  @Mutation(() => DeductStockPayload, {
    description:
      'Deducts stock. In PARTIAL mode lines are independent: some may succeed while others fail.',
  })
  @RequiresScope('deduct')
  async deductStock(
    @Arg('input', () => DeductStockInput) input: DeductStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<DeductStockPayload> {
    return toDeductStockPayload(await services.deductStock.execute(input, caller));
  }

  @CountsNodes(nodesOfLines)
  @CountsLines(linesOfItems)
  @Mutation(() => IncreaseStockPayload, {
    description: 'Adds stock, for example a delivery or a return.',
  })
  @RequiresScope('manage')
  async increaseStock(
    @Arg('input', () => IncreaseStockInput) input: IncreaseStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<IncreaseStockPayload> {
    const { results, replayed } = await services.increaseStock.execute(input, caller);
    return { results: results.map((result) => toItem(IncreasedItem, result)), replayed };
  }
}

@Resolver(() => DeductedItem)
export class DeductedItemResolver {
  @FieldResolver(() => Product, { nullable: true, description: PRODUCT_NOW_RULE })
  product(@Root() item: DeductedItem, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(item.productId));
  }
}

@Resolver(() => IncreasedItem)
export class IncreasedItemResolver {
  @FieldResolver(() => Product, { nullable: true, description: PRODUCT_NOW_RULE })
  product(@Root() item: IncreasedItem, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(item.productId));
  }
}

function toDeductStockPayload(response: StockResponse): DeductStockPayload {
  const results = response.results.map((result) => toItem(DeductedItem, result));
  return {
    results,
    successfulItems: results.filter((item) => item instanceof DeductedItem),
    failedItems: results.filter((item) => item instanceof FailedItem),
    replayed: response.replayed,
  };
}

function toItem<Item extends ChangedItem>(
  Changed: new () => Item,
  result: LineResult,
): Item | FailedItem {
  const { line, verdict } = result;
  if (verdict.outcome === 'REFUSED') return toFailedItem(result);
  const { remaining, movementId } = verdict;
  return Object.assign(new Changed(), line, { remaining, movementId });
}
