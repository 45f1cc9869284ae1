/** Why a number is what it is: `journey` and its types. */
import { Arg, Ctx, Field, Int, ObjectType, Query, Resolver, registerEnumType } from 'type-graphql';
import type {
  JourneyEvent as DomainEvent,
  JourneyEventKind,
  JourneyKind,
  JourneyLine as DomainLine,
} from '../../inventory/journey.js';
import { PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX } from '../../inventory/product-service.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, nodesOfEntries, nodesOfPage, smallNodes } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { DateTime } from './date-time.js';
import { ID } from './id.js';
import { StockMovement } from './movement.js';
import { CURSOR_RULE, NODES_RULE, PageInfo, toConnection } from './page.js';

const Kinds: { readonly [Kind in JourneyKind]: Kind } = {
  PRODUCT: 'PRODUCT',
  LOCATION: 'LOCATION',
  MOVEMENT: 'MOVEMENT',
  RESERVATION: 'RESERVATION',
  REFERENCE: 'REFERENCE',
  IDEMPOTENCY_KEY: 'IDEMPOTENCY_KEY',
  PRINCIPAL: 'PRINCIPAL',
};

registerEnumType(Kinds, {
  name: 'JourneyKind',
  description: 'What an id names.',
  valuesConfig: {
    PRODUCT: { description: 'Its lines are those of the product.' },
    LOCATION: {
      description:
        'Its lines are looked for among the newest of the ledger, where the id names nothing else that has lines.',
    },
    MOVEMENT: { description: 'A line of the ledger; its lines are those of the same request.' },
    RESERVATION: { description: 'Its lines are those of its commit.' },
    REFERENCE: { description: 'An order or document; its lines are those that name it.' },
    IDEMPOTENCY_KEY: { description: 'Its lines are those of the request that used it.' },
    PRINCIPAL: {
      description:
        'Its lines are looked for among the newest of the ledger, where the id names nothing else that has lines.',
    },
  },
});

const EventKinds: { readonly [Kind in JourneyEventKind]: Kind } = {
  PRODUCT_CREATED: 'PRODUCT_CREATED',
  PRODUCT_ARCHIVED: 'PRODUCT_ARCHIVED',
  LOCATION_CREATED: 'LOCATION_CREATED',
  RESERVED: 'RESERVED',
  RESERVATION_COMMITTED: 'RESERVATION_COMMITTED',
  RESERVATION_RELEASED: 'RESERVATION_RELEASED',
  RESERVATION_EXPIRED: 'RESERVATION_EXPIRED',
  ANSWERED: 'ANSWERED',
};

registerEnumType(EventKinds, {
  name: 'JourneyEventKind',
  description: 'What happened beside the lines of the ledger.',
  valuesConfig: {
    PRODUCT_CREATED: {},
    PRODUCT_ARCHIVED: { description: 'It was taken out of sale.' },
    LOCATION_CREATED: {},
    RESERVED: { description: 'A reservation was made.' },
    RESERVATION_COMMITTED: { description: 'Its stock was deducted.' },
    RESERVATION_RELEASED: { description: 'Its stock was made available again.' },
    RESERVATION_EXPIRED: { description: 'Its time ended.' },
    ANSWERED: {
      description:
        'A request with an idempotency key was decided, and its answer stored: a refusal is seen here alone.',
    },
  },
});

@ObjectType('JourneyEvent', {
  simpleResolvers: true,
  description: 'Something that happened beside the lines of the ledger.',
})
export class JourneyEvent implements DomainEvent {
  @Field(() => EventKinds)
  readonly kind!: JourneyEventKind;

  @Field(() => DateTime, {
    nullable: true,
    description: 'Null: not stored, as of a release without an idempotency key.',
  })
  readonly at!: Date | null;

  @Field(() => String, { description: 'What happened, in a sentence.' })
  readonly text!: string;

  @Field(() => String, {
    nullable: true,
    description: 'Whose request it was. Null: not stored, or without authentication.',
  })
  readonly principal!: string | null;

  @Field(() => ID, { nullable: true })
  readonly reservationId!: string | null;

  @Field(() => ID, {
    nullable: true,
    description: 'The request, as lines name it. Null: it was none, or it is not stored.',
  })
  readonly operationId!: string | null;
}

@ObjectType('JourneyBatch', {
  simpleResolvers: true,
  description:
    'The transaction that wrote a line, with the lines of other requests that it decided. Nothing of it is stored: ' +
    'its lines are neighbours with the same moment, to the microsecond.',
})
export class JourneyBatch {
  @Field(() => ID, { description: 'Alike for the lines of one batch.' })
  readonly id!: string;

