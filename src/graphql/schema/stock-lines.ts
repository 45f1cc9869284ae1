/** What the mutations of stock share: lines, the idempotency key, and the result of a line that failed. */
import { Field, InputType, Int, ObjectType } from 'type-graphql';
import type { LineResult } from '../../inventory/stock-request.js';
import { DEFAULT_LOCATION_ID } from '../../inventory/stock.js';
import { ID } from './id.js';
import { QUANTITY_MAX_TEXT, StockError, toStockError } from './stock-error.js';

/** Of a mutation that is decided as a whole. */
export const REPLAYED_RULE =
  'True: an earlier call with the same idempotencyKey did this, and its answer is repeated.';
export const PRODUCT_NOW_RULE =
  'The product as it is now, also in a replayed answer. Null: it could not be read; the change stands.';
export const DEFAULT_LOCATION_RULE = `Default: the location \`${DEFAULT_LOCATION_ID}\`.`;
export const MAX_WAIT_RULE =
  "How long the lines may wait for their products' turn, in milliseconds, 1 or more; " +
  "the server's own bound where left out or longer. Without a turn in time they fail with LockTimeoutError.";
export const QUANTITY_RULE = `1 to ${QUANTITY_MAX_TEXT}.`;

@InputType('StockLineInput', { description: 'Units of one product at one location.' })
export class StockLineInput {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => Int, {
    description: `${QUANTITY_RULE} A line with a quantity out of range fails with InvalidQuantityError.`,
  })
  readonly quantity!: number;

  @Field(() => ID, { nullable: true, description: DEFAULT_LOCATION_RULE })
  readonly locationId?: string | null;
}

@InputType()
export abstract class KeyedInput {
  @Field(() => String, {
    nullable: true,
    description:
      '1 to 255 characters. Makes a retry safe: what was decided under a key is answered the same every time, and ' +
      'lines that failed with retryable: true are tried again. The same key with another input or for another ' +
      'operation is refused with IDEMPOTENCY_KEY_REUSED.',
  })
  readonly idempotencyKey?: string | null;
}

@InputType()
export abstract class ExplainedInput extends KeyedInput {
  @Field(() => String, { nullable: true, description: 'For the ledger; at most 255 characters.' })
  readonly reason?: string | null;

  @Field(() => String, {
    nullable: true,
    description: 'The order or document that this belongs to; at most 255 characters.',
  })
  readonly reference?: string | null;
}

@ObjectType({ simpleResolvers: true })
export abstract class Line {
  @Field(() => Int, { description: 'The position of the line in the input, from 0.' })
  readonly index!: number;

  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int)
  readonly quantity!: number;
}

@ObjectType('FailedItem', {
  simpleResolvers: true,
  description: 'A line that changed nothing, with its error.',
})
export class FailedItem extends Line {
  @Field(() => StockError)
  readonly error!: StockError;
}

/** @throws Error for a line that did not fail. */
export function toFailedItem({ line, verdict }: LineResult): FailedItem {
  if (verdict.outcome !== 'REFUSED') throw new Error('The line must have failed; it was applied.');
  return Object.assign(new FailedItem(), line, { error: toStockError(verdict.failure, line) });
}
