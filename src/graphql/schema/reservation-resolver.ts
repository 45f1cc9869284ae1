/** Reservations: argument → domain → type, nothing else. */
import { Arg, Ctx, ID, Mutation, Query, Resolver } from 'type-graphql';
import type { RequestContext } from '../context.js';
import type { AnyError } from './stock-error.js';
import { nodesOfLines } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import {
  CommitReservationInput,
  CommitReservationResult,
  ReleaseReservationInput,
  ReleaseReservationResult,
  Reservation,
  ReservationCommitted,
  ReservationReleased,
  ReserveStockInput,
  ReserveStockPayload,
  toReservationError,
} from './reservation.js';
import { toFailedItem } from './deduct-increase.js';

@Resolver()
export class ReservationResolver {
  @Query(() => Reservation, {
    nullable: true,
    description: 'One reservation; null where there is none with this id.',
  })
  @RequiresScope('read')
  reservation(
    @Arg('id', () => ID) id: string,
    @Ctx() context: RequestContext,
  ): Promise<Reservation | null> {
    return context.inTime(context.services.reservations.reservation(id));
  }

  @Mutation(() => ReserveStockPayload, {
    complexity: nodesOfLines,
    description: 'Holds stock for a buyer for a while: available goes down, on hand does not.',
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
    description: 'Turns a reservation into deductions.',
  })
  @RequiresScope('deduct')
  async commitReservation(
    @Arg('input', () => CommitReservationInput) input: CommitReservationInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<ReservationCommitted | AnyError> {
    const result = await services.reservations.commit(input, caller);
    if (result.outcome === 'REFUSED') return toReservationError(result.failure);
    return Object.assign(new ReservationCommitted(), result);
  }

  @Mutation(() => ReleaseReservationResult, {
    description: "Gives a reservation's stock back.",
  })
  @RequiresScope('deduct')
  async releaseReservation(
    @Arg('input', () => ReleaseReservationInput) input: ReleaseReservationInput,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<ReservationReleased | AnyError> {
    const result = await services.reservations.release(input, caller);
    if (result.outcome === 'REFUSED') return toReservationError(result.failure);
    return Object.assign(new ReservationReleased(), result);
  }
}
