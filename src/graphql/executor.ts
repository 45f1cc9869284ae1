/** What happens to an operation between its syntax tree and its answer: the checks that may refuse it, and its plan. */
import {
  GraphQLError,
  OperationTypeNode,
  type DocumentNode,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import type { CompiledOperations, ReadyOperation } from './compiled/compiled-operations.js';
import type { RequestContext } from './context.js';
import { toRequestError, type ErrorTable, type FormattedErrors } from './format-error.js';
import { assertVariablesAllowed } from './limits.js';
import { assertPermitted } from './permissions.js';
import type { RoomForReads } from './room-for-reads.js';
import { fragmentsOf, surveyOf } from './survey.js';

export interface AskedOperation {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  /** As the client sent them. */
  readonly variables: Readonly<Record<string, unknown>> | undefined;
  readonly context: RequestContext;
}

export interface OperationAnswer {
  readonly data: Record<string, unknown> | null;
  readonly errors?: readonly GraphQLFormattedError[];
  readonly http: FormattedErrors['http'] | null;
}

export class Executor {
  constructor(
    private readonly settings: {
      readonly schema: GraphQLSchema;
      readonly compiled: CompiledOperations;
      readonly errors: ErrorTable;
      readonly reads: RoomForReads;
    },
  ) {}

  /**
   * Refuses an operation before it runs. Null: it may run now.
   * @throws GraphQLError, or rejects with one, that has the answer's HTTP status.
   */
  check({ document, operation, variables = {}, context }: AskedOperation): Promise<void> | null {
    if (operation.operation === OperationTypeNode.SUBSCRIPTION) throw notOverHttp();
    const survey = surveyOf(this.settings.schema, operation, () => fragmentsOf(document));
    context.asks(survey.rootField, operation.operation);
    try {
      // The resolvers check it again; here the answer is one error with its HTTP status.
      assertPermitted(context, survey);
    } catch (error) {
      throw toRequestError(error);
    }
    const nodes = assertVariablesAllowed(survey, variables, context.listSizes);
    if (operation.operation === OperationTypeNode.QUERY) {
      return nodes > 0 ? charged(this.settings.reads.enter(context, nodes)) : null;
    }
    const { charge } = context;
    const further = charge && survey.lines ? survey.lines(variables) - 1 : 0;
    return charge && further > 0 ? charged(charge(further)) : null;
  }

  /** The answer by the operation's plan; null where graphql-js must execute it. Nothing has run then. */
  execute({ context, ...asked }: AskedOperation): Promise<OperationAnswer> | null {
    const { schema, compiled } = this.settings;
    const result = compiled.execute({ ...asked, schema }, context);
    return result && this.answerTo(result, context);
  }

  /** What `run` takes; null where `execute` must decide. */
  ready(asked: Omit<AskedOperation, 'context'>): ReadyOperation | null {
    const { schema, compiled } = this.settings;
    const { document, operation, variables } = asked;
    return compiled.ready({ schema, document, operation, variables });
  }

  run(ready: ReadyOperation, context: RequestContext): Promise<OperationAnswer> {
    return this.answerTo(this.settings.compiled.run(ready, context), context);
  }

  private async answerTo(
    result: NonNullable<ReturnType<CompiledOperations['execute']>>,
    context: RequestContext,
  ): Promise<OperationAnswer> {
    const { data = null, errors } = await result;
    if (!errors) return { data, http: null };
    const { errors: formatted, http } = this.settings.errors.format(errors, context);
    return { data, errors: formatted, http };
  }
}

function notOverHttp(): GraphQLError {
  return new GraphQLError(
    'Subscriptions are not served over HTTP; got one. ' +
      'Open a WebSocket at this address, with the protocol graphql-transport-ws.',
    { extensions: { code: 'BAD_REQUEST', http: { status: 400 } } },
  );
}

async function charged(counted: Promise<void>): Promise<void> {
  try {
    await counted;
  } catch (error) {
    throw toRequestError(error);
  }
}
