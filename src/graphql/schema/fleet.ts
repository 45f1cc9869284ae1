/** What the servers report of themselves: `fleet` and its types. */
import {
  Ctx,
  Field,
  FieldResolver,
  Float,
  Int,
  ObjectType,
  Query,
  Resolver,
  Root,
  registerEnumType,
} from 'type-graphql';
import type { Quantiles } from '../../time/durations.js';
import type {
  FleetRate as FleetRateView,
  FleetServer as FleetServerView,
  FleetView,
  FleetWarning as FleetWarningView,
  HotProduct as HotProductView,
  WarningCode,
} from '../../fleet/fleet-view.js';
import type { Moment } from '../../fleet/traffic.js';
import type { RequestContext } from '../context.js';
import { CountsNodes, smallNodes, type NodeCost } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import { DateTime } from './date-time.js';
import { ID } from './id.js';
import { Product } from './product.js';

/** The most entries of each list. The view itself bounds them. */
const MOST = { servers: 256, warnings: 600, rates: 250, hotProducts: 20, moments: 60, redis: 20 };
/** Each is read from the database where its stock is asked for. */
const nodesOfHotProducts: NodeCost = ({ sizes, inside }) => MOST.hotProducts * (1 + inside(sizes));
const SERVER_RULE = 'Rates are means of the last 5 seconds.';

type ServerState = FleetServerView['state'];

const ServerStates: { readonly [State in ServerState]: State } = {
  READY: 'READY',
  AWAY: 'AWAY',
  STOPPING: 'STOPPING',
  GONE: 'GONE',
};

registerEnumType(ServerStates, {
  name: 'FleetServerState',
  description: 'What a server does.',
  valuesConfig: {
    READY: { description: 'It serves.' },
    AWAY: { description: 'It serves no writes: MySQL, or a lock that it must have, is away.' },
    STOPPING: { description: 'It takes no new requests, and finishes those that have begun.' },
    GONE: {
      description:
        'It has not reported for 3.5 seconds or more: killed, paused, or cut off from Redis. After 5 minutes it is ' +
        'no longer listed. A server that stops in order is not listed any more.',
    },
  },
});

const WarningCodes: { readonly [Code in WarningCode]: Code } = {
  SERVER_GONE: 'SERVER_GONE',
  FLEET_UNREAD: 'FLEET_UNREAD',
  RELEASES_DIFFER: 'RELEASES_DIFFER',
  PRIMARIES_DIFFER: 'PRIMARIES_DIFFER',
  MYSQL_AWAY: 'MYSQL_AWAY',
  MYSQL_SILENT: 'MYSQL_SILENT',
  REDIS_AWAY: 'REDIS_AWAY',
  LOCK_FALLBACK: 'LOCK_FALLBACK',
  CHANGES_UNPUBLISHED: 'CHANGES_UNPUBLISHED',
  RATE_LIMIT_OFF: 'RATE_LIMIT_OFF',
  QUEUE_NEARLY_FULL: 'QUEUE_NEARLY_FULL',
  MEMORY_NEARLY_FULL: 'MEMORY_NEARLY_FULL',
  EVENT_LOOP_BUSY: 'EVENT_LOOP_BUSY',
  OTHER: 'OTHER',
};

registerEnumType(WarningCodes, {
  name: 'FleetWarningCode',
  description: 'What an operator should look at.',
  valuesConfig: {
    SERVER_GONE: { description: 'A server does not report any more.' },
    FLEET_UNREAD: {
      description: 'The reports of the other servers cannot be read: only one server is listed.',
    },
    RELEASES_DIFFER: { description: 'Servers of several versions are running.' },
    PRIMARIES_DIFFER: { description: 'Servers write to different MySQL servers.' },
    MYSQL_AWAY: { description: 'MySQL takes no writes of this server.' },
    MYSQL_SILENT: { description: 'A transaction has had no answer of MySQL for over a second.' },
    REDIS_AWAY: { description: 'A Redis does not serve the lock.' },
    LOCK_FALLBACK: {
      description:
        'Writes run without the lock: under row locks of MySQL, or are refused (`LOCK_FALLBACK`).',
    },
    CHANGES_UNPUBLISHED: {
      description: 'Changes do not reach the subscribers of other servers.',
    },
    RATE_LIMIT_OFF: { description: 'Redis does not count requests, so no rate limit applies.' },
    QUEUE_NEARLY_FULL: { description: 'The queue of a product is over 80 % full.' },
    MEMORY_NEARLY_FULL: { description: 'The heap of the process is over 85 % full.' },
    EVENT_LOOP_BUSY: {
      description: 'The process was busy for over 95 % of each of the last 5 seconds.',
    },
    OTHER: { description: 'A warning of a server of a later version; see its message.' },
  },
});

