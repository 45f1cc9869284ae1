/** Reservations: the types, `reservation`, `reservations`, and the mutations that make, extend and end one. */
import {
  Arg,
  Args,
  Ctx,
  Field,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
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
import type { RequestContext } from '../context.js';
import {
  CountsNodes,
  nodesOfEntries,
  nodesOfLines,
  nodesOfPage,
  smallNodes,
} from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { CountsLines, linesOfItems } from '../request-weight.js';
import { DateTime } from './date-time.js';
import { ID } from './id.js';
import { CURSOR_RULE, NODES_RULE, PageArgs, PageInfo, toConnection } from './page.js';
import {
  AnyError,
  LockTimeoutError,
  OverloadedError,
  UnavailableError,
  toStockError,
} from './stock-error.js';
import {
  FailedItem,
  KeyedInput,
  MAX_WAIT_RULE,
  REPLAYED_RULE,
  StockLineInput,
  toFailedItem,
} from './stock-lines.js';

const ReservationStatuses: { readonly [Status in ReservationStatus]: Status } = {
  ACTIVE: 'ACTIVE',
  COMMITTED: 'COMMITTED',
  RELEASED: 'RELEASED',
  EXPIRED: 'EXPIRED',
};

registerEnumType(ReservationStatuses, {
  name: 'ReservationStatus',
  description: 'The state of a reservation.',
  valuesConfig: {
    ACTIVE: { description: 'It holds stock.' },
    COMMITTED: { description: 'Its stock was deducted.' },
    RELEASED: { description: 'Its stock was made available again.' },
    EXPIRED: { description: 'Its time ended, and it holds nothing.' },
  },
});

@InputType('ReserveStockInput')
export class ReserveStockInput extends KeyedInput {
  @Field(() => [StockLineInput], {
    description: `1 to ${LINES_MAX} lines, of which all are reserved or none.`,
  })
  readonly items!: readonly StockLineInput[];

  @Field(() => Int, {
    defaultValue: 900,
    description: `How long stock is held, 1 to ${RESERVATION_TTL_SECONDS_MAX.toLocaleString('en-US')}.`,
  })
  readonly ttlSeconds!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The cart or order that this belongs to; at most 255 characters.',
  })
  readonly reference?: string | null;

  @Field(() => Int, { nullable: true, description: MAX_WAIT_RULE })
  readonly maxWaitMs?: number | null;
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

@InputType('ExtendReservationInput')
export class ExtendReservationInput {
  @Field(() => ID)
  readonly reservationId!: string;

  @Field(() => Int, {
    description: `How long stock is held from now on, 1 to ${RESERVATION_TTL_SECONDS_MAX.toLocaleString('en-US')}.`,
  })
  readonly ttlSeconds!: number;
}

@ObjectType('ReservedItem', { simpleResolvers: true, description: 'The held units of one line.' })
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
  description: 'Stock that is held until the reservation is committed, released, or expires.',
})
export class Reservation {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => ReservationStatuses, { description: "At this moment of the database's clock." })
  readonly status!: ReservationStatus;

  @CountsNodes(smallNodes(LINES_MAX))
  @Field(() => [ReservedItem], { description: 'In the order of the request.' })
  readonly items!: readonly ReservedItem[];

  @Field(() => DateTime, { description: 'From this moment on it holds nothing.' })
  readonly expiresAt!: Date;

  @Field(() => String, { nullable: true, description: 'The reference given in the request.' })
  readonly reference!: string | null;

  @Field(() => DateTime)
  readonly createdAt!: Date;
}

@ObjectType('ReservationEdge', { simpleResolvers: true })
export class ReservationEdge {
  @Field(() => String, { description: CURSOR_RULE })
  readonly cursor!: string;

  @Field(() => Reservation)
  readonly node!: Reservation;
}

@ObjectType('ReservationConnection', {
  simpleResolvers: true,
  description: 'A page of reservations, newest first.',
})
export class ReservationConnection {
  @CountsNodes(nodesOfEntries)
  @Field(() => [ReservationEdge])
  readonly edges!: readonly ReservationEdge[];

  @CountsNodes(nodesOfEntries)
  @Field(() => [Reservation], { description: NODES_RULE })
  readonly nodes!: readonly Reservation[];

  @Field(() => PageInfo)
  readonly pageInfo!: PageInfo;
}

@InputType('ReservationFilter', {
  description:
    'A reservation must match every given field. With status or productId a page looks at a bounded number of ' +
    'reservations: it may be short, and even empty, while hasNextPage is true. Go on from its endCursor.',
})
export class ReservationFilter {
  @Field(() => ReservationStatuses, { nullable: true, description: 'At this moment.' })
  readonly status?: ReservationStatus | null;

  @Field(() => ID, { nullable: true, description: 'A product of one of its lines.' })
  readonly productId?: string | null;

  @Field(() => String, { nullable: true, description: 'The reference given in the request.' })
  readonly reference?: string | null;
}

@ObjectType('ReserveStockPayload', { simpleResolvers: true })
export class ReserveStockPayload {
  @Field(() => Reservation, { nullable: true, description: 'Null: a line failed.' })
  readonly reservation!: Reservation | null;

  @CountsNodes(nodesOfEntries)
  @Field(() => [FailedItem], {
    description: 'The lines that failed and the lines that they aborted. Empty: stock is held.',
  })
  readonly failedItems!: readonly FailedItem[];

