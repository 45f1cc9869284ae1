/** Holding stock for a buyer, and ending that. */
import {
  Field,
  ID,
  InputType,
  Int,
  ObjectType,
  createUnionType,
  registerEnumType,
} from 'type-graphql';
import {
  RESERVATION_TTL_SECONDS_MAX,
  isReservationFailure,
  type ReservationFailure,
  type ReservationStatus,
} from '../../inventory/reservation.js';
import { LINES_MAX, type StockFailure } from '../../inventory/stock.js';
import { DateTime } from './date-time.js';
import {
  AnyError,
  LockTimeoutError,
  OverloadedError,
  UnavailableError,
  toStockError,
} from './stock-error.js';
import { FailedItem, KeyedInput, REPLAYED_RULE, StockLineInput } from './deduct-increase.js';

const ReservationStatuses: { readonly [Status in ReservationStatus]: Status } = {
  ACTIVE: 'ACTIVE',
  COMMITTED: 'COMMITTED',
  RELEASED: 'RELEASED',
  EXPIRED: 'EXPIRED',
};

registerEnumType(ReservationStatuses, {
  name: 'ReservationStatus',
  description: 'What has become of a reservation.',
  valuesConfig: {
    ACTIVE: { description: 'It holds stock.' },
    COMMITTED: { description: 'What it held was taken out.' },
    RELEASED: { description: 'What it held was given back.' },
    EXPIRED: { description: 'Its time is over, and it holds nothing.' },
  },
});

@InputType('ReserveStockInput')
export class ReserveStockInput extends KeyedInput {
  @Field(() => [StockLineInput], { description: `All lines or none; 1 to ${LINES_MAX}.` })
  readonly items!: readonly StockLineInput[];

  @Field(() => Int, {
    defaultValue: 900,
    description: `How long stock is held, 1 to ${RESERVATION_TTL_SECONDS_MAX}; else BAD_USER_INPUT.`,
  })
  readonly ttlSeconds!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The cart or order that this is for; at most 255 characters.',
  })
  readonly reference?: string | null;
}

@InputType()
abstract class EndReservationInput extends KeyedInput {
  @Field(() => ID)
  readonly reservationId!: string;
}

@InputType('CommitReservationInput')
export class CommitReservationInput extends EndReservationInput {}

@InputType('ReleaseReservationInput')
export class ReleaseReservationInput extends EndReservationInput {}

@ObjectType('ReservedItem', { simpleResolvers: true, description: 'What is held of one product.' })
export class ReservedItem {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int)
  readonly quantity!: number;
}

@ObjectType('Reservation', {
  simpleResolvers: true,
  description:
    'Stock that is held for a buyer, until it is committed, released, or its time is over.',
})
export class Reservation {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => ReservationStatuses, { description: "By the database's clock, at this moment." })
  readonly status!: ReservationStatus;

  @Field(() => [ReservedItem], { description: 'In the order in which they were reserved.' })
  readonly items!: readonly ReservedItem[];

  @Field(() => DateTime, { description: 'From this moment on it holds nothing.' })
  readonly expiresAt!: Date;

  @Field(() => String, { nullable: true, description: 'As the request gave it.' })
  readonly reference!: string | null;

  @Field(() => DateTime)
  readonly createdAt!: Date;
}

@ObjectType('ReserveStockPayload', { simpleResolvers: true })
export class ReserveStockPayload {
  @Field(() => Reservation, { nullable: true, description: 'Null where a line failed.' })
  readonly reservation!: Reservation | null;

  @Field(() => [FailedItem], {
    description: 'The lines that failed, and those that they aborted; none where stock is held.',
  })
  readonly failedItems!: readonly FailedItem[];

  @Field(() => Boolean, {
    description: 'True where an earlier call with the same idempotencyKey decided it.',
  })
  readonly replayed!: boolean;
}

@ObjectType({ simpleResolvers: true })
abstract class EndedReservation {
  @Field(() => Reservation)
  readonly reservation!: Reservation;

  @Field(() => Boolean, { description: REPLAYED_RULE })
  readonly replayed!: boolean;
}

@ObjectType('ReservationCommitted', {
  simpleResolvers: true,
  description: 'What was held has been taken out.',
})
export class ReservationCommitted extends EndedReservation {
  @Field(() => [ID], { description: "The ledger's lines, in the order of the reservation's." })
  readonly movementIds!: readonly string[];
}

@ObjectType('ReservationReleased', {
  simpleResolvers: true,
  description: 'What was held is available again.',
})
export class ReservationReleased extends EndedReservation {}

@ObjectType('ReservationNotFoundError', {
  implements: AnyError,
  description: 'There is no reservation with this id.',
})
export class ReservationNotFoundError extends AnyError {}

@ObjectType('ReservationNotActiveError', {
  implements: AnyError,
  description: 'It was committed or released before, or has expired.',
})
export class ReservationNotActiveError extends AnyError {
  @Field(() => ReservationStatuses, { description: 'What has become of it.' })
  readonly status!: ReservationStatus;
}

export const CommitReservationResult = createUnionType({
  name: 'CommitReservationResult',
  description: 'Done, or why not.',
  types: () =>
    [
      ReservationCommitted,
      ReservationNotFoundError,
      ReservationNotActiveError,
      LockTimeoutError,
      OverloadedError,
      UnavailableError,
    ] as const,
});

export const ReleaseReservationResult = createUnionType({
  name: 'ReleaseReservationResult',
  description: 'Done, or why not.',
  types: () =>
    [
      ReservationReleased,
      ReservationNotFoundError,
      ReservationNotActiveError,
      LockTimeoutError,
      OverloadedError,
      UnavailableError,
    ] as const,
});

/** Why a reservation could not be ended, as the type of the schema that says it. */
export function toReservationError(failure: StockFailure | ReservationFailure): AnyError {
  if (!isReservationFailure(failure)) return toStockError(failure);
  if (failure.code === 'RESERVATION_NOT_FOUND') {
    return Object.assign(new ReservationNotFoundError(), {
      message: 'There is no reservation with this id.',
    });
  }
  const { status } = failure;
  return Object.assign(new ReservationNotActiveError(), {
    message: `The reservation is not active: it is ${status}.`,
    status,
  });
}