@ObjectType('FleetDurations', {
  simpleResolvers: true,
  description:
    'Durations of the last seconds, in milliseconds, at most a tenth too long. Over several servers: the median of ' +
    'their medians by their numbers, and the p99 of the server where it is longest.',
})
export class FleetDurations implements Quantiles {
  @Field(() => Int, { description: 'How many there were.' })
  readonly count!: number;

  @Field(() => Float, { nullable: true, description: 'The median. Null: there were none.' })
  readonly p50Ms!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: '99 % were shorter. Null: there were none.',
  })
  readonly p99Ms!: number | null;
}

const WAITS_RULE =
  'From the arrival of a write to the begin of its commit. For a line that another server has handed over: from its ' +
  'arrival at the server that decides it.';
const COMMITS_RULE = 'Transactions that decided lines, with their repetitions.';
const QUEUED_RULE = 'Lines that wait for their commit, and requests of several products under way.';
const DELEGATED_RULE =
  'Writes a second that were handed to the server that owns their product, and answered by it.';

@ObjectType('FleetRate', {
  simpleResolvers: true,
  description: 'Lines of requests a second, of one operation and outcome.',
})
export class FleetRate implements FleetRateView {
  @Field(() => String, { description: 'The mutation, as in `deductStock`.' })
  readonly operation!: string;

  @Field(() => String, {
    description:
      '`APPLIED`; `REPLAYED`: a stored answer of an idempotency key; or why lines were refused, as in ' +
      '`INSUFFICIENT_STOCK`.',
  })
  readonly outcome!: string;

  @Field(() => Float)
  readonly linesPerSecond!: number;
}

@ObjectType('FleetLock', {
  simpleResolvers: true,
  description: 'What serializes the writes of one product.',
})
export class FleetLock {
  @Field(() => String, {
    description: '`STOCK_LOCK`: `redis`, `redlock`, `database` or `none`.',
  })
  readonly configured!: string;

  @Field(() => String, {
    description:
      'What does now: as configured; `database` while the lock is away; `nothing` where writes are refused then; ' +
      '`redis or database` where a part of the products has no lock.',
  })
  readonly now!: string;
}

@ObjectType('FleetServer', {
  simpleResolvers: true,
  description: `One server process, as it has last reported. With \`WORKERS\` each worker is one. ${SERVER_RULE}`,
})
export class FleetServer implements FleetServerView {
  @Field(() => ID, { description: 'Another one after each start.' })
  readonly id!: string;

  @Field(() => String, { description: 'The name of its machine or container.' })
  readonly host!: string;

  @Field(() => Int, { description: 'The id of its process there.' })
  readonly pid!: number;

  @Field(() => String, { description: 'Of Stockade.' })
  readonly version!: string;

  @Field(() => DateTime, { description: "By the server's clock." })
  readonly startedAt!: Date;

  @Field(() => ServerStates)
  readonly state!: ServerState;

  @Field(() => Int, { description: 'Milliseconds since its last report.' })
  readonly silentMs!: number;

  @Field(() => String, {
    nullable: true,
    description: 'The address of its MySQL, as in `db1:3306`, as it stands in `MYSQL_URL`.',
  })
  readonly mysql!: string | null;

  @Field(() => String, {
    nullable: true,
    description:
      'What that MySQL says of itself: host name, port and ids. Where an address leads to several servers this tells ' +
      'which one it is.',
  })
  readonly mysqlServer!: string | null;

  @CountsNodes(smallNodes(MOST.redis))
  @Field(() => [String], {
    description: 'Where its connections to Redis lead, as in `10.0.0.7:6379`; without those away.',
  })
  readonly redis!: readonly string[];

  @Field(() => FleetLock)
  readonly lock!: FleetLock;

  @Field(() => Int, { description: QUEUED_RULE })
  readonly queuedLines!: number;

  @Field(() => Float, { description: 'Lines a second that its own clients got an answer for.' })
  readonly answeredPerSecond!: number;

  @Field(() => Float, { description: DELEGATED_RULE })
  readonly delegatedPerSecond!: number;

  @Field(() => FleetDurations, { description: WAITS_RULE })
  readonly waits!: FleetDurations;

  @Field(() => FleetDurations, { description: COMMITS_RULE })
  readonly commits!: FleetDurations;
}

@ObjectType('FleetWarning', {
  simpleResolvers: true,
  description: 'Something that an operator should look at.',
})
export class FleetWarning implements FleetWarningView {
  @Field(() => WarningCodes)
  readonly code!: WarningCode;

  @Field(() => String, { description: 'In a sentence. Contains no credentials.' })
  readonly message!: string;

  @Field(() => ID, {
    nullable: true,
    description: 'The server that reports it. Null: it concerns the fleet.',
  })
  readonly serverId!: string | null;

  @Field(() => DateTime, { nullable: true, description: 'Null: not known.' })
  readonly since!: Date | null;
}

@ObjectType('HotProduct', {
  simpleResolvers: true,
  description: 'A product that many callers ask for at the moment.',
})
export class HotProduct implements HotProductView {
  @Field(() => ID)
  readonly productId!: string;

