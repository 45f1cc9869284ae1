/**
 * Errors that are answers: what a client may expect for a line, a new product or a reservation. They are types of the
 * schema, so that code generators know them. Errors of a whole request are in format-error.ts.
 */
import { Field, InterfaceType, Int, ObjectType, registerEnumType } from 'type-graphql';
import type { InvalidInput } from '../../inventory/operation.js';
import { QUANTITY_MAX, isRetryable, type StockFailure } from '../../inventory/stock.js';

export const QUANTITY_MAX_TEXT = QUANTITY_MAX.toLocaleString('en-US');

export enum StockErrorCode {
  INSUFFICIENT_STOCK = 'INSUFFICIENT_STOCK',
  PRODUCT_NOT_FOUND = 'PRODUCT_NOT_FOUND',
  PRODUCT_ARCHIVED = 'PRODUCT_ARCHIVED',
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
  description: 'Why stock was not changed, for clients that tell errors apart by code.',
  valuesConfig: {
    INSUFFICIENT_STOCK: { description: 'Fewer units are available than requested.' },
    PRODUCT_NOT_FOUND: { description: 'No product has this id.' },
    PRODUCT_ARCHIVED: { description: 'The product is out of sale.' },
    LOCATION_NOT_FOUND: { description: 'No location has this id.' },
    INVALID_QUANTITY: {
      description: `The quantity is out of range, or the level would exceed ${QUANTITY_MAX_TEXT} units.`,
    },
    STALE_QUANTITY: { description: 'The quantity on hand is not the expected one.' },
    ABORTED: { description: 'Another line of the same all-or-nothing request failed.' },
    LOCK_TIMEOUT: { description: 'The product stayed busy for as long as a request may wait.' },
    OVERLOADED: {
      description:
        'The queue for this product is full, or your reservations hold as many of its units as they may.',
    },
    UNAVAILABLE: {
      description: 'The database or the lock is not reachable, or the server is stopping.',
    },
  },
});

@InterfaceType('Error', {
  description:
    'An error that is an answer. Keep a default branch on this interface: types may be added.',
})
export abstract class AnyError {
  @Field(() => String, { description: 'For people. Programs compare the type or the code.' })
  readonly message!: string;
}

@ObjectType('InvalidInputError', {
  implements: AnyError,
  description: 'An input value has the wrong form. Nothing was changed.',
})
export class InvalidInputError extends AnyError {
  @Field(() => String, { description: 'The input field with the wrong value.' })
  readonly field!: string;
}

@InterfaceType('StockError', {
  implements: AnyError,
  description: 'Why stock was not changed.',
})
export abstract class StockError extends AnyError {
  @Field(() => StockErrorCode, { description: "The error's type as a value." })
  readonly code!: StockErrorCode;

  @Field(() => Boolean, {
    description:
      'Whether the same line may succeed if it is sent again unchanged, with the same idempotencyKey.',
  })
  readonly retryable!: boolean;
}

@ObjectType('InsufficientStockError', {
  implements: StockError,
  description:
    'Not retryable. At a location where the product never had stock, 0 units are available.',
})
export class InsufficientStockError extends StockError {
  @Field(() => Int, { description: 'The units that the line requested.' })
  readonly requested!: number;

  @Field(() => Int, { description: 'The units that were available at the decision.' })
  readonly available!: number;
}

@ObjectType('ProductNotFoundError', {
  implements: StockError,
  description: 'No product has this id. Not retryable.',
})
export class ProductNotFoundError extends StockError {}

@ObjectType('ProductArchivedError', {
  implements: StockError,
  description:
    'The product is out of sale. Not retryable with the same idempotencyKey; with another one once it is restored.',
})
export class ProductArchivedError extends StockError {}

@ObjectType('LocationNotFoundError', {
  implements: StockError,
  description: 'No location has this id. Not retryable.',
})
export class LocationNotFoundError extends StockError {}

@ObjectType('InvalidQuantityError', {
  implements: StockError,
  description: `The quantity is out of range, or the level would exceed ${QUANTITY_MAX_TEXT} units. Not retryable.`,
})
export class InvalidQuantityError extends StockError {}

@ObjectType('StaleQuantityError', {
  implements: StockError,
  description: 'The quantity on hand is not changeFromQuantity. Not retryable.',
})
export class StaleQuantityError extends StockError {
  @Field(() => Int, { description: 'The quantity that the caller sent as changeFromQuantity.' })
  readonly expected!: number;

  @Field(() => Int, { description: 'The quantity on hand at the comparison.' })
  readonly actual!: number;
}

@ObjectType('AbortedError', {
  implements: StockError,
  description:
    'Another line of the same all-or-nothing request failed. Retryable exactly when the error of that line is.',
})
export class AbortedError extends StockError {}

