/** What a watcher of stock is told. */
import { Field, ID, Int, ObjectType, createUnionType } from 'type-graphql';
import type { StockEvent as WatchedEvent } from '../../inventory/stock-changes.js';
import { DateTime } from './date-time.js';

@ObjectType('StockChange', {
  simpleResolvers: true,
  description:
    'A level after a committed change. A watcher that is slower than the changes sees the newest state of each ' +
    'level, and not every one; for one level the versions only grow.',
})
export class StockChange {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => ID)
  readonly locationId!: string;

  @Field(() => Int)
  readonly onHand!: number;

  @Field(() => Int, { description: 'Held by reservations that have not expired.' })
  readonly reserved!: number;

  @Field(() => Int, { description: 'onHand - reserved, at this location.' })
  readonly available!: number;

  @Field(() => Int, {
    description: 'Over all locations, as it is when the change is told: it may be newer than it.',
  })
  readonly productAvailable!: number;

  @Field(() => Int, {
    description: 'Grows with every change of this level, reservations included.',
  })
  readonly version!: number;

  @Field(() => Boolean, {
    description: "productAvailable is at or below the product's lowStockThreshold.",
  })
  readonly lowStock!: boolean;
}

@ObjectType('StockChangesMissed', {
  simpleResolvers: true,
  description: 'Changes may have been missed since then: read again.',
})
export class StockChangesMissed {
  @Field(() => DateTime, {
    nullable: true,
    description: "By the server's clock; null where nobody knows since when.",
  })
  readonly since!: Date | null;
}

export const StockEvent = createUnionType({
  name: 'StockEvent',
  description: 'A change, or the word that changes may have been missed.',
  types: () => [StockChange, StockChangesMissed] as const,
});

export function toStockEvent(event: WatchedEvent): StockChange | StockChangesMissed {
  switch (event.kind) {
    case 'CHANGED':
      return Object.assign(new StockChange(), event.change);
    case 'MISSED':
      return Object.assign(new StockChangesMissed(), { since: event.since });
  }
}
