/**
 * The errors that are answers: what a client may expect to hear about a line or about a new product. They are part of
 * the schema, so that a client's code generator knows them; faults of a whole request are in format-error.ts.
 */
import { Field, InterfaceType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { InvalidInput } from '../../inventory/operation.js';
import { QUANTITY_MAX, isRetryable, type StockFailure } from '../../inventory/stock.js';

export enum StockErrorCode {
  INSUFFICIENT_STOCK = 'INSUFFICIENT_STOCK',
  PRODUCT_NOT_FOUND = 'PRODUCT_NOT_FOUND',
  LOCATION_NOT_FOUND = 'LOCATION_NOT_FOUND',
  INVALID_QUANTITY = 'INVALID_QUANTITY',
  STALE_QUANTITY = 'STALE_QUANTITY',
  ABORTED = 'ABORTED',
  LOCK_TIMEOUT = 'LOCK_TIMEOUT',
  OVERLOADED = 'OVERLOADED',
  UNAVAILABLE = 'UNAVAILABLE',
}

registerEnumType(StockErrorCode, {
  name: 'StockErrorCode',
  description: 'Why stock could not be changed, for a client that tells errors apart by code.',
  valuesConfig: {
    INSUFFICIENT_STOCK: { description: 'Less is available than was asked for.' },
    PRODUCT_NOT_FOUND: { description: 'There is no product with this id.' },
    LOCATION_NOT_FOUND: { description: 'There is no location with this id.' },
    INVALID_QUANTITY: {
      description: `A line has 1 to ${QUANTITY_MAX} units, and a level holds no more than that.`,
    },
    STALE_QUANTITY: {
      description: 'The quantity on hand is not the one that the caller expected.',
    },
    ABORTED: { description: 'Another line of the same ALL_OR_NOTHING request failed.' },
    LOCK_TIMEOUT: { description: 'The product was busy for as long as a request may wait.' },
    OVERLOADED: { description: 'The queue for this product is full.' },
    UNAVAILABLE: { description: 'The database could not be reached.' },
  },
});

@InterfaceType('Error', {
  description:
    'Every error that is an answer. Keep a default branch on this interface: more types may come.',
})
export abstract class AnyError {
  @Field(() => String, { description: 'For people; programs tell errors apart by type or code.' })
  readonly message!: string;
}

@ObjectType('InvalidInputError', {
  implements: AnyError,
  description: 'A value of the input is not in the form that is asked for. Nothing was done.',
})
export class InvalidInputError extends AnyError {
  @Field(() => String, { description: 'The field of the input that is wrong.' })
  readonly field!: string;
}

@InterfaceType('StockError', {
  implements: AnyError,
  description: 'Why stock could not be changed.',
})
export abstract class StockError extends AnyError {
  @Field(() => StockErrorCode, { description: 'The same as the type, as a value.' })
  readonly code!: StockErrorCode;

  @Field(() => Boolean, {
    description:
      'Whether the same line may succeed if it is sent again unchanged, with the same idempotencyKey.',
  })
  readonly retryable!: boolean;
}

@ObjectType('InsufficientStockError', {
  implements: StockError,
  description: 'Not retryable. A known location without a level of this product has 0 available.',
})
export class InsufficientStockError extends StockError {
  @Field(() => Int, { description: 'The units that the line asked for.' })
  readonly requested!: number;

  @Field(() => Int, { description: 'The units that were available when it was decided.' })
  readonly available!: number;
}

@ObjectType('ProductNotFoundError', {
  implements: StockError,
  description: 'There is no product with this id. Not retryable.',
})
export class ProductNotFoundError extends StockError {}

@ObjectType('LocationNotFoundError', {
  implements: StockError,
  description: 'There is no location with this id. Not retryable.',
})
export class LocationNotFoundError extends StockError {}

@ObjectType('InvalidQuantityError', {
  implements: StockError,
  description: `A line has 1 to ${QUANTITY_MAX} units, and a level holds no more than that. Not retryable.`,
})
export class InvalidQuantityError extends StockError {}

@ObjectType('StaleQuantityError', {
  implements: StockError,
  description: 'The quantity on hand is not what changeFromQuantity says. Not retryable.',
})
export class StaleQuantityError extends StockError {
  @Field(() => Int, { description: 'What the caller believed, as changeFromQuantity said.' })
  readonly expected!: number;

  @Field(() => Int, { description: 'The quantity on hand when it was compared.' })
  readonly actual!: number;
}

@ObjectType('AbortedError', {
  implements: StockError,
  description:
    'ALL_OR_NOTHING: this line did not fail by itself, another one did; retryable exactly when that one is.',
})
export class AbortedError extends StockError {}

@ObjectType('LockTimeoutError', {
  implements: StockError,
  description: "Waited as long as is allowed for the product's turn. Retryable.",
})
export class LockTimeoutError extends StockError {
  @Field(() => Int, { description: 'How long it waited, in milliseconds.' })
  readonly waitedMs!: number;
}

@ObjectType('OverloadedError', {
  implements: StockError,
  description: 'The queue for this product is full. Retryable, after a pause.',
})
export class OverloadedError extends StockError {
  @Field(() => Int, { description: 'How long to pause before trying again, in milliseconds.' })
  readonly retryAfterMs!: number;
}

@ObjectType('UnavailableError', {
  implements: StockError,
  description:
    'The database could not be reached. Retryable, unless mayHaveApplied is true and no idempotencyKey was given.',
})
export class UnavailableError extends StockError {
  @Field(() => Boolean, {
    description:
      'True: it may have been applied; only the same call with the same idempotencyKey tells.',
  })
  readonly mayHaveApplied!: boolean;
}

export function toInvalidInputError({ field, message }: InvalidInput): InvalidInputError {
  return Object.assign(new InvalidInputError(), { field, message });
}

/** The domain's failure as the type of the schema that says it. */
export function toStockError(failure: StockFailure): StockError {
  const { type, message } = describe(failure);
  // The failure's own fields are those of its type.
  return Object.assign(new type(), failure, { message, retryable: isRetryable(failure) });
}

function describe(failure: StockFailure): { type: new () => StockError; message: string } {
  switch (failure.code) {
    case 'INSUFFICIENT_STOCK':
      return {
        type: InsufficientStockError,
        message: `${failure.requested} requested, ${failure.available} available.`,
      };
    case 'PRODUCT_NOT_FOUND':
      return { type: ProductNotFoundError, message: 'There is no product with this id.' };
    case 'LOCATION_NOT_FOUND':
      return { type: LocationNotFoundError, message: 'There is no location with this id.' };
    case 'INVALID_QUANTITY':
      return {
        type: InvalidQuantityError,
        message: `A line has 1 to ${QUANTITY_MAX} units, and a level holds no more than that.`,
      };
    case 'STALE_QUANTITY':
      return {
        type: StaleQuantityError,
        message: `${failure.expected} were expected, ${failure.actual} are on hand.`,
      };
    case 'ABORTED':
      return { type: AbortedError, message: 'Another line of this request failed.' };
    case 'LOCK_TIMEOUT':
      return {
        type: LockTimeoutError,
        message: `The product was busy for ${failure.waitedMs} ms; try again.`,
      };
    case 'OVERLOADED':
      return {
        type: OverloadedError,
        message: `Too many wait for this product; try again in ${failure.retryAfterMs} ms.`,
      };
    case 'UNAVAILABLE':
      return {
        type: UnavailableError,
        message: failure.mayHaveApplied
          ? 'The database did not say whether this was applied.'
          : 'The database could not be reached; nothing was applied.',
      };
  }
}