@ObjectType('LockTimeoutError', {
  implements: StockError,
  description: 'The request waited as long as it may for its turn on the product. Retryable.',
})
export class LockTimeoutError extends StockError {
  @Field(() => Int, { description: 'How long the request waited, in milliseconds.' })
  readonly waitedMs!: number;

  @Field(() => Int, {
    description:
      'How long to wait before the retry, in milliseconds: from how fast the queue of this product moves.',
  })
  readonly retryAfterMs!: number;
}

@ObjectType('OverloadedError', {
  implements: StockError,
  description:
    'The queue for this product is full, or your reservations hold as many of its units as they may. ' +
    'Retryable after a pause.',
})
export class OverloadedError extends StockError {
  @Field(() => Int, { description: 'How long to wait before the retry, in milliseconds.' })
  readonly retryAfterMs!: number;
}

@ObjectType('UnavailableError', {
  implements: StockError,
  description:
    'The database or the lock is not reachable, or the server is stopping. ' +
    'Retryable, unless mayHaveApplied is true and no idempotencyKey was given.',
})
export class UnavailableError extends StockError {
  @Field(() => Boolean, {
    description:
      'True: the change may have been applied. Only the same call with the same idempotencyKey tells.',
  })
  readonly mayHaveApplied!: boolean;
}

export function toInvalidInputError({ field, message }: InvalidInput): InvalidInputError {
  return Object.assign(new InvalidInputError(), { field, message });
}

/** What a message names of the line that failed. */
export interface FailedLine {
  readonly productId?: string;
  /** One, or the two of a transfer. */
  readonly locationId?: string;
  readonly quantity?: number;
  readonly quantityMin?: 0 | 1;
}

/** The domain's failure as its type of the schema. */
export function toStockError(failure: StockFailure, line: FailedLine): StockError {
  const { type, message } = describe(failure, line);
  // The failure's own fields are those of its type.
  return Object.assign(new type(), failure, { message, retryable: isRetryable(failure) });
}

function describe(
  failure: StockFailure,
  { productId = '', locationId = '', quantity = 0, quantityMin = 1 }: FailedLine,
): { type: new () => StockError; message: string } {
  switch (failure.code) {
    case 'INSUFFICIENT_STOCK':
      return {
        type: InsufficientStockError,
        message: `Not enough stock: ${failure.requested} requested, ${failure.available} available.`,
      };
    case 'PRODUCT_NOT_FOUND':
      return {
        type: ProductNotFoundError,
        message: `No product has the id ${productId}. Check the id.`,
      };
    case 'PRODUCT_ARCHIVED':
      return {
        type: ProductArchivedError,
        message: `The product ${productId} is archived: it is out of sale. Restore it first.`,
      };
    case 'LOCATION_NOT_FOUND':
      return {
        type: LocationNotFoundError,
        message: `No location has the id ${locationId}. Check the id.`,
      };
    case 'INVALID_QUANTITY':
      return { type: InvalidQuantityError, message: quantityRule(quantity, quantityMin) };
    case 'STALE_QUANTITY':
      return {
        type: StaleQuantityError,
        message: `The quantity on hand is ${failure.actual}, not ${failure.expected}. Read it again.`,
      };
    case 'ABORTED':
      return {
        type: AbortedError,
        message: 'Another line of this request failed, so no line was applied. See its error.',
      };
    case 'LOCK_TIMEOUT':
      return {
        type: LockTimeoutError,
        message:
          `The product was busy for ${failure.waitedMs} ms; nothing was applied. ` +
          `Retry in ${failure.retryAfterMs} ms.`,
      };
    case 'OVERLOADED':
      return {
        type: OverloadedError,
        message:
          failure.of === 'HELD_UNITS'
            ? 'Your reservations would hold more units of this product than one principal may. ' +
              `Commit or release some, reserve fewer, or retry in ${failure.retryAfterMs} ms.`
            : `The queue for this product is full. Retry in ${failure.retryAfterMs} ms.`,
      };
    case 'UNAVAILABLE':
      return {
        type: UnavailableError,
        message: failure.mayHaveApplied
          ? 'It is not known whether this was applied. Retry with the same idempotencyKey, or read the ledger.'
          : 'The service is not available now; nothing was applied. Retry.',
      };
  }
}

function quantityRule(quantity: number, quantityMin: 0 | 1): string {
  return quantity < quantityMin || quantity > QUANTITY_MAX
    ? `Quantity must be between ${quantityMin} and ${QUANTITY_MAX_TEXT}; got ${quantity}.`
    : `A level must not exceed ${QUANTITY_MAX_TEXT} units; adding ${quantity} would exceed it. Add fewer.`;
}