  @Field(() => Boolean, { description: REPLAYED_RULE })
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
  description: 'The held stock was deducted.',
})
export class ReservationCommitted extends EndedReservation {
  @CountsNodes(smallNodes(LINES_MAX))
  @Field(() => [ID], { description: 'The entries in the ledger, in the order of the items.' })
  readonly movementIds!: readonly string[];
}

@ObjectType('ReservationReleased', {
  simpleResolvers: true,
  description: 'The held stock is available again.',
})
export class ReservationReleased extends EndedReservation {}

@ObjectType('ReservationNotFoundError', {
  implements: AnyError,
  description:
    'The caller has no reservation with this id. With the scope `manage` it ends every one.',
})
export class ReservationNotFoundError extends AnyError {}

@ObjectType('ReservationNotActiveError', {
  implements: AnyError,
  description: 'The reservation was committed or released before, or has expired.',
})
export class ReservationNotActiveError extends AnyError {
  @Field(() => ReservationStatuses, { description: 'The state of the reservation.' })
  readonly status!: ReservationStatus;
}

export const CommitReservationResult = createUnionType({
  name: 'CommitReservationResult',
  description: 'Success, or the error.',
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
  description: 'Success, or the error.',
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

export const ExtendReservationResult = createUnionType({
  name: 'ExtendReservationResult',
  description: 'The reservation with its new moment of expiry, or the error.',
  types: () =>
    [Reservation, ReservationNotFoundError, ReservationNotActiveError, UnavailableError] as const,
});

@Resolver()
export class ReservationResolver {
  @Query(() => Reservation, {
    nullable: true,
    description:
      'Null: the caller has no reservation with this id. With the scope `manage` it reads every one.',
  })
  @RequiresScope('read')
  reservation(
    @Arg('id', () => ID) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Reservation | null> {
    return context.services.reservations.reservation(id, context.caller);
  }

  @CountsNodes(nodesOfPage)
  @Query(() => ReservationConnection, {
    description: "Newest first: the caller's own; with the scope `manage` those of all principals.",
  })
  @RequiresScope('read')
  async reservations(
    @Args(() => PageArgs) page: PageArgs,
    @Arg('filter', () => ReservationFilter, { nullable: true }) filter: ReservationFilter | null,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<ReservationConnection> {
    const wanted = {
      status: filter?.status ?? undefined,
      productId: filter?.productId ?? undefined,
      reference: filter?.reference ?? undefined,
    };
    return toConnection(await services.reservationList.reservations(page, wanted, caller));
  }

  @CountsNodes(nodesOfLines)
  @CountsLines(linesOfItems)
  @Mutation(() => ReserveStockPayload, {
    description:
      'Holds stock while a customer checks out: available decreases, onHand does not change.',
  })
  @RequiresScope('deduct')
  async reserveStock(
    @Arg('input', () => ReserveStockInput) input: ReserveStockInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<ReserveStockPayload> {
    const result = await services.reservations.reserve(input, caller);
    return { ...result, failedItems: result.failedItems.map(toFailedItem) };
  }

  @Mutation(() => CommitReservationResult, {
    description: 'Deducts the stock that a reservation holds.',
  })
  @RequiresScope('deduct')
  async commitReservation(
    @Arg('input', () => CommitReservationInput) input: CommitReservationInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<ReservationCommitted | AnyError> {
    const result = await services.reservations.commit(input, caller);
    if (result.outcome === 'REFUSED') return toReservationError(result.failure, input);
    return Object.assign(new ReservationCommitted(), result);
  }

  @Mutation(() => ReleaseReservationResult, {
    description: 'Makes the stock that a reservation holds available again.',
  })
  @RequiresScope('deduct')
  async releaseReservation(
    @Arg('input', () => ReleaseReservationInput) input: ReleaseReservationInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<ReservationReleased | AnyError> {
    const result = await services.reservations.release(input, caller);
    if (result.outcome === 'REFUSED') return toReservationError(result.failure, input);
    return Object.assign(new ReservationReleased(), result);
  }

  @Mutation(() => ExtendReservationResult, {
    description:
      'Moves the moment at which an active reservation expires. A repetition counts from its own moment.',
  })
  @RequiresScope('deduct')
  async extendReservation(
    @Arg('input', () => ExtendReservationInput) input: ExtendReservationInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<Reservation | AnyError> {
    const result = await services.reservationExtension.execute(input, caller);
    if (result.outcome === 'REFUSED') return toReservationError(result.failure, input);
    return Object.assign(new Reservation(), result.reservation);
  }
}

/** Why a reservation was not ended or extended, as its type of the schema. */
function toReservationError(
  failure: StockFailure | ReservationFailure,
  { reservationId }: { readonly reservationId: string },
): AnyError {
  if (!isReservationFailure(failure)) return toStockError(failure, {});
  if (failure.code === 'RESERVATION_NOT_FOUND') {
    return Object.assign(new ReservationNotFoundError(), {
      message: `No reservation has the id ${reservationId}. Check the id.`,
    });
  }
  const { status } = failure;
  return Object.assign(new ReservationNotActiveError(), {
    message: `The reservation must be ACTIVE; it is ${status}.`,
    status,
  });
}
