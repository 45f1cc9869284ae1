/**
 * Checks an operation before the subscription starts: the same syntax, rules, limits and page budget as over HTTP, with
 * the same errors.
 */
import {
  GraphQLError,
  Kind,
  OperationTypeNode,
  getOperationAST,
  getVariableValues,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLFormattedError,
  type GraphQLSchema,
} from 'graphql';
import type { Logger } from 'pino';
import type { RequestContext, RequestObserver } from '../graphql/context.js';
import { forgetTokens } from '../graphql/document-store.js';
import { createErrorTable, type ErrorTable } from '../graphql/format-error.js';
import { notTrusted, type PersistedDocuments } from '../graphql/persisted-documents.js';
import type { RoomForReads } from '../graphql/room-for-reads.js';
import type { RefusalLog } from '../graphql/refusal-log.js';
import { LIMITS, assertVariablesAllowed, operationLimits } from '../graphql/limits.js';
import { fragmentsOf, surveyOf } from '../graphql/survey.js';
import { SharedSubscriptions, type SubscriptionArgs } from './shared-subscriptions.js';

/** A subscription holds its document for as long as it is open. */
const NODES_MAX = 300;

export interface AskedOperation {
  readonly query: string;
  readonly operationName?: string | null | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

export class SubscriptionGate {
  readonly subscriptions: SharedSubscriptions;
  private readonly errors: ErrorTable;

  constructor(
    private readonly schema: GraphQLSchema,
    private readonly settings: {
      readonly log: Logger;
      readonly refusals: RefusalLog;
      readonly observer?: RequestObserver | null;
      readonly introspection: boolean;
      readonly persisted: PersistedDocuments;
      readonly reads: RoomForReads;
    },
  ) {
    this.subscriptions = new SharedSubscriptions(settings.reads);
    this.errors = createErrorTable({ ...settings, suggestions: settings.introspection });
  }

  /** The arguments to subscribe with, or every error of the operation. */
  admit(
    asked: AskedOperation,
    context: RequestContext,
  ): SubscriptionArgs | readonly GraphQLError[] {
    try {
      return this.check(asked, context);
    } catch (error) {
      if (error instanceof RefusedOperation) return error.errors;
      if (error instanceof GraphQLError) return [error];
      throw error;
    }
  }

  /** Errors as the error table shows them to clients. */
  formatted(errors: readonly GraphQLError[]): GraphQLFormattedError[] {
    return errors.map((error) => {
      // An HTTP status means nothing on a WebSocket.
      const extensions = { ...error.extensions, http: undefined };
      return this.errors.formatError({ ...error.toJSON(), extensions }, error);
    });
  }

  private check(asked: AskedOperation, contextValue: RequestContext): SubscriptionArgs {
    const { schema } = this;
    const { operationName, query: text } = asked;
    if (!this.settings.persisted.allows(text)) throw notTrusted();
    const document = this.subscriptions.documentOf(text) ?? this.documentOf(text);
    const operation = getOperationAST(document, operationName);
    if (!operation) {
      const message = operationName
        ? `Unknown operation named "${operationName}".`
        : 'Must provide operation name if query contains multiple operations.';
      throw withCode('OPERATION_RESOLUTION_FAILURE', new GraphQLError(message));
    }
    if (operation.operation !== OperationTypeNode.SUBSCRIPTION) {
      const message = 'A WebSocket serves only subscriptions; send queries and mutations by POST.';
      throw withCode('BAD_REQUEST', new GraphQLError(message));
    }
    const variables = asked.variables ?? {};
    const { variableDefinitions = [] } = operation;
    const coerced = getVariableValues(schema, variableDefinitions, variables, {
      maxErrors: LIMITS.errors,
    });
    refuse('BAD_USER_INPUT', coerced.errors ?? []);
    const survey = surveyOf(schema, operation, () => fragmentsOf(document));
    const nodes = assertVariablesAllowed(survey, variables, contextValue.listSizes);
    return {
      schema,
      document,
      operationName,
      variableValues: variables,
      contextValue,
      text,
      nodes,
    };
  }

  private documentOf(text: string): DocumentNode {
    const document = parsed(text);
    const mistakes = validate(this.schema, document, [...specifiedRules, operationLimits], {
      maxErrors: LIMITS.errors,
    });
    refuse('GRAPHQL_VALIDATION_FAILED', mistakes);
    const nodes = forgetTokens(document);
    if (nodes > NODES_MAX && isSubscription(document)) {
      const message =
        `The text of a subscription must not have more than ${NODES_MAX} names, values and fields; got ${nodes}. ` +
        'Select fewer fields, and pass ids as a variable.';
      throw withCode('GRAPHQL_VALIDATION_FAILED', new GraphQLError(message));
    }
    return document;
  }
}

function isSubscription({ definitions }: DocumentNode): boolean {
  return definitions.some(
    (each) =>
      each.kind === Kind.OPERATION_DEFINITION && each.operation === OperationTypeNode.SUBSCRIPTION,
  );
}

class RefusedOperation extends Error {
  constructor(readonly errors: readonly GraphQLError[]) {
    super('The operation is refused.');
    this.name = 'RefusedOperation';
  }
}

function refuse(code: string, errors: readonly GraphQLError[]): void {
  if (errors.length === 0) return;
  throw new RefusedOperation(errors.map((error) => withCode(code, error)));
}

function parsed(query: string): DocumentNode {
  try {
    return parse(query, { maxLexicalTokens: LIMITS.tokensInAll });
  } catch (error) {
    if (error instanceof GraphQLError) throw withCode('GRAPHQL_PARSE_FAILED', error);
    throw error;
  }
}

function withCode(code: string, error: GraphQLError): GraphQLError {
  const { message, nodes = null, source = null, positions = null } = error;
  return new GraphQLError(message, { nodes, source, positions, extensions: { code } });
}