  @Field(() => Float, { description: 'Answered lines a second, whatever the outcome.' })
  readonly linesPerSecond!: number;

  @Field(() => Float, { description: 'Units a second that were deducted or reserved.' })
  readonly unitsPerSecond!: number;

  @Field(() => Int, { description: 'Lines that wait for it, over all servers.' })
  readonly queuedLines!: number;

  @Field(() => ID, {
    nullable: true,
    description:
      'The server that owns it: the others hand their lines to that one. Null: none, or none is known.',
  })
  readonly ownerId!: string | null;
}

@ObjectType('FleetMoment', {
  simpleResolvers: true,
  description: 'The fleet in five seconds of the past.',
})
export class FleetMoment {
  @Field(() => DateTime, {
    description: "When the five seconds ended, by the servers' clocks.",
  })
  readonly at!: Date;

  @Field(() => Float, { description: 'Lines a second that were applied, replays included.' })
  readonly appliedPerSecond!: number;

  @Field(() => Float, { description: 'Lines a second refused as `INSUFFICIENT_STOCK`.' })
  readonly soldOutPerSecond!: number;

  @Field(() => Float, { description: 'Lines a second refused for another reason.' })
  readonly refusedPerSecond!: number;

  @Field(() => FleetDurations, { description: WAITS_RULE })
  readonly waits!: FleetDurations;

  @Field(() => FleetDurations, { description: COMMITS_RULE })
  readonly commits!: FleetDurations;

  @Field(() => Int, { description: QUEUED_RULE })
  readonly queuedLines!: number;
}

@ObjectType('Fleet', {
  simpleResolvers: true,
  description: `All servers on this database, together. ${SERVER_RULE} Reports are at most a second old.`,
})
export class Fleet {
  @Field(() => DateTime, {
    description: 'When this was put together, by the clock of this server.',
  })
  readonly at!: Date;

  @CountsNodes(smallNodes(MOST.servers))
  @Field(() => [FleetServer], {
    description: 'Those that report, the oldest first; then those that are gone.',
  })
  readonly servers!: readonly FleetServer[];

  @CountsNodes(smallNodes(MOST.warnings))
  @Field(() => [FleetWarning], { description: 'Empty: all is well.' })
  readonly warnings!: readonly FleetWarning[];

  @CountsNodes(smallNodes(MOST.rates))
  @Field(() => [FleetRate], { description: 'The highest first; without those of zero.' })
  readonly rates!: readonly FleetRate[];

  @Field(() => FleetDurations, { description: WAITS_RULE })
  readonly waits!: FleetDurations;

  @Field(() => FleetDurations, { description: COMMITS_RULE })
  readonly commits!: FleetDurations;

  @Field(() => Float, { description: DELEGATED_RULE })
  readonly delegatedPerSecond!: number;

  @Field(() => Int, { description: QUEUED_RULE })
  readonly queuedLines!: number;

  @CountsNodes(nodesOfHotProducts)
  @Field(() => [HotProduct], { description: 'The hottest first, at most 20.' })
  readonly hotProducts!: readonly HotProduct[];

  @CountsNodes(smallNodes(MOST.moments))
  @Field(() => [FleetMoment], {
    description: 'The last five minutes, oldest first, one for each five seconds.',
  })
  readonly moments!: readonly FleetMoment[];
}

@Resolver()
export class FleetResolver {
  @Query(() => Fleet, {
    description:
      'What all servers are doing. Where Redis is away, this server answers for itself alone and says so in a ' +
      'warning; without a Redis it knows of no other server.',
  })
  @RequiresScope('manage')
  async fleet(@Ctx() { services }: RequestContext): Promise<Fleet> {
    return toFleet(await services.fleet.view());
  }
}

@Resolver(() => HotProduct)
export class HotProductResolver {
  @FieldResolver(() => Product, {
    nullable: true,
    description: 'As it is now. Null: there is no such product, or it could not be read.',
  })
  product(@Root() hot: HotProduct, @Ctx() context: RequestContext): Promise<Product | null> {
    return context.orNull(context.loaders.productById.load(hot.productId));
  }

  @FieldResolver(() => Float, {
    nullable: true,
    description:
      'When its available units are sold at the present rate, in seconds; 0: it is sold out. Null: none are being ' +
      'sold, or it could not be read.',
  })
  async soldOutInSeconds(
    @Root() hot: HotProduct,
    @Ctx() context: RequestContext,
  ): Promise<number | null> {
    const product = await this.product(hot, context);
    if (product?.available === 0) return 0;
    return product && hot.unitsPerSecond > 0 ? product.available / hot.unitsPerSecond : null;
  }
}

function toFleet({ moments, ...view }: FleetView): Fleet {
  return { ...view, moments: moments.map(toMoment) };
}

function toMoment({ atMs, ...moment }: Moment): FleetMoment {
  return { ...moment, at: new Date(atMs) };
}
