/** A sale tried on the developer's machine: the types, `saleTrial`, `startSaleTrial` and `stopSaleTrial`. */
import {
  Arg,
  Ctx,
  Field,
  Float,
  InputType,
  Int,
  Mutation,
  ObjectType,
  Query,
  Resolver,
  createUnionType,
  registerEnumType,
} from 'type-graphql';
import type { RequestContext } from '../context.js';
import { CountsNodes, smallNodes } from '../node-cost.js';
import { RequiresScope } from '../permissions.js';
import {
  TRIAL_BUYERS_MAX,
  TRIAL_CODES_MAX,
  TRIAL_POINTS_MAX,
  TRIAL_SERVERS_MAX,
  TRIAL_UNITS_MAX,
  type SaleTrial as Trial,
  type SaleTrialState,
  type SaleTrials,
  type TrialLock,
} from '../sale-trials.js';
import { ID } from './id.js';
import { InvalidInputError, toInvalidInputError } from './stock-error.js';

const TrialLocks = {
  REDIS: 'redis',
  REDLOCK: 'redlock',
  DATABASE: 'database',
  NONE: 'none',
} as const satisfies Readonly<Record<string, TrialLock>>;

registerEnumType(TrialLocks, {
  name: 'SaleTrialLock',
  description: "What serializes the writes of the trial's servers: a value of STOCK_LOCK.",
  valuesConfig: {
    REDIS: { description: 'The lock in Redis, with a queue and owners.' },
    REDLOCK: { description: 'A majority of three Redis, which are started for the trial.' },
    DATABASE: { description: '`SELECT … FOR UPDATE`.' },
    NONE: { description: 'Nothing: the conditional `UPDATE` alone decides.' },
  },
});

const TrialStates: { readonly [State in SaleTrialState]: State } = {
  STARTING: 'STARTING',
  SELLING: 'SELLING',
  CHECKING: 'CHECKING',
  DONE: 'DONE',
  STOPPED: 'STOPPED',
  FAILED: 'FAILED',
};

registerEnumType(TrialStates, {
  name: 'SaleTrialState',
  description: 'How far a trial is.',
  valuesConfig: {
    STARTING: { description: 'Its servers and its buyers are starting.' },
    SELLING: { description: 'Buyers ask.' },
    CHECKING: { description: 'The ledger is being verified.' },
    DONE: { description: 'All buyers have asked, and the ledger was verified.' },
    STOPPED: { description: 'It was stopped before it was done.' },
    FAILED: { description: 'It could not be carried out; `problem` says why.' },
  },
});

const SIMPLE = { simpleResolvers: true } as const;

@ObjectType('SaleTrialCount', { ...SIMPLE, description: 'How often one code was answered.' })
export class SaleTrialCount {
  @Field(() => String, { description: 'A `StockErrorCode`, or the code of a failed request.' })
  readonly code!: string;

  @Field(() => Int)
  readonly count!: number;
}

@ObjectType('SaleTrialPoint', { ...SIMPLE, description: 'How far the sale was at a moment.' })
export class SaleTrialPoint {
  @Field(() => Float, { description: 'Since the first buyer asked, in milliseconds.' })
  readonly atMs!: number;

  @Field(() => Int)
  readonly asked!: number;

  @Field(() => Int)
  readonly sold!: number;

  @Field(() => Int)
  readonly refused!: number;

  @Field(() => Int)
  readonly failed!: number;

  @Field(() => Int)
  readonly waiting!: number;
}

@ObjectType('SaleTrialLedger', { ...SIMPLE, description: 'What the ledger tells after the sale.' })
export class SaleTrialLedger {
  @Field(() => Boolean, { description: 'Whether the whole ledger explains every unit.' })
  readonly ok!: boolean;

  @Field(() => String, { description: 'What `verify-ledger` says of the whole ledger.' })
  readonly verdict!: string;

  @Field(() => Int, { description: 'Units that the lines of the ledger took from the product.' })
  readonly soldUnits!: number;

  @Field(() => Int, { description: 'How many of them were more than the product had.' })
  readonly oversold!: number;

  @Field(() => Int, {
    description:
      'Differences between the ledger and the answers: units that were sold to a buyer without a line, or the ' +
      'other way round. A request that failed may have been carried out, and is no difference.',
  })
  readonly unexplained!: number;
}

@ObjectType('SaleTrial', {
  ...SIMPLE,
  description:
    'A sale of a new product to buyers who ask for one unit each: over HTTP, from a process of their own, at servers ' +
    'that are started for it and use the same MySQL.',
})
export class SaleTrial {
  @Field(() => ID)
  readonly id!: string;

  @Field(() => ID, { description: 'The product that was made for it.' })
  readonly productId!: string;

  @Field(() => TrialStates)
  readonly state!: SaleTrialState;

  @Field(() => Int)
  readonly buyers!: number;

  @Field(() => Int)
  readonly units!: number;

  @Field(() => TrialLocks)
  readonly lock!: TrialLock;

  @Field(() => Int)
  readonly servers!: number;

  @Field(() => Int, { description: 'Buyers who have sent their requests.' })
  readonly asked!: number;

  @Field(() => Int, { description: 'Buyers who got a unit.' })
  readonly sold!: number;

  @CountsNodes(smallNodes(TRIAL_CODES_MAX))
  @Field(() => [SaleTrialCount], { description: 'Buyers who were refused, by the code.' })
  readonly refused!: readonly SaleTrialCount[];

