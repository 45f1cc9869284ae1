/** Changing stock: lines in, one result for each line out. */
import {
  Field,
  ID,
  InputType,
  Int,
  ObjectType,
  createUnionType,
  registerEnumType,
} from 'type-graphql';
import type { LineResult, StockResponse } from '../../inventory/stock-request.js';
import {
  DEFAULT_LOCATION_ID,
  LINES_MAX,
  QUANTITY_MAX,
  type BatchMode,
} from '../../inventory/stock.js';
import { StockError, toStockError } from './stock-error.js';

const BatchModes: { readonly [Mode in BatchMode]: Mode } = {
  PARTIAL: 'PARTIAL',
  ALL_OR_NOTHING: 'ALL_OR_NOTHING',
};

registerEnumType(BatchModes, {
  name: 'BatchMode',
  description: 'What becomes of the other lines where one fails.',
  valuesConfig: {
    PARTIAL: { description: 'Each line is taken or refused by itself.' },
    ALL_OR_NOTHING: { description: 'All lines or none, in one transaction.' },
  },
});

@InputType('StockLineInput', { description: 'So many units of one product at one location.' })
export class StockLineInput {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => Int, {
    description: `1 to ${QUANTITY_MAX}. A quantity out of range is answered line by line, with InvalidQuantityError.`,
  })
  readonly quantity!: number;

  @Field(() => ID, {
    nullable: true,
    description: `The default location, \`${DEFAULT_LOCATION_ID}\`, where left out.`,
  })
  readonly locationId?: string | null;
}

@InputType()
export abstract class KeyedInput {
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters. What was decided under a key is answered the same every time; what ' +
      'failed with retryable: true is tried again. The same key with other input, or for another operation, ' +
      'is the fault IDEMPOTENCY_KEY_REUSED.',
  })
  readonly idempotencyKey?: string | null;
}

@InputType()
export abstract class ExplainedInput extends KeyedInput {
  @Field(() => String, { nullable: true, description: 'For the ledger; at most 255 characters.' })
  readonly reason?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The order or document that this is for; at most 255 characters.',
  })
  readonly reference?: string | null;
}

@InputType()
abstract class ChangeStockInput extends ExplainedInput {
  @Field(() => [StockLineInput], {
    description: `1 to ${LINES_MAX} lines. A product may stand in several lines; each line gets its own result.`,
  })
  readonly items!: readonly StockLineInput[];

  @Field(() => BatchModes, { defaultValue: BatchModes.PARTIAL })
  readonly mode!: BatchMode;
}

@InputType('DeductStockInput')
export class DeductStockInput extends ChangeStockInput {}

@InputType('IncreaseStockInput')
export class IncreaseStockInput extends ChangeStockInput {}

@ObjectType({ simpleResolvers: true })
abstract class Line {
  @Field(() => Int, { description: "The line's place in the input, from 0." })
  readonly index!: number;

  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int)
  readonly quantity!: number;
}

@ObjectType({ simpleResolvers: true })
abstract class ChangedItem extends Line {
  @Field(() => Int, {
    description: 'Available at this location right after this line, and before any later one.',
  })
  readonly remaining!: number;

  @Field(() => ID, { description: 'The line of the ledger that tells of it.' })
  readonly movementId!: string;
}

@ObjectType('DeductedItem', { simpleResolvers: true, description: 'A line that was taken out.' })
export class DeductedItem extends ChangedItem {}

@ObjectType('IncreasedItem', { simpleResolvers: true, description: 'A line that was put in.' })
export class IncreasedItem extends ChangedItem {}

@ObjectType('FailedItem', {
  simpleResolvers: true,
  description: 'A line that changed nothing, and why.',
})
export class FailedItem extends Line {
  @Field(() => StockError)
  readonly error!: StockError;
}

export const DeductStockResult = createUnionType({
  name: 'DeductStockResult',
  description: 'What became of one line.',
  types: () => [DeductedItem, FailedItem] as const,
});

export const IncreaseStockResult = createUnionType({
  name: 'IncreaseStockResult',
  description: 'What became of one line.',
  types: () => [IncreasedItem, FailedItem] as const,
});

const RESULTS_RULE =
  'One result for each line, in the order in which the lines were given, whatever the order in which they were locked.';
/** Of what is decided as a whole. */
export const REPLAYED_RULE = 'True where an earlier call with the same idempotencyKey did it.';
const LINES_REPLAYED_RULE =
  'True where this call decided no line: every answer was stored by an earlier call with the same idempotencyKey.';

@ObjectType('DeductStockPayload', { simpleResolvers: true })
export class DeductStockPayload {
  @Field(() => [DeductStockResult], { description: RESULTS_RULE })
  readonly results!: readonly (DeductedItem | FailedItem)[];

  @Field(() => [DeductedItem], { description: 'Of the results, those that were taken.' })
  readonly successfulItems!: readonly DeductedItem[];

  @Field(() => [FailedItem], { description: 'Of the results, those that failed.' })
  readonly failedItems!: readonly FailedItem[];

  @Field(() => Boolean, { description: LINES_REPLAYED_RULE })
  readonly replayed!: boolean;
}

@ObjectType('IncreaseStockPayload', { simpleResolvers: true })
export class IncreaseStockPayload {
  @Field(() => [IncreaseStockResult], { description: RESULTS_RULE })
  readonly results!: readonly (IncreasedItem | FailedItem)[];

  @Field(() => Boolean, { description: LINES_REPLAYED_RULE })
  readonly replayed!: boolean;
}

export function toDeductStockPayload(response: StockResponse): DeductStockPayload {
  const results = response.results.map((result) => toItem(DeductedItem, result));
  return {
    results,
    successfulItems: results.filter((item) => item instanceof DeductedItem),
    failedItems: results.filter((item) => item instanceof FailedItem),
    replayed: response.replayed,
  };
}

export function toIncreaseStockPayload(response: StockResponse): IncreaseStockPayload {
  const results = response.results.map((result) => toItem(IncreasedItem, result));
  return { results, replayed: response.replayed };
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

/** @throws for a line that did not fail. */
export function toFailedItem({ line, verdict }: LineResult): FailedItem {
  if (verdict.outcome !== 'REFUSED') throw new Error('This line did not fail.');
  return Object.assign(new FailedItem(), line, { error: toStockError(verdict.failure) });
}