  @Field(() => Int, { description: 'How many lines it wrote.' })
  readonly lines!: number;
}

@ObjectType('JourneyLine', {
  simpleResolvers: true,
  description:
    'A line of the ledger and how it came there: it was asked for at `askedAt`, waited for `waitedMs`, and was ' +
    'decided at `movement.createdAt` in `batch`, under `movement.fencingToken`. The commit followed at once, and the ' +
    'answer to the client, and the notice to subscribers, followed the commit.',
})
export class JourneyLine implements DomainLine {
  @Field(() => StockMovement)
  readonly movement!: StockMovement;

  @Field(() => ID, { description: 'The request: alike for all of its lines.' })
  readonly operationId!: string;

  @Field(() => Int, { description: "The line's place in the request, from 0." })
  readonly lineIndex!: number;

  @Field(() => DateTime, {
    nullable: true,
    description: 'When its request came to a server. Null: not stored, as by earlier versions.',
  })
  readonly askedAt!: Date | null;

  @Field(() => Int, {
    nullable: true,
    description:
      'For its turn at the product and for its transaction, in milliseconds. Null: not stored, as by earlier versions.',
  })
  readonly waitedMs!: number | null;

  @Field(() => JourneyBatch)
  readonly batch!: JourneyBatch;
}

@ObjectType('JourneyLineEdge', { simpleResolvers: true })
export class JourneyLineEdge {
  @Field(() => String, { description: CURSOR_RULE })
  readonly cursor!: string;

  @Field(() => JourneyLine)
  readonly node!: JourneyLine;
}

@ObjectType('JourneyLineConnection', {
  simpleResolvers: true,
  description: 'A page of lines, newest first.',
})
export class JourneyLineConnection {
  @CountsNodes(nodesOfEntries)
  @Field(() => [JourneyLineEdge])
  readonly edges!: readonly JourneyLineEdge[];

  @CountsNodes(nodesOfEntries)
  @Field(() => [JourneyLine], { description: NODES_RULE })
  readonly nodes!: readonly JourneyLine[];

  @Field(() => PageInfo)
  readonly pageInfo!: PageInfo;
}

/** Two for each of at most 61 reservations, 20 answers, and a few. */
const EVENTS_MAX = 150;

@ObjectType('Journey', {
  simpleResolvers: true,
  description: 'What an id names, and what is stored about it.',
})
export class Journey {
  @Field(() => String, { description: 'As it was asked for.' })
  readonly id!: string;

  @CountsNodes(smallNodes(Object.keys(Kinds).length))
  @Field(() => [Kinds], {
    description: 'All that it names; one text may be several. Empty: it is not known.',
  })
  readonly kinds!: readonly JourneyKind[];

  @CountsNodes(smallNodes(EVENTS_MAX))
  @Field(() => [JourneyEvent], {
    description:
      'Newest first, those without a moment last. Of reservations of one reference or principal, the newest 20.',
  })
  readonly events!: readonly JourneyEvent[];

  @Field(() => JourneyLineConnection, {
    description:
      'Lines of the ledger, newest first. Where they are looked for among the newest of the ledger, a page may be ' +
      'short, and even empty, while hasNextPage is true: go on from its endCursor.',
  })
  readonly lines!: JourneyLineConnection;
}

@Resolver()
export class JourneyResolver {
  @CountsNodes(nodesOfPage)
  @Query(() => Journey, {
    description:
      'Why a number is what it is: the journey of a product, a location, a movement, a reservation, an order ' +
      'reference, an idempotency key or a principal, whichever the id names.',
  })
  @RequiresScope('manage')
  async journey(
    @Arg('id', () => ID, { description: 'At most 255 characters.' }) id: string,
    @Arg('first', () => Int, {
      nullable: true,
      description: `The number of lines, 1 to ${PAGE_SIZE_MAX}. Default: ${PAGE_SIZE_DEFAULT}.`,
    })
    first: number | null,
    @Arg('after', () => String, {
      nullable: true,
      description: 'The lines begin after this cursor.',
    })
    after: string | null,
    @Arg('principal', () => String, {
      nullable: true,
      description:
        'For the idempotency key of a principal with a JWT. Keys without a principal, and those of all API keys, are ' +
        'found without it.',
    })
    principal: string | null,
    @Ctx() { services, caller }: RequestContext,
  ): Promise<Journey> {
    const question = { id, principal: principal ?? null };
    const found = await services.journeys.journey(question, { first, after }, caller.deadline);
    return { ...found, lines: toConnection(found.lines) };
  }
}