  @CountsNodes(smallNodes(TRIAL_CODES_MAX))
  @Field(() => [SaleTrialCount], {
    description:
      'Buyers whose request failed as a whole, by the code: of the answer, or of the connection.',
  })
  readonly failed!: readonly SaleTrialCount[];

  @Field(() => Int, { description: 'Buyers who have asked and have no answer yet.' })
  readonly waiting!: number;

  @Field(() => Float, {
    nullable: true,
    description: 'From the first question to the last answer, in milliseconds.',
  })
  readonly lastAnswerMs!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'The median time from a question to its answer. Null until the sale has ended.',
  })
  readonly p50Ms!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: 'What 99 of 100 answers took at most. Null until the sale has ended.',
  })
  readonly p99Ms!: number | null;

  @CountsNodes(smallNodes(TRIAL_POINTS_MAX))
  @Field(() => [SaleTrialPoint], {
    description: `At most ${TRIAL_POINTS_MAX} points, 100 milliseconds apart or, in a long sale, further.`,
  })
  readonly history!: readonly SaleTrialPoint[];

  @Field(() => SaleTrialLedger, { nullable: true, description: 'Null until it was verified.' })
  readonly ledger!: SaleTrialLedger | null;

  @Field(() => String, { nullable: true, description: 'Why it failed.' })
  readonly problem!: string | null;
}

/** Types of the interface `Error` would be types of every server's schema. */
@ObjectType('SaleTrialUnderWay', {
  ...SIMPLE,
  description: 'A trial is under way, and one runs at a time. Nothing was started.',
})
export class SaleTrialUnderWay {
  @Field(() => String, { description: 'For people.' })
  readonly message!: string;

  @Field(() => SaleTrial, { description: 'The one that is under way.' })
  readonly trial!: SaleTrial;
}

@InputType('StartSaleTrialInput')
export class StartSaleTrialInput {
  @Field(() => Int, {
    defaultValue: 1_000,
    description: `1 to ${TRIAL_BUYERS_MAX.toLocaleString('en-US')}.`,
  })
  readonly buyers!: number;

  @Field(() => Int, {
    defaultValue: 100,
    description: `1 to ${TRIAL_UNITS_MAX.toLocaleString('en-US')}.`,
  })
  readonly units!: number;

  @Field(() => TrialLocks, { defaultValue: TrialLocks.REDIS })
  readonly lock!: TrialLock;

  @Field(() => Int, {
    defaultValue: 1,
    description: `Server processes that the buyers are divided among, 1 to ${TRIAL_SERVERS_MAX}.`,
  })
  readonly servers!: number;
}

@InputType('StopSaleTrialInput')
export class StopSaleTrialInput {
  @Field(() => ID)
  readonly id!: string;
}

export const StartSaleTrialResult = createUnionType({
  name: 'StartSaleTrialResult',
  description: 'The trial that has begun, or the error.',
  types: () => [SaleTrial, SaleTrialUnderWay, InvalidInputError] as const,
});

@Resolver()
export class SaleTrialResolver {
  @Query(() => SaleTrial, {
    nullable: true,
    description: 'The trial that was started last, also when it has ended. Null: none was started.',
  })
  @RequiresScope('manage')
  saleTrial(@Ctx() context: RequestContext): SaleTrial | null {
    const trial = trialsOf(context).latest();
    return trial && toSaleTrial(trial);
  }

  @Mutation(() => StartSaleTrialResult, {
    description:
      'Starts a trial and answers at once; `saleTrial` tells how it goes on. One runs at a time, for a minute at most.',
  })
  @RequiresScope('manage')
  startSaleTrial(
    @Arg('input', () => StartSaleTrialInput) input: StartSaleTrialInput,
    @Ctx() context: RequestContext,
  ): SaleTrial | SaleTrialUnderWay | InvalidInputError {
    for (const [field, most] of BOUNDS) {
      const given = input[field];
      if (given >= 1 && given <= most) continue;
      const range = `between 1 and ${most.toLocaleString('en-US')}`;
      const message = `${field} must be ${range}; got ${given}.`;
      return toInvalidInputError({ outcome: 'INVALID', field, message });
    }
    const { buyers, units, lock, servers } = input;
    const { begun, trial } = trialsOf(context).start({ buyers, units, lock, servers });
    if (begun) return toSaleTrial(trial);
    return Object.assign(new SaleTrialUnderWay(), {
      message: 'A trial is under way. Wait for its end, or stop it.',
      trial: toSaleTrial(trial),
    });
  }

  @Mutation(() => SaleTrial, {
    nullable: true,
    description: 'Ends a trial with its processes. Null: the last trial has another id.',
  })
  @RequiresScope('manage')
  stopSaleTrial(
    @Arg('input', () => StopSaleTrialInput) input: StopSaleTrialInput,
    @Ctx() context: RequestContext,
  ): SaleTrial | null {
    const trial = trialsOf(context).stop(input.id);
    return trial && toSaleTrial(trial);
  }
}

const BOUNDS = [
  ['buyers', TRIAL_BUYERS_MAX],
  ['units', TRIAL_UNITS_MAX],
  ['servers', TRIAL_SERVERS_MAX],
] as const;

function trialsOf({ services }: RequestContext): SaleTrials {
  if (!services.saleTrials) throw new Error('The schema has trials, but the server has none.');
  return services.saleTrials;
}

function toSaleTrial(trial: Trial): SaleTrial {
  return Object.assign(new SaleTrial(), trial);
}
